"""Scopes are understood in both syntaxes, and what an EHR held back is named."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cds_service.sites import load_site
from cds_service.smart.backend import asked_scopes
from cds_service.smart.scopes import Scope, shortfalls, written
from tests.ground import GENERAL, RIVERSIDE
from tests.smart.conftest import BACKEND


@pytest.mark.parametrize(
    ("v2", "v1"),
    [
        ("system/Patient.rs", ["system/Patient.read"]),
        ("user/DocumentReference.c", ["user/DocumentReference.write"]),
        ("patient/*.cruds", ["patient/*.read", "patient/*.write"]),
        ("system/Observation.rs?category=laboratory", ["system/Observation.read"]),
        ("launch", ["launch"]),
    ],
)
def test_a_scope_is_written_in_the_vendors_syntax(v2, v1):
    assert list(written([v2], "v1")) == v1
    assert list(written([v2], "v2")) == [v2]


@pytest.mark.parametrize(
    ("asked", "granted", "missing"),
    [
        ("system/Patient.rs", "system/Patient.rs", ""),
        ("system/Patient.rs", "system/Patient.read", ""),
        ("system/Patient.rs", "system/*.cruds", ""),
        ("system/Patient.rs system/Flag.rs", "system/Patient.rs", "system/Flag.rs"),
        ("system/Observation.rs", "system/Observation.r", "system/Observation.s"),
        ("system/Patient.rs", "user/Patient.rs", "system/Patient.rs"),
        ("system/Observation.rs", "system/Observation.rs?category=x", "system/Observation.rs"),
        ("system/Observation.rs?category=x", "system/Observation.rs?category=x", ""),
        ("system/*.rs", "system/Patient.rs", "system/*.rs"),
        ("user/DocumentReference.c launch openid", "launch", "user/DocumentReference.c"),
        ("launch offline_access user/Patient.rs", "launch user/Patient.rs", "offline_access"),
        ("system/Patient.rs", "Patient.Read (R4) Patient.Search (R4)", ""),
        ("system/Patient.rs", "", "system/Patient.rs"),
    ],
)
def test_what_was_not_granted_is_named(asked, granted, missing):
    assert " ".join(shortfalls(asked.split(), granted.split())) == missing


@given(st.text() | st.from_regex(r"(user|system)/[A-Z][a-z]+\.[a-z*]{0,5}(\?\w+=\w+)?"))
def test_any_word_is_read_without_harm(word):
    scope = Scope.parse(word)
    if scope is not None:
        assert not shortfalls([word], [word])


def test_left_out_scopes_are_what_the_needs_of_a_brief_read(tmp_path):
    asked = _asked(tmp_path, GENERAL + '\n[backend]\nclient_id = "x"\n')
    assert {"system/Patient.rs", "system/AllergyIntolerance.rs", "system/Appointment.rs"} <= asked
    assert all(Scope.parse(word) for word in asked)


def test_an_older_site_asks_in_the_older_syntax(tmp_path):
    older = '\n[vendor_overrides.oauth]\nscope_syntax = "v1"\n'
    assert _asked(tmp_path, RIVERSIDE + BACKEND + older) == {
        "system/Patient.read",
        "system/Observation.read",
    }


def _asked(folder, text):
    file = folder / "site.toml"
    file.write_text(text)
    known = frozenset({"patient-view-brief", "appointment-book-brief"})
    return set(asked_scopes(load_site(file, services=known, demo=True)))
