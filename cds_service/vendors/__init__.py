"""Vendor profiles: how an EHR product differs, as named values with their source. Never a branch in code."""

from cds_service.vendors.profile import Profile, facts, load_profile, vendor_names
from cds_service.vendors.query import Query, queries
from cds_service.vendors.registration import (
    Limit,
    Part,
    Registration,
    Risk,
    Screen,
    Step,
    applying,
    registration_for,
)
from cds_service.vendors.scopes import LAUNCH, apis, scopes_for, write_scope

__all__ = [
    "LAUNCH",
    "Limit",
    "Part",
    "Profile",
    "Query",
    "Registration",
    "Risk",
    "Screen",
    "Step",
    "apis",
    "applying",
    "facts",
    "load_profile",
    "queries",
    "registration_for",
    "scopes_for",
    "vendor_names",
    "write_scope",
]
