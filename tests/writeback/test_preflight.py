"""What would stop a note is found before anything is sent, from what the server says that it takes."""

import pytest

from cds_service.writeback.preflight import Capability, capability, preflight
from tests.review.stage import open_site
from tests.writeback.notes import note

ALL = "user/DocumentReference.crus"


def statement(*interactions, mode="server", kind="DocumentReference", **more):
    """A CapabilityStatement that lists these interactions of one type."""
    listed = [{"code": each} for each in interactions]
    resource = {"type": kind, "interaction": listed, **more}
    return {
        "resourceType": "CapabilityStatement",
        "rest": [{"mode": mode, "resource": [resource]}],
    }


def codes(folder, server, scope=ALL, **changes):
    found = preflight(note(**changes), open_site(folder), scope=scope, server=server)
    return [(each.code, each.who, each.stops) for each in found]


def test_a_server_that_takes_notes_stops_nothing(tmp_path):
    found = capability(statement("create", "search-type", conditionalCreate=True))
    assert found == Capability(create=True, search=True, conditional_create=True)
    assert codes(tmp_path, found) == []


@pytest.mark.parametrize(
    "said",
    [
        statement("read"),
        statement("create", kind="Observation"),
        statement("create", mode="client"),
    ],
    ids=["reads only", "of another type", "as a client"],
)
def test_a_server_that_lists_no_create_stops_the_note_for_the_admin(tmp_path, said):
    assert codes(tmp_path, capability(said)) == [("no_create", "admin", True)]


@pytest.mark.parametrize("said", [{}, {"resourceType": "Bundle"}, {"rest": "x"}])
def test_what_is_no_capability_statement_says_nothing_and_stops_nothing(tmp_path, said):
    assert capability(said) == Capability()
    assert codes(tmp_path, capability(said)) == []


@pytest.mark.parametrize(
    ("scope", "found"),
    [
        ("user/DocumentReference.rs", [("no_scope", "admin", True)]),
        ("user/DocumentReference.c", [("no_read_back", "admin", False)]),
        ("user/DocumentReference.write user/DocumentReference.read", []),
        ("DocumentReference.Create (Clinical Notes) (R4)", []),
    ],
    ids=["none to write", "none to read", "of SMART v1", "in a vendor's own words"],
)
def test_scopes_are_read_as_they_were_granted(tmp_path, scope, found):
    assert codes(tmp_path, Capability(create=True), scope) == found
