"""A word at booking: a clash, or data that this visit will miss."""
