"""How the FHIR server that others wrote behaves: what our tests against it may rely on, and where it is no EHR."""

import time
from typing import Any

import httpx
import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from jwt.algorithms import ECAlgorithm

from .conftest import StartSekmet
from .population import Resource
from .sekmet import Sekmet
from .signing_proxy import Signer

NOTE: dict[str, Any] = {
    "resourceType": "DocumentReference",
    "status": "current",
    "content": [{"attachment": {"contentType": "text/plain", "data": "aGVsbG8="}}],
}
# By need, as a brief asks for them; PID stands for the patient.
SEARCHES = (
    "AllergyIntolerance?patient=PID&clinical-status=active",
    "Appointment?patient=PID&date=ge2026-01-01&status=booked",
    "Condition?patient=PID&category=problem-list-item,encounter-diagnosis&clinical-status=active",
    "DiagnosticReport?patient=PID&category=LAB&date=ge2020-01-01&_sort=-date",
    "DocumentReference?patient=PID&category=clinical-note&type=http://loinc.org|34117-2&_sort=-date",
    "Encounter?patient=PID&date=ge2020-01-01&_sort=-date",
    "Flag?patient=PID&status=active",
    "Immunization?patient=PID&_sort=-date",
    "MedicationRequest?patient=PID&status=active,on-hold&_include=MedicationRequest:medication",
    "MedicationStatement?patient=PID&status=active",
    "Observation?patient=PID&category=laboratory&date=ge2020-01-01&_sort=-date",
    "Observation?patient=PID&category=vital-signs&code=http://loinc.org|85354-9&_sort=-date",
    "Procedure?patient=PID&date=ge2020-01-01&_sort=-date",
    "ServiceRequest?patient=PID&status=active&authored=ge2020-01-01",
)


def entries(answer: httpx.Response, mode: str = "match") -> list[Resource]:
    """Read a searchset; this will be the resources of one search mode."""
    rows = answer.raise_for_status().json().get("entry", [])
    return [row["resource"] for row in rows if row["search"]["mode"] == mode]


def links(answer: httpx.Response) -> dict[str, str]:
    """Read a searchset; this will be its links by relation."""
    return {link["relation"]: link["url"] for link in answer.json()["link"]}


def patient_id(chart: list[Resource]) -> str:
    """Find the one Patient of a chart; this will be its id."""
    return next(str(r["id"]) for r in chart if r["resourceType"] == "Patient")


@pytest.mark.parametrize("query", SEARCHES, ids=lambda q: q.replace("?patient=PID", ""))
def test_the_searches_of_a_brief_are_understood(
    sekmet: Sekmet, chart: list[Resource], query: str
) -> None:
    """Every parameter is applied (no outcome entry) and every match is this patient's."""
    answer = sekmet.get(query.replace("PID", patient_id(chart)))
    assert entries(answer, "outcome") == []
    for found in entries(answer):
        owner = found["subject"] if "subject" in found else found["patient"]
        assert owner["reference"] == f"Patient/{patient_id(chart)}"


def test_total_is_exact_and_the_page_is_twenty(sekmet: Sekmet, chart: list[Resource]) -> None:
    """`total` counts all pages, is sent even with `_total=none`, and `_count=0` gives it alone."""
    wanted = len([r for r in chart if r["resourceType"] == "Observation"])
    query = f"Observation?patient={patient_id(chart)}"
    for more in ("", "&_total=none", "&_count=0", "&_summary=count"):
        assert sekmet.get(query + more).json()["total"] == wanted
    assert len(entries(sekmet.get(query))) == 20
    assert "entry" not in sekmet.get(query + "&_count=0").json()


def test_next_links_lead_through_everything_once(sekmet: Sekmet, chart: list[Resource]) -> None:
    """Pages follow `next` (an `_offset` on the same base URL), keep the sort, and end without it."""
    wanted = {r["id"] for r in chart if r["resourceType"] == "Encounter"}
    answer = sekmet.get(f"Encounter?patient={patient_id(chart)}&_sort=-date&_count=7")
    seen = entries(answer)
    while following := links(answer).get("next"):
        assert following.startswith(sekmet.base_url)
        answer = sekmet.http.get(following)
        seen += entries(answer)
    assert len(seen) == len(wanted)
    assert {r["id"] for r in seen} == wanted
    starts = [r["period"]["start"] for r in seen]
    assert starts == sorted(starts, reverse=True)


