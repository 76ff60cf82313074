"""Searches find what FHIR R4 says they find, by GET, by POST, and as each EHR insists."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import httpx
import pytest

from cds_service.simulator.app import create_app
from cds_service.simulator.faults import Fault
from cds_service.simulator.in_process import connect
from cds_service.simulator.personalities import EPIC as EPIC_EHR
from cds_service.simulator.personalities import GENERIC as GENERIC_EHR
from cds_service.simulator.world import Simulator
from tests.simulator.ehr import ORIGIN, Clock, config, token

pytestmark = pytest.mark.anyio
GENERIC = "/r4"
EPIC = "/epic/api/FHIR/R4"


async def ids(http: httpx.AsyncClient, simulator: Simulator, query: str) -> list[str]:
    response = await http.get(
        f"{GENERIC}/{query}", headers=token(simulator, "general", "system/*.rs")
    )
    assert response.status_code == 200, response.text
    return [entry["resource"]["id"] for entry in response.json().get("entry", [])]


def labs(*numbers: int) -> list[str]:
    return [f"alba-obs-{number}" for number in numbers]


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("patient=alba", labs(0, 1, 2, 3)),
        ("patient=Patient/alba", labs(0, 1, 2, 3)),
        ("subject=Patient/alba", labs(0, 1, 2, 3)),
        ("subject:Patient=alba", labs(0, 1, 2, 3)),
        ("patient=bo", []),
        ("patient=alba&category=laboratory", labs(0, 1, 2, 3)),
        ("patient=alba&category=http://cat|laboratory", labs(0, 1, 2, 3)),
        ("patient=alba&category=http://other|laboratory", []),
        ("patient=alba&code=http://loinc.org|2823-3,http://loinc.org|1-1", labs(0, 1, 2, 3)),
        ("patient=alba&code=http://loinc.org|", labs(0, 1, 2, 3)),
        ("patient=alba&status=final,amended", labs(0, 1, 2, 3)),
        ("patient=alba&status:not=final", []),
        ("patient=alba&date=2024-01-31", labs(0)),
        ("patient=alba&date=eq2024", labs(0)),
        ("patient=alba&date=ge2025-06-01", labs(1, 2, 3)),
        ("patient=alba&date=gt2025-06-01", labs(2, 3)),
        ("patient=alba&date=le2025-06-01", labs(0, 1)),
        ("patient=alba&date=lt2025-06-01", labs(0)),
        ("patient=alba&date=ge2025-01-01&date=lt2026-01-01", labs(1)),
        ("patient=alba&date=lt2025-06-01T08:30:00Z", labs(0, 1)),
        ("patient=alba&_sort=-date&_count=2", labs(3, 2)),
        ("_id=alba-obs-1,alba-obs-3", labs(1, 3)),
        ("patient=alba&nonsense=1", labs(0, 1, 2, 3)),
        ("patient=alba&_lastUpdated=ge2026-11-22", labs(0, 1, 2, 3)),
        ("patient=alba&_lastUpdated=ge2026-11-23", []),
    ],
)
async def test_search(
    http: httpx.AsyncClient, simulator: Simulator, query: str, expected: list[str]
) -> None:
    assert await ids(http, simulator, f"Observation?{query}") == expected


async def test_other_types_and_include(http: httpx.AsyncClient, simulator: Simulator) -> None:
    assert await ids(http, simulator, "Condition?patient=alba&clinical-status=active") == ["c1"]
    assert await ids(http, simulator, "Encounter?patient=alba&date=ge2026-10-01&class=AMB") == [
        "e1"
    ]
    assert await ids(http, simulator, "Appointment?patient=alba&date=ge2026-11-24") == ["a1"]
    query = "MedicationRequest?patient=alba&intent=order&authoredon=ge2026&_include="
    assert await ids(http, simulator, f"{query}MedicationRequest:medication") == ["m1", "med1"]


async def test_post_search_reads_the_form(http: httpx.AsyncClient, simulator: Simulator) -> None:
    response = await http.post(
        f"{GENERIC}/Observation/_search?patient=bo",
        data={"patient": "alba", "_count": "1"},
        headers=token(simulator, "general", "user/Observation.read"),
    )
    bundle = response.json()
    assert (bundle["total"], len(bundle["entry"])) == (4, 1)


async def test_decimals_keep_their_digits(http: httpx.AsyncClient, simulator: Simulator) -> None:
    headers = token(simulator, "general", "system/*.rs")
    response = await http.get(f"{GENERIC}/Observation/alba-obs-2", headers=headers)
    assert '"value":4.20' in response.text


async def walk(http: httpx.AsyncClient, url: str, headers: dict[str, str]) -> list[list[str]]:
    pages: list[list[str]] = []
    following: str | None = url
    while following is not None:
        bundle: dict[str, Any] = (await http.get(following, headers=headers)).json()
        pages.append([entry["resource"]["id"] for entry in bundle["entry"]])
        links = {link["relation"]: link["url"] for link in bundle["link"]}
        assert "self" in links
        following = links.get("next")
    return pages


async def test_paging_is_opaque_and_complete(
    http: httpx.AsyncClient, simulator: Simulator
) -> None:
    headers = token(simulator, "general", "system/*.rs")
    pages = await walk(http, f"{GENERIC}/Observation?patient=alba&_count=3", headers)
    assert pages == [labs(0, 1, 2), labs(3)]
    headers = token(simulator, "riverside", "Observation.Search (R4)")
    query = f"{EPIC}/Observation?patient=alba&category=laboratory&_count=3"
    assert await walk(http, query, headers) == [labs(0, 1, 2), labs(3)]


async def test_page_token_is_bound_to_the_patient(
    http: httpx.AsyncClient, simulator: Simulator
) -> None:
    mine = token(simulator, "general", "patient/*.rs", "alba")
    bundle = (await http.get(f"{GENERIC}/Observation?_count=1", headers=mine)).json()
    following = bundle["link"][1]["url"]
    theirs = token(simulator, "general", "patient/*.rs", "bo")
    assert (await http.get(following, headers=theirs)).status_code == 410


@pytest.mark.parametrize(
    ("query", "code"),
    [
        ("Observation?patient=alba", "59108"),
        ("Observation?category=laboratory", "4111"),
        ("Condition?patient=alba", "4111"),
        ("Condition?patient=alba&category=other", "4111"),
        ("DocumentReference?patient=alba", "4111"),
        ("Appointment?patient=alba", "4111"),
        ("Observation?sessionID=gone", "4113"),
    ],
)
async def test_epic_insists(
    http: httpx.AsyncClient, simulator: Simulator, query: str, code: str
) -> None:
    kind = query.partition("?")[0]
    headers = token(simulator, "riverside", f"{kind}.Search (R4)")
    response = await http.get(f"{EPIC}/{query}", headers=headers)
    assert response.status_code == 400
    issue = response.json()["issue"][0]
    assert issue["details"]["coding"][0]["code"] == code


@pytest.mark.parametrize(
    "query",
    [
        "Observation?patient=alba&code=2823-3",
        "Condition?patient=alba&category=problem-list-item",
        "Appointment?patient=alba&service-category=appointment",
        "Appointment?date=2026-11-24&service-category=appointment",
        "Patient?_id=alba",
    ],
)
async def test_epic_is_content(http: httpx.AsyncClient, simulator: Simulator, query: str) -> None:
    kind = query.partition("?")[0]
    headers = token(simulator, "riverside", f"{kind}.Search (R4)")
    bundle = (await http.get(f"{EPIC}/{query}", headers=headers)).json()
    assert bundle["entry"][0]["search"]["mode"] == "match"


async def test_epic_says_none_with_an_outcome(
    http: httpx.AsyncClient, simulator: Simulator
) -> None:
    headers = token(simulator, "riverside", "Observation.Search (R4)")
    query = "Observation?patient=bo&category=laboratory"
    bundle = (await http.get(f"{EPIC}/{query}", headers=headers)).json()
    (entry,) = bundle["entry"]
    assert (bundle["total"], entry["search"]["mode"]) == (0, "outcome")
    assert entry["resource"]["issue"][0]["details"]["coding"][0]["code"] == "4101"
    generic = token(simulator, "general", "system/*.rs")
    empty = (await http.get(f"{GENERIC}/{query}", headers=generic)).json()
    assert "entry" not in empty


async def test_bad_values_are_400(http: httpx.AsyncClient, simulator: Simulator) -> None:
    headers = token(simulator, "general", "system/*.rs")
    for query in ("date=yesterday", "date=2026-13-45", "code:in=x"):
        response = await http.get(f"{GENERIC}/Observation?{query}", headers=headers)
        assert response.status_code == 400, query


async def test_paged_and_foreign_next_faults(
    http: httpx.AsyncClient, simulator: Simulator
) -> None:
    headers = token(simulator, "general", "system/*.rs")
    simulator.faults.add(Fault("fhir", "paged", "Observation", page_size=1))
    pages = await walk(http, f"{GENERIC}/Observation?patient=alba", headers)
    assert [len(page) for page in pages] == [1, 1, 1, 1]
    simulator.faults.clear()
    simulator.faults.add(Fault("fhir", "foreign_next", "Observation", times=1))
    bundle = (await http.get(f"{GENERIC}/Observation?patient=alba", headers=headers)).json()
    assert not bundle["link"][1]["url"].startswith("http://ehr.test")


async def test_a_stricter_ehr_is_only_data(clock: Clock) -> None:
    strict = replace(GENERIC_EHR, gives_total=False, unknown_parameter="refuse", default_page=2)
    app = create_app(replace(config(clock), personalities=(strict, EPIC_EHR)))
    headers = token(app.state.simulator, "general", "system/*.rs")
    async with connect({ORIGIN: app}, base_url=ORIGIN) as http:
        bundle = (await http.get(f"{GENERIC}/Observation?patient=alba", headers=headers)).json()
        assert "total" not in bundle
        assert len(bundle["entry"]) == 2
        odd = await http.get(f"{GENERIC}/Observation?patient=alba&nonsense=1", headers=headers)
        assert odd.status_code == 400


async def test_epic_plans_an_encounter_for_a_booked_visit(
    http: httpx.AsyncClient, simulator: Simulator
) -> None:
    headers = token(simulator, "riverside", "Encounter.Search (R4)")
    bundle = (await http.get(f"{EPIC}/Encounter?patient=alba", headers=headers)).json()
    found = {entry["resource"]["id"]: entry["resource"]["status"] for entry in bundle["entry"]}
    assert found == {"e1": "finished", "a1-encounter": "planned"}


async def test_odd_records_do_not_break_a_search(
    http: httpx.AsyncClient, simulator: Simulator
) -> None:
    ehr = simulator.ehr("general")
    odd = {"resourceType": "Observation", "id": "odd", "subject": {"reference": "Patient/bo"}}
    ehr.store.put(odd | {"effectiveDateTime": "long ago", "code": [{"coding": ["x", None]}]})
    query = "Observation?patient=bo&_sort=-date"
    assert await ids(http, simulator, query) == ["odd"]
    assert await ids(http, simulator, f"{query}&date=ge2020") == []


async def test_a_day_is_the_day_at_the_hospital(
    http: httpx.AsyncClient, simulator: Simulator
) -> None:
    late = {"resourceType": "Appointment", "id": "late", "start": "2026-12-01T19:00:00-06:00"}
    simulator.ehr("general").store.put(late)
    assert await ids(http, simulator, "Appointment?date=2026-12-01") == ["late"]
    assert await ids(http, simulator, "Appointment?date=2026-12-02") == []
    assert await ids(http, simulator, "Appointment?date=ge2026-12-02T00:30:00Z") == ["late"]


async def test_a_fault_may_match_part_of_the_query(
    http: httpx.AsyncClient, simulator: Simulator
) -> None:
    headers = token(simulator, "general", "system/*.rs")
    simulator.faults.add(Fault("fhir", "paged", "category=laboratory", page_size=1))
    whole = (await http.get(f"{GENERIC}/Observation?patient=alba", headers=headers)).json()
    assert len(whole["entry"]) == 4
    query = f"{GENERIC}/Observation?patient=alba&category=laboratory"
    assert len((await http.get(query, headers=headers)).json()["entry"]) == 1
