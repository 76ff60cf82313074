"""A service that reads a type which its server cannot search by patient."""
