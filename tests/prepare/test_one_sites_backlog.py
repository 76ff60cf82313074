"""A site whose EHR has stopped answering, with a long queue: it takes what its file allows, and no other site waits."""

import asyncio

import pytest

from cds_service import background
from cds_service.simulator.faults import Fault
from cds_service.storage import briefs
from tests.prepare.conftest import SITES, until, working

pytestmark = pytest.mark.anyio
QUEUE = 40
SLOW = "general"
"""Its FHIR base is `/r4`; the other site's is another."""


def allowing(number):
    """Return the site files, the slow site's with so many briefs under way at once."""
    text = SITES[SLOW].replace("concurrency = 4", f"concurrency = {number}")
    return SITES | {SLOW: text}


@pytest.fixture(params=[2, 30], ids=["few at once", "more at once than a process has places"])
async def loaded(request, tmp_path, monkeypatch):
    """A service that works, as many briefs of the slow site under way as its file allows, and the rest waiting."""
    monkeypatch.setattr(background, "_DRAIN_S", 0)
    async with working(tmp_path, role="all", sites=allowing(request.param)) as works:
        works.ground.simulator.faults.add(Fault("fhir", "hang", "/r4/"))
        for number in range(QUEUE):
            await works.ask(f"p{number}")
        works.allowed = request.param

        async def begun():
            return await under_way(works) > 0

        await until(begun)
        yield works


async def under_way(works, site=SLOW):
    async with works.ground.service.database.reading() as connection:
        return (await briefs.under_way(connection)).get(site, 0)


async def test_another_sites_brief_is_ready_meanwhile(loaded):
    asked = await loaded.ask(site="riverside")

    async def is_ready():
        return (await loaded.row(asked)).state == "ready"

    await until(is_ready, within_s=10)
    assert await under_way(loaded) > 0, "the slow site still waits for its EHR"


@pytest.mark.slow
async def test_a_site_never_has_more_under_way_than_its_file_allows(loaded):
    most = 0
    for _ in range(30):
        loaded.background.work.hurry()
        most = max(most, await under_way(loaded))
        await asyncio.sleep(0.1)
    assert most == loaded.allowed
    assert len(await loaded.rows("requested")) == QUEUE - loaded.allowed


async def test_a_long_queue_of_one_site_hides_nothing_that_is_late_at_another(tmp_path):
    async with working(tmp_path) as works:
        for number in range(3):
            await works.ask(f"p{number}")
            works.ground.clock.move(seconds=1)
        other = await works.ask(site="riverside")
        works.ground.clock.move(minutes=1)
        async with works.ground.service.database.reading() as connection:
            late = await briefs.overdue(connection, works.ground.clock(), limit=2)
        assert [row.site for row in late] == [SLOW, SLOW, "riverside"]
        assert late[-1].id == other
