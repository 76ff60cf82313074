"""CDS services of the tests, found as an author's own would be."""
