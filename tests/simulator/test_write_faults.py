"""Writes break as they break at real servers: the answer says too little, or the wrong thing."""

from __future__ import annotations

import base64

import httpx
import pytest

from cds_service.simulator.faults import Fault
from cds_service.simulator.world import Simulator
from tests.simulator.ehr import token

pytestmark = pytest.mark.anyio
NOTES = "/r4/DocumentReference"
NOTE = {
    "resourceType": "DocumentReference",
    "status": "current",
    "docStatus": "preliminary",
    "subject": {"reference": "Patient/alba"},
    "content": [
        {
            "attachment": {
                "contentType": "text/plain",
                "data": base64.b64encode(b"one two three four").decode(),
            }
        }
    ],
    "identifier": [{"system": "urn:x", "value": "n-1"}],
}


@pytest.fixture
def headers(simulator: Simulator) -> dict[str, str]:
    return {
        **token(simulator, "general", "system/*.cruds"),
        "content-type": "application/fhir+json",
    }


async def stored(http: httpx.AsyncClient, headers: dict[str, str]) -> list[dict[str, object]]:
    found = await http.get(f"{NOTES}?patient=alba&identifier=urn:x|n-1", headers=headers)
    return [entry["resource"] for entry in found.json().get("entry", [])]


async def test_lost_stores_and_drops_the_answer(http, headers, simulator):
    simulator.faults.add(Fault("fhir", "lost", "DocumentReference", method="POST", times=1))
    with pytest.raises(httpx.RemoteProtocolError):
        await http.post(NOTES, json=NOTE, headers=headers)
    assert len(await stored(http, headers)) == 1


async def test_after_stores_and_answers_500(http, headers, simulator):
    simulator.faults.add(Fault("fhir", "after", "DocumentReference", method="POST", times=1))
    assert (await http.post(NOTES, json=NOTE, headers=headers)).status_code == 500
    assert len(await stored(http, headers)) == 1


async def test_pretend_says_201_and_stores_nothing(http, headers, simulator):
    simulator.faults.add(Fault("fhir", "pretend", "DocumentReference", method="POST", times=1))
    answer = await http.post(NOTES, json=NOTE, headers=headers)
    assert (answer.status_code, answer.content) == (201, b"")
    assert "DocumentReference/" in answer.headers["location"]
    assert await stored(http, headers) == []


async def test_bare_stores_and_does_not_say_where(http, headers, simulator):
    simulator.faults.add(Fault("fhir", "bare", "DocumentReference", method="POST", times=1))
    answer = await http.post(NOTES, json=NOTE, headers=headers)
    assert (answer.status_code, answer.content) == (200, b"")
    assert "location" not in answer.headers
    assert len(await stored(http, headers)) == 1


async def test_alter_stores_something_else(http, headers, simulator):
    simulator.faults.add(Fault("fhir", "alter", "DocumentReference", times=1))
    assert (await http.post(NOTES, json=NOTE, headers=headers)).status_code == 201
    (found,) = await stored(http, headers)
    assert found["docStatus"] == "final"
    assert base64.b64decode(found["content"][0]["attachment"]["data"]) == b"one two t"


async def test_a_method_limits_a_fault(http, headers, simulator):
    simulator.faults.add(Fault("fhir", "status", "DocumentReference", method="POST", status=409))
    assert (await http.get(f"{NOTES}?patient=alba", headers=headers)).status_code == 200
    assert (await http.post(NOTES, json=NOTE, headers=headers)).status_code == 409
