"""Vendor profiles: how an EHR product differs, as named values with their source. Never a branch in code."""

from cds_service.vendors.profile import Profile, facts, load_profile, vendor_names
from cds_service.vendors.query import Query, queries

__all__ = ["Profile", "Query", "facts", "load_profile", "queries", "vendor_names"]
