"""Work on a brief that has ended stops, whenever it ended, and leaves nothing of the chart behind."""

import asyncio

import pytest
from sqlalchemy import func, select

from cds_service.context import whole
from cds_service.domain.steps import Temporary
from cds_service.simulator.faults import Fault
from cds_service.storage import briefs
from cds_service.storage.tables import PART
from tests.prepare.conftest import until

pytestmark = pytest.mark.anyio


async def cancel(works, brief):
    assert await works.background.work.change(await works.row(brief), "cancelled", reason="x")


def reads(works):
    return [each.path for each in works.ground.simulator.faults.seen if "/r4/" in each.path]


async def left(works, brief):
    """Return how many parts there are, and the record that was kept."""
    async with works.ground.service.database.reading() as connection:
        parts = await connection.execute(select(func.count()).select_from(PART))
        return parts.scalar_one(), await briefs.sources(connection, brief)


async def test_a_visit_that_is_called_off_before_its_chart_is_read_is_not_read_for(works):
    brief = await works.ask()
    assert await works.prepare.begin(brief)
    await cancel(works, brief)
    works.ground.simulator.faults.seen.clear()
    for step in (works.prepare.gather, works.prepare.settle):
        assert await step(brief) is False
    await works.prepare.write(brief, False)
    assert reads(works) == []
    assert await left(works, brief) == (0, None)


async def test_one_that_is_called_off_while_its_chart_is_read_is_read_no_further(
    works, monkeypatch
):
    monkeypatch.setattr(whole, "SAVE_EVERY_S", 0.05)
    brief = await works.ask()
    assert await works.prepare.begin(brief)
    faults = works.ground.simulator.faults
    faults.add(Fault("fhir", "slow", "Observation", delay_ms=20_000))
    gathering = asyncio.create_task(works.prepare.gather(brief))

    async def is_reading():
        return any("Condition" in path for path in reads(works))

    await until(is_reading)
    await cancel(works, brief)
    async with asyncio.timeout(5):
        assert await gathering is False
    assert await left(works, brief) == (0, None)


@pytest.mark.parametrize("passing", [True, False])
async def test_one_that_ends_with_the_last_read_leaves_no_record_and_no_part(works, passing):
    brief = await works.ask()
    assert await works.prepare.begin(brief)
    if passing:
        works.ground.simulator.faults.add(Fault("fhir", "status", "Observation", status=503))
    gather_whole = works.prepare.gather_whole

    async def ended_meanwhile(*args, **named):
        found = await gather_whole(*args, **named)
        await cancel(works, brief)
        return found

    object.__setattr__(works.prepare, "gather_whole", ended_meanwhile)
    try:
        await works.prepare.gather(brief)
    except Temporary:
        await works.prepare.postpone(brief, "reads_failed")
    assert (await works.row(brief)).state == "cancelled"
    assert await left(works, brief) == (0, None)
