"""The performance table: the service against a floor, measured in turn in the same run."""
