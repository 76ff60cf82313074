"""The content: what we tell clinicians. One folder is one CDS service."""
