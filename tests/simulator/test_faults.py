"""Faults strike where they are told to, as often as they are told to."""

from __future__ import annotations

import asyncio
import json

import httpx
import pytest

from cds_service.simulator.faults import Fault
from cds_service.simulator.world import Simulator
from tests.simulator.ehr import token

pytestmark = pytest.mark.anyio
PATH = "/r4/Observation?patient=alba"


@pytest.fixture
def headers(simulator: Simulator) -> dict[str, str]:
    return token(simulator, "general", "system/*.rs")


async def test_status_with_retry_after_once(
    http: httpx.AsyncClient, headers: dict[str, str]
) -> None:
    fault = {
        "where": "fhir",
        "match": "Observation",
        "kind": "status",
        "status": 429,
        "retry_after": "2",
        "times": 1,
    }
    assert (await http.post("/_sim/faults", json=[fault])).status_code == 200
    other = await http.get("/r4/Condition?patient=alba", headers=headers)
    assert other.status_code == 200
    struck = await http.get(PATH, headers=headers)
    assert (struck.status_code, struck.headers["retry-after"]) == (429, "2")
    assert struck.json()["resourceType"] == "OperationOutcome"
    assert (await http.get(PATH, headers=headers)).status_code == 200


async def test_empty_403_until_cleared(http: httpx.AsyncClient, headers: dict[str, str]) -> None:
    fault = {"where": "fhir", "kind": "status", "status": 403, "body": "empty"}
    await http.post("/_sim/faults", json=fault)
    for _ in range(3):
        response = await http.get(PATH, headers=headers)
        assert (response.status_code, response.content) == (403, b"")
    assert (await http.request("DELETE", "/_sim/faults")).json() == []
    assert (await http.get(PATH, headers=headers)).status_code == 200


async def test_outcome_in_a_good_bundle(
    http: httpx.AsyncClient, headers: dict[str, str], simulator: Simulator
) -> None:
    simulator.faults.add(Fault("fhir", "outcome", "Observation", times=1))
    bundle = (await http.get(PATH, headers=headers)).json()
    assert [entry["search"]["mode"] for entry in bundle["entry"]][-1] == "outcome"
    assert len(bundle["entry"]) == 5


async def test_truncated_and_dropped(
    http: httpx.AsyncClient, headers: dict[str, str], simulator: Simulator
) -> None:
    simulator.faults.add(Fault("fhir", "truncate", times=1), Fault("fhir", "drop", times=1))
    with pytest.raises(json.JSONDecodeError):
        (await http.get(PATH, headers=headers)).json()
    with pytest.raises(httpx.RemoteProtocolError):
        await http.get(PATH, headers=headers)


async def test_endless_paging(
    http: httpx.AsyncClient, headers: dict[str, str], simulator: Simulator
) -> None:
    simulator.faults.add(Fault("fhir", "endless", "Observation"))
    url = PATH
    for _ in range(6):
        bundle = (await http.get(url, headers=headers)).json()
        url = next(link["url"] for link in bundle["link"] if link["relation"] == "next")


async def test_slow_and_hanging(
    http: httpx.AsyncClient, headers: dict[str, str], simulator: Simulator
) -> None:
    simulator.faults.add(Fault("fhir", "slow", delay_ms=60, times=1))
    start = asyncio.get_running_loop().time()
    await http.get(PATH, headers=headers)
    assert asyncio.get_running_loop().time() - start >= 0.06
    simulator.faults.add(Fault("fhir", "hang", times=1))
    hanging = asyncio.create_task(http.get(PATH, headers=headers))
    while not simulator.faults.under_way:  # noqa: ASYNC110  # it has no event to wait for
        await asyncio.sleep(0.01)
    hanging.cancel()
    await asyncio.wait([hanging])
    assert (hanging.cancelled(), simulator.faults.under_way) == (True, [])


async def test_token_and_key_addresses(http: httpx.AsyncClient, simulator: Simulator) -> None:
    simulator.faults.add(Fault("token", "status", status=503), Fault("jwks", "status", status=500))
    assert (await http.post("/oauth2/token")).status_code == 503
    assert (await http.get("/cds/jwks.json")).status_code == 500
    assert (await http.get("/_sim/health")).status_code == 200


async def test_log_says_what_was_asked(http: httpx.AsyncClient, headers: dict[str, str]) -> None:
    await http.get(PATH, headers=headers)
    form = {"patient": "alba"}
    await http.post("/r4/Observation/_search", data=form, headers=headers)
    await http.get("/r4/Patient/alba")
    first, second, third = (await http.get("/_sim/log")).json()
    assert first == {
        "method": "GET",
        "path": PATH,
        "form": "",
        "status": 200,
        "had_token": True,
        "fault": None,
    }
    assert (second["form"], second["status"]) == ("patient=alba", 200)
    assert (third["status"], third["had_token"]) == (401, False)
    await http.request("DELETE", "/_sim/log")
    assert (await http.get("/_sim/log")).json() == []


@pytest.mark.parametrize(
    "row",
    [{"where": "fhir"}, {"where": "moon", "kind": "slow"}, {"where": "fhir", "kind": "x"}, 1],
)
async def test_bad_faults_are_refused(http: httpx.AsyncClient, row: object) -> None:
    response = await http.post("/_sim/faults", json=[row])
    assert response.status_code == 400
    assert "error" in response.json()


async def test_a_number_is_a_vendor_code(
    http: httpx.AsyncClient, headers: dict[str, str], simulator: Simulator
) -> None:
    simulator.faults.add(Fault("fhir", "status", status=403, code="4130", times=1))
    (issue,) = (await http.get(PATH, headers=headers)).json()["issue"]
    assert issue["details"]["coding"][0]["code"] == "4130"
