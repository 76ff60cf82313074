"""When the token that a call lends us may be used, and for what. When in doubt: not at all."""

import pytest

from cds_service.context.access import Access, access
from cds_service.domain.call import Caller, FhirAuthorization
from tests.context.stage import BASE, TOKEN, a_request, a_site

CALLER = Caller(
    site="general", issuer="https://ehr.example.org", tenant=None, jti="1", client_id="cds-brief"
)
GENERIC, EPIC = a_site().profile, a_site("epic").profile


def lent(**members):
    given = {
        "access_token": TOKEN,
        "expires_in": 300,
        "scope": "patient/Patient.rs",
        "subject": "cds-brief",
        "patient": "p1",
    }
    return FhirAuthorization(**(given | members))


def decided(caller=CALLER, server=BASE, **members):
    request = a_request({}, fhir_server=server, authorization=lent(**members))
    return access(request, caller, a_site())


@pytest.mark.spec("F-1", "F-3", "F-7", "F-8")
def test_a_token_that_is_ours_for_this_patient_and_this_server_may_be_used():
    assert decided() == Access(token=TOKEN, scope="patient/Patient.rs")
    assert decided(server=f"{BASE}/").is_usable
    assert decided(patient=None).is_usable, "older clients do not say whose token it is"


def test_no_authorization_is_no_access():
    request = a_request({}, fhir_server=BASE)
    assert access(request, CALLER, a_site()).refused == "not_offered"


@pytest.mark.spec("F-12")
@pytest.mark.parametrize(
    "server",
    [
        None,
        "",
        "https://evil.example/r4",
        "https://ehr.example.org.evil.example/r4",
        "https://ehr.example.org@evil.example/r4",
        "https://ehr.example.org/r4/../r5",
        "https://ehr.example.org/r5",
        "http://ehr.example.org/r4",
        "https://ehr.example.org:8443/r4",
        "https://127.0.0.1/r4",
        "file:///etc",
    ],
)
def test_another_fhir_server_than_the_sites_is_never_called(server):
    assert decided(server=server).refused == "other_fhir_server"


REFUSED = {
    "another client's token": ({"subject": "another"}, "other_subject"),
    "nobody's token": ({"subject": ""}, "other_subject"),
    "another patient's token": ({"patient": "p2"}, "other_patient"),
    "a token that has expired": ({"expires_in": 0}, "expired"),
    "a token that expired long ago": ({"expires_in": -5}, "expired"),
}


@pytest.mark.spec("F-5", "F-7", "F-8")
@pytest.mark.parametrize("what", REFUSED)
def test_what_is_refused_is(what):
    members, reason = REFUSED[what]
    granted = decided(**members)
    assert (granted.refused, granted.is_usable, granted.token) == (reason, False, "")


def test_where_the_site_file_names_no_client_any_subject_will_do():
    caller = Caller(site="general", issuer="i", tenant=None, jti="1", client_id=None)
    assert decided(caller, subject="whoever").is_usable


SCOPES = {
    # scope: what may be (read, searched) of Observation
    "patient/Observation.rs": (True, True),
    "user/Observation.rs": (True, True),
    "system/Observation.rs": (True, True),
    "patient/Observation.read": (True, True),
    "patient/Observation.*": (True, True),
    "patient/*.read": (True, True),
    "patient/*.rs": (True, True),
    "patient/*.*": (True, True),
    "patient/Observation.cruds": (True, True),
    "patient/Observation.r": (True, False),
    "patient/Observation.s": (False, True),
    "patient/Observation.write": (False, False),
    "patient/Observation.cud": (False, False),
    "patient/Observation.sr patient/Patient.rs": (False, False),  # out of order: no such scope
    "patient/Patient.rs": (False, False),
    "patient/ObservationX.rs": (False, False),
    "patient/Observation.rs?category=laboratory": (True, True),
    "launch openid fhirUser patient/Observation.rs": (True, True),
    "patient/Patient.rs?x=y patient/Observation.rs": (True, True),
    "patient/Patient.rs patient/Condition.rs": (False, False),
    # nothing that we understand: the server is asked, and may refuse
    "": (True, True),
    "launch openid": (True, True),
    "Observation.Read (R4)": (True, True),
}


@pytest.mark.spec("F-6")
@pytest.mark.parametrize("scope", SCOPES)
def test_scopes_are_read_in_both_syntaxes(scope):
    granted = Access(token=TOKEN, scope=scope)
    covered = tuple(granted.covers("Observation", GENERIC, verb=verb) for verb in ("r", "s"))
    assert covered == SCOPES[scope]


def test_a_vendor_with_scopes_of_its_own_is_asked_and_may_refuse():
    granted = Access(token=TOKEN, scope="Patient.Read (R4) Patient.Search (R4)")
    assert granted.covers("Observation", EPIC, verb="s")