def test_an_unknown_parameter_is_ignored_and_said_so(
    sekmet: Sekmet, chart: list[Resource]
) -> None:
    """The warning entry is beside the matches, `self` has lost the parameter, and strict handling is a 400."""
    query = f"Patient?_id={patient_id(chart)}&favourite-colour=blue"
    answer = sekmet.get(query)
    assert len(entries(answer)) == 1
    assert entries(answer, "outcome")[0]["issue"][0]["code"] == "not-supported"
    assert "favourite" not in links(answer)["self"]
    assert sekmet.get(query, Prefer="handling=strict").status_code == 400


@pytest.mark.parametrize("kind", ["CareTeam", "FamilyMemberHistory", "Goal"])
def test_some_types_cannot_be_searched_by_patient(sekmet: Sekmet, kind: str) -> None:
    """DANGER kept on purpose: the patient is ignored too, so the answer is everybody's. Only the outcome tells."""
    outcome = entries(sekmet.get(f"{kind}?patient=nobody"), "outcome")
    assert "'patient'" in outcome[0]["issue"][0]["diagnostics"]


def test_a_code_that_nobody_has_is_an_empty_searchset(sekmet: Sekmet) -> None:
    """Nothing found is 200, total 0, and no `entry`."""
    answer = sekmet.get("Condition?patient=nobody")
    assert (answer.status_code, answer.json()["total"]) == (200, 0)
    assert "entry" not in answer.json()


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("Patient/nobody", 404),
        ("Nonsense", 404),
        ("Observation?date=soon", 400),
        ("Encounter?_count=x", 400),
    ],
)
def test_errors_are_operation_outcomes(sekmet: Sekmet, path: str, status: int) -> None:
    """Status and OperationOutcome go together."""
    answer = sekmet.get(path)
    assert answer.status_code == status
    assert answer.json()["resourceType"] == "OperationOutcome"


def test_create_answers_with_location_and_etag(sekmet: Sekmet) -> None:
    """201, an absolute versioned `Location`, a weak ETag; our own id is thrown away; read-back gives what was sent."""
    created = sekmet.http.post("/DocumentReference", json=NOTE | {"id": "mine"})
    assert created.status_code == 201
    assert created.headers["ETag"] == 'W/"1"'
    base, _, version = created.headers["Location"].partition("/_history/")
    assert version == "1"
    assert base == f"{sekmet.base_url}/DocumentReference/{created.json()['id']}"
    assert created.json()["id"] != "mine"
    read = sekmet.http.get(base).json()
    assert {k: read[k] for k in NOTE} == NOTE


def test_minimal_return_has_no_body(sekmet: Sekmet) -> None:
    """`Prefer: return=minimal` leaves only the headers to learn the id from."""
    created = sekmet.http.post(
        "/DocumentReference", json=NOTE, headers={"Prefer": "return=minimal"}
    )
    assert (created.status_code, created.content) == (201, b"")
    assert created.headers["Location"]


def test_conditional_create_is_exactly_once(sekmet: Sekmet) -> None:
    """The second POST is 200 with the first one's id; two matches are 412."""
    note = NOTE | {"identifier": [{"system": "urn:ours", "value": "k1"}]}
    condition = {"If-None-Exist": "identifier=urn:ours|k1"}
    first = sekmet.http.post("/DocumentReference", json=note, headers=condition)
    second = sekmet.http.post("/DocumentReference", json=note, headers=condition)
    assert (first.status_code, second.status_code) == (201, 200)
    assert first.json()["id"] == second.json()["id"]
    sekmet.http.post("/DocumentReference", json=note)
    assert sekmet.http.post("/DocumentReference", json=note, headers=condition).status_code == 412


def test_a_stale_update_is_refused_and_a_deleted_note_is_gone(sekmet: Sekmet) -> None:
    """`If-Match` with an old version is 412; after DELETE a read is 410."""
    note = sekmet.http.post("/DocumentReference", json=NOTE).json()
    path = f"/DocumentReference/{note['id']}"
    assert sekmet.http.put(path, json=note, headers={"If-Match": 'W/"1"'}).status_code == 200
    assert sekmet.http.put(path, json=note, headers={"If-Match": 'W/"1"'}).status_code == 412
    assert sekmet.http.delete(path).status_code == 200
    assert sekmet.http.get(path).status_code == 410


