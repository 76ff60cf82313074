"""The words of the brief: one function for each kind of statement, all values taken from what is cited."""
