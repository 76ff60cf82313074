"""What a record says, before any section chooses from it: series of results, medicines, allergies, visits."""