def test_what_breaks_the_r4_model_is_refused(sekmet: Sekmet) -> None:
    """It checks with the models of `fhir.resources`: a wrong code gets in, a missing attachment does not."""
    assert sekmet.http.post("/DocumentReference", json=NOTE | {"content": [{}]}).status_code == 400
    assert (
        sekmet.http.post("/DocumentReference", json=NOTE | {"docStatus": "draft"}).status_code
        == 201
    )


def test_a_transaction_is_all_or_nothing(sekmet: Sekmet, stranger: Resource) -> None:
    """A generated Bundle can be posted as it is: new ids, `urn:uuid:` rewritten; one bad entry undoes all."""
    name = stranger["entry"][0]["resource"]["identifier"][0]["value"]
    bad = {
        "resource": {"resourceType": "Patient", "nonsense": 1},
        "request": {"method": "POST", "url": "Patient"},
    }
    broken = stranger | {"entry": [*stranger["entry"][:1], bad]}
    assert sekmet.http.post("", json=broken).status_code == 400
    assert sekmet.get(f"Patient?identifier={name}").json()["total"] == 0
    sekmet.http.post("", json=stranger).raise_for_status()
    (stored,) = entries(sekmet.get(f"Patient?identifier={name}"))
    assert stored["id"] != stranger["entry"][0]["resource"]["id"]
    found = entries(sekmet.get(f"Encounter?patient={stored['id']}"))
    assert found[0]["subject"]["reference"] == f"Patient/{stored['id']}"


def test_open_it_ignores_a_token_and_closed_it_wants_the_right_one(
    sekmet: Sekmet, start_sekmet: StartSekmet
) -> None:
    """Open: any bearer goes. With fixed tokens: 401 and a challenge for none or another, `metadata` stays open."""
    assert sekmet.get("Patient", Authorization="Bearer anything").status_code == 200
    with start_sekmet(auth={"types": ["bearer"], "tokens": ["right"]}, bearer="right") as closed:
        assert closed.get("Patient").status_code == 200
        assert closed.get("Patient", Authorization="Bearer wrong").status_code == 401
        refused = httpx.get(f"{closed.base_url}/Patient")
        assert (refused.status_code, refused.headers["WWW-Authenticate"]) == (
            401,
            'Bearer realm="sekmet"',
        )
        assert httpx.get(f"{closed.base_url}/metadata").status_code == 200


def test_it_gives_tokens_to_a_backend_service(start_sekmet: StartSekmet) -> None:
    """SMART Backend Services: discovery, a signed assertion (once only), granted scopes in v2 syntax, held to."""
    key = ec.generate_private_key(ec.SECP384R1())
    jwk = ECAlgorithm.to_jwk(key.public_key(), as_dict=True) | {"kid": "real-1"}
    client = {"client_id": "us", "jwks": {"keys": [jwk]}, "scopes": "system/Patient.rs"}
    us = Signer(private_key=key, kid="real-1", issuer="us", now=time.time)
    with start_sekmet(auth={"types": ["smart"], "smart_clients": [client]}) as server:
        discovered = server.get(".well-known/smart-configuration").json()
        form = {
            "grant_type": "client_credentials",
            "scope": "system/Patient.rs system/Condition.rs",
            "client_assertion_type": "urn:ietf:params:oauth:client-assertion-type:jwt-bearer",
            "client_assertion": us.token(discovered["token_endpoint"], sub="us"),
        }
        granted = httpx.post(discovered["token_endpoint"], data=form).json()
        again = httpx.post(discovered["token_endpoint"], data=form)
        bearer = f"Bearer {granted['access_token']}"
        assert granted["scope"] == "system/Patient.rs"
        assert granted["token_type"] == "bearer"
        assert (again.status_code, again.json()["error"]) == (401, "invalid_client")
        assert server.get("Patient", Authorization=bearer).status_code == 200
        assert server.get("Condition", Authorization=bearer).status_code == 403
        assert (
            jwt.decode(granted["access_token"], options={"verify_signature": False})["aud"]
            == server.base_url
        )
