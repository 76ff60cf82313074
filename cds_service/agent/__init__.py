"""The agent: a bounded loop in which a model chooses, cites and orders; it never writes a value."""
