"""One patient, three ways of asking: prefetched, read with the lent token, and neither (412)."""

import json

import pytest

from cds_service.simulator.prefetch import Offer
from cds_service.storage.tables import BRIEF
from tests.ground import standing

pytestmark = pytest.mark.anyio

PATIENTS = [
    "harold-lindqvist",
    "elena-marchetti",
    "noah-fairweather",
    "walter-contreras",
    "zoe-quagmire",
]
READ = Offer(prefetch="none")
NOTHING = Offer(prefetch="none", authorization=False)
CANNOT_READ = {"general": frozenset(), "riverside": frozenset({"medication_statements"})}
"""The Epic-like EHR lets no app search MedicationStatement: it can only be prefetched."""


@pytest.fixture(scope="module")
def anyio_backend():
    return "asyncio"


@pytest.fixture(scope="module")
async def shared(tmp_path_factory):
    async with standing(tmp_path_factory.mktemp("three")) as ground:
        yield ground


async def brief(ground, site, patient, offer):
    """Open the chart; return the status, and the brief that was kept as it is stored."""
    (answer,) = await ground.client(site).open_chart(patient, offer=offer)
    if answer.status != 200:
        return answer.status, b""
    await ground.service.writer.flush()
    async with ground.service.database.engine.connect() as connection:
        rows = (await connection.execute(BRIEF.select())).mappings().all()
    return 200, await ground.service.database.brief(site, rows[-1]["id"])


@pytest.mark.spec("P-2", "P-3", "P-10", "P-12")
@pytest.mark.parametrize("patient", PATIENTS)
@pytest.mark.parametrize("site", ["general", "riverside"])
async def test_the_brief_is_the_same_byte_for_byte(shared, site, patient):
    same = Offer(drop=CANNOT_READ[site])
    status, prefetched = await brief(shared, site, patient, same)
    assert status == 200
    status, read = await brief(shared, site, patient, READ)
    assert (status, read) == (200, prefetched)
    assert (await brief(shared, site, patient, NOTHING))[0] == 412


@pytest.mark.spec("P-8")
@pytest.mark.parametrize("patient", PATIENTS[:1])
async def test_it_is_the_same_however_small_the_pages_were(shared, patient):
    _, whole = await brief(shared, "general", patient, Offer())
    _, paged = await brief(shared, "general", patient, Offer(page_size=90))
    assert paged == whole


@pytest.mark.spec("P-9")
async def test_pages_that_cannot_be_followed_are_gaps_not_silence(shared):
    offer = Offer(page_size=2, authorization=False)
    status, kept = await brief(shared, "general", PATIENTS[0], offer)
    assert status == 200
    assert {"need": "results", "reason": "partial"} in _gaps(kept)


async def test_at_epic_what_only_prefetch_can_bring_is_a_gap_without_it(shared):
    _, read = await brief(shared, "riverside", PATIENTS[0], READ)
    assert _gaps(read) == [{"need": "medication_statements", "reason": "denied"}]


def _gaps(stored: bytes):
    return [{k: gap[k] for k in ("need", "reason")} for gap in json.loads(stored)["gaps"]]
