"""The edge: CDS Hooks on the wire, and the one table from our errors to status codes."""
