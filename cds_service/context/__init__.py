"""Gathers one patient's record: prefetch first, then FHIR reads inside the budget, into a ledger."""
