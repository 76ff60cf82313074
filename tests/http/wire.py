"""What the tests of the edge share: a small call that needs no FHIR server, and the shape of an error."""

import json
from typing import Any

import httpx

from tests.ground import CDS, Ground

SERVICE = "/general/cds-services/patient-view-brief"
RIVERSIDE = "/riverside/cds-services/patient-view-brief"
BOOKING = "/general/cds-services/appointment-book-brief"
FEEDBACK = f"{SERVICE}/feedback"
DRUG, ALLERGEN = "Zyxomab", "Quandocillin"
"""What the small chart holds and every brief of it must say."""

_ACTIVE = {"coding": [{"code": "active"}]}


def chart() -> dict[str, Any]:
    """Return prefetch of a chart with one medication and one severe allergy."""
    patient = {"reference": "Patient/p-1"}
    return {
        "patient": {
            "resourceType": "Patient",
            "id": "p-1",
            "birthDate": "1955-02-01",
            "gender": "female",
        },
        "medications": searchset(
            {
                "resourceType": "MedicationRequest",
                "id": "m-1",
                "status": "active",
                "intent": "order",
                "subject": patient,
                "authoredOn": "2026-11-02",
                "medicationCodeableConcept": {"text": f"{DRUG} 10 mg tablet"},
            }
        ),
        "allergies": searchset(
            {
                "resourceType": "AllergyIntolerance",
                "id": "a-1",
                "clinicalStatus": _ACTIVE,
                "criticality": "high",
                "patient": patient,
                "code": {"text": ALLERGEN},
            }
        ),
    }


def searchset(*resources: dict[str, Any]) -> dict[str, Any]:
    """Return a search's result."""
    entries = [{"resource": one, "search": {"mode": "match"}} for one in resources]
    return {"resourceType": "Bundle", "type": "searchset", "entry": entries}


def body(**changes: object) -> dict[str, Any]:
    """Return a hook call's body without FHIR access; a member given as None is left out."""
    full = {
        "hook": "patient-view",
        "hookInstance": "0d5c4d2e-9b44-4f11-8c9b-2a6a8e5b9d11",
        "context": {"userId": "Practitioner/dr-1", "patientId": "p-1"},
        "prefetch": chart(),
    } | changes
    return {name: value for name, value in full.items() if value is not None}


def context(**fields: object) -> dict[str, object]:
    """Return the context of the small call with fields changed; None leaves one out."""
    full = {"userId": "Practitioner/dr-1", "patientId": "p-1"} | fields
    return {name: value for name, value in full.items() if value is not None}


async def post(
    ground: Ground,
    content: object,
    *,
    path: str = SERVICE,
    headers: dict[str, str] | None = None,
    token: str | None = None,
) -> httpx.Response:
    """POST a JSON value, or bytes as they are, with a good token of that site."""
    site = path.split("/")[1]
    bearer = token or ground.client(site).bearer(f"{CDS}{path}")
    sent = content if isinstance(content, bytes) else json.dumps(content).encode()
    full = {"Authorization": f"Bearer {bearer}", "Content-Type": "application/json"}
    return await ground.http.post(path, content=sent, headers=full | (headers or {}))


def problem(response: httpx.Response, status: int, code: str) -> str:
    """Check that this is our error and nothing else; return its words."""
    assert (response.status_code, response.headers["content-type"]) == (status, "application/json")
    outcome = response.json()
    assert set(outcome) == {"resourceType", "issue"}
    assert outcome["resourceType"] == "OperationOutcome"
    (issue,) = outcome["issue"]
    assert set(issue) == {"severity", "code", "details"}
    assert issue["details"]["coding"] == [{"system": "urn:cds-service:error", "code": code}]
    return issue["details"]["text"]


def cards(response: httpx.Response) -> list[dict[str, Any]]:
    """Check that this is a good answer and return its cards."""
    assert response.status_code == 200, response.text
    assert response.headers["content-type"] == "application/json"
    answer = response.json()
    assert set(answer) == {"cards"}
    return answer["cards"]


def tells(response: httpx.Response) -> None:
    """Check that an answer shows what the small chart holds."""
    shown = json.dumps(cards(response))
    assert DRUG in shown
    assert ALLERGEN in shown


def reads(ground: Ground) -> list[str]:
    """Return the FHIR requests that reached the EHR."""
    return [one.path for one in ground.simulator.faults.seen if "/r4/" in one.path.lower()]
