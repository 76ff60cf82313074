"""One module for each section: what it says of a record, as statements without a clinical value."""
