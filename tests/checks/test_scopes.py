"""Scopes grant together what none of them grants alone, in both ways of writing them."""

import pytest

from discovery.checks.scopes import covered


@pytest.mark.parametrize(
    ("scope", "have", "is_covered"),
    [
        ("user/Patient.rs", "user/Patient.rs", True),
        ("user/Patient.rs", "user/Patient.r user/Patient.s", True),
        ("user/DocumentReference.crs", "user/*.rs user/DocumentReference.c", True),
        ("user/DocumentReference.crs", "user/DocumentReference.c", False),
        ("user/Patient.rs", "user/*.read", True),
        ("user/Patient.read", "user/Patient.cruds", True),
        ("user/Patient.write", "user/Patient.c", False),
        ("user/Patient.rs", "system/Patient.rs patient/*.rs", False),
        ("user/Patient.rs", "user/Patients.rs", False),
        ("user/Observation.rs", "user/Observation.rs?category=laboratory", False),
        ("user/Patient.rs", "", False),
    ],
)
def test_scopes_cover_what_they_grant_together(scope, have, is_covered):
    assert covered(scope, tuple(have.split())) is is_covered
