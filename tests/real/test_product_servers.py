"""The simulated EHR beside the server that others wrote: where they differ, and that a brief does not."""

import itertools
import json
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest

from cds_service.simulator import patients
from cds_service.simulator.prefetch import Offer
from cds_service.simulator.wire import dumps
from tests.ground import EHR, TODAY, Ground, standing

from .conftest import StartSekmet
from .product import LARGE_PAGES, SMART, patient_view, product_running
from .signing_proxy import Signer

pytestmark = pytest.mark.anyio

PATIENT = "harold-lindqvist"
MOMENT = datetime(TODAY.year, TODAY.month, TODAY.day, 15, tzinfo=UTC)
"""When the simulated EHR's clock stands still."""
BASES = {"generic": f"{EHR}/r4", "epic": f"{EHR}/epic/api/FHIR/R4"}
NOTE: dict[str, Any] = {
    "resourceType": "DocumentReference",
    "status": "current",
    "docStatus": "preliminary",
    "type": {"coding": [{"system": "http://loinc.org", "code": "11506-3"}]},
    "category": [{"coding": [{"system": "urn:oid:1.2.3", "code": "clinical-note"}]}],
    "subject": {"reference": f"Patient/{PATIENT}"},
    "content": [{"attachment": {"contentType": "text/plain", "data": "aGVsbG8="}}],
    "context": {"encounter": [{"reference": "Encounter/harold-lindqvist-office-visit-14"}]},
}


@pytest.fixture
async def pair(tmp_path: Any) -> AsyncIterator[Ground]:
    """Run the simulated EHR and the product, connected in this process; pages hold every search."""
    async with standing(tmp_path, change=lambda text: text + LARGE_PAGES) as ground:
        yield ground


async def _get(pair: Ground, personality: str, path: str) -> httpx.Response:
    return await pair.http.get(f"{BASES[personality]}/{path}", headers=_headers(pair, personality))


def _headers(pair: Ground, personality: str) -> dict[str, str]:
    site = "riverside" if personality == "epic" else "general"
    grants = pair.client(site).ehr.grants
    grant = grants.issue("cds-brief", "user/*.cruds", lifetime_s=300, patient=PATIENT)
    return {"Authorization": f"Bearer {grant.token}"}


def _unstamped(brief: bytes) -> dict[str, Any]:
    """Leave out what changed lately; a stop without an end is dated by the server's own stamp."""
    read = json.loads(brief)
    parts = [part for part in read["sections"] if part["id"] != "changes"]
    kept = [
        part | {"statements": [x for x in part["statements"] if x["kind"] != "medication_change"]}
        for part in parts
    ]
    return read | {"sections": kept}


async def test_a_brief_is_the_same_from_either_server(
    pair: Ground, signer: Signer, start_sekmet: StartSekmet, tmp_path_factory: Any
) -> None:
    """Other versions and links, the same lines; what changed lately hangs on each server's own stamps."""
    entry = await pair.entry()
    body = pair.client().patient_view_request(PATIENT, service=entry, offer=Offer(prefetch="none"))
    card = (await pair.call(body)).raise_for_status().json()["cards"][0]
    await pair.service.writer.flush()
    brief_id = json.loads(card["links"][0]["appContext"])["brief"]
    simulated = await pair.service.database.brief("general", brief_id)
    then = Signer(
        private_key=signer.private_key,
        kid=signer.kid,
        issuer=signer.issuer,
        now=MOMENT.timestamp,
        serial=itertools.count(2_000),
    )
    folder, more = tmp_path_factory.mktemp("either"), SMART + LARGE_PAGES
    with start_sekmet() as server:
        server.load(json.loads(dumps(patients.resources(PATIENT, anchor=TODAY))))
        running = product_running(folder, then, fhir=server.base_url, moment=MOMENT, more=more)
        with running as product:
            answer = product.call(patient_view(PATIENT, fhir=server.base_url))
            assert _unstamped(product.brief(answer)) == _unstamped(simulated)


async def test_total_is_told_by_all(pair: Ground, start_sekmet: StartSekmet) -> None:
    """Exact over all pages; we never count on it."""
    path = f"Condition?patient={PATIENT}&category=problem-list-item&_count=2"
    totals = [(await _get(pair, each, path)).raise_for_status().json()["total"] for each in BASES]
    with start_sekmet() as server:
        server.load(json.loads(dumps(patients.resources(PATIENT, anchor=TODAY))))
        totals.append(server.get(path).json()["total"])
    assert len(set(totals)) == 1
    assert totals[0] > 2


async def test_an_unknown_parameter_is_ignored_or_refused(
    pair: Ground, start_sekmet: StartSekmet
) -> None:
    """Which is why a query holds only what the vendor's profile knows."""
    path = f"Condition?patient={PATIENT}&favourite-colour=blue"
    generic, epic = [await _get(pair, each, path) for each in BASES]
    with start_sekmet() as server:
        other = server.get(path)
    assert (generic.status_code, epic.status_code, other.status_code) == (200, 400, 200)


async def test_a_location_may_name_a_version(pair: Ground, start_sekmet: StartSekmet) -> None:
    """Absolute with a version, or relative without: whoever reads back what was written takes either."""
    generic, epic = [await _create(pair, each) for each in BASES]
    with start_sekmet() as server:
        other = server.http.post("/DocumentReference", json=NOTE).headers["Location"]
        assert other.startswith(f"{server.base_url}/DocumentReference/")
    assert generic.startswith(f"{BASES['generic']}/DocumentReference/")
    assert generic.endswith("/_history/1")
    assert other.endswith("/_history/1")
    assert epic.startswith("DocumentReference/")
    assert "_history" not in epic


async def _create(pair: Ground, personality: str) -> str:
    answer = await pair.http.post(
        f"{BASES[personality]}/DocumentReference",
        content=dumps(NOTE),
        headers=_headers(pair, personality) | {"Content-Type": "application/fhir+json"},
    )
    assert answer.status_code == 201, answer.text
    return str(answer.headers["Location"])
