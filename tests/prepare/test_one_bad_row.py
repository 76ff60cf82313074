"""A row that does not open ends like any other, and holds up nothing else; what cannot be done is told until it can."""

import asyncio
from contextlib import asynccontextmanager
from datetime import timedelta

import pytest

from cds_service.flow import work_ahead
from cds_service.flow.work_ahead import ASLEEP
from cds_service.storage import briefs
from tests.prepare.conftest import until, working
from tests.prepare.test_schedule import POLL, poll
from tests.storage.databases import run

pytestmark = pytest.mark.anyio
LOST = b"\x02" + b"k" * 8 + b"x" * 60
"""Sealed with a key that nobody has."""


@pytest.fixture
async def works(tmp_path):
    async with working(tmp_path, sites=POLL) as running:
        yield running


@asynccontextmanager
async def looping(works):
    """Let the loop of a process that works run for real."""
    work = works.background.work
    loop = asyncio.create_task(work.run())
    try:
        yield work
    finally:
        loop.cancel()
        await asyncio.gather(loop, return_exceptions=True)
        await work.stop(5)


async def spoil(works, brief_id, **columns):
    async with works.ground.service.database.transaction() as connection:
        await briefs.set_columns(connection, brief_id, occasion=LOST, **columns)


async def test_a_row_that_does_not_open_expires_and_all_other_work_goes_on(works):
    brief, now = await works.ask(), works.ground.clock()
    await spoil(works, brief, state="ready", expires_at=now - timedelta(seconds=1))
    async with looping(works) as work:

        async def is_over():
            return (await works.row(brief)).state == "expired"

        async def has_polled():
            return {"general", "riverside"} <= work._polls.keys()

        await until(is_over)
        await until(has_polled)
        assert (work.problem, work.backlog.as_of) == ("", now)
    [entry] = [e for e in await works.ground.audited() if e["outcome"] == "expired"]
    assert (entry["brief"], entry["patient"]) == (brief, None)


async def test_a_row_that_does_not_open_fails_to_be_prepared_for_a_person_to_see(works):
    brief = await works.ask()
    await spoil(works, brief)
    work = works.background.work
    await work.engine.launch()
    await work.sweep()

    async def has_failed():
        return (await works.row(brief)).state == "failed"

    await until(has_failed)
    assert (await works.row(brief)).reason == "misconfigured"
    await work.engine.drain(5)


async def test_a_schedule_is_read_though_what_a_known_visit_is_for_does_not_open(works):
    await poll(works)
    [spoilt, *_] = await works.rows("requested")
    await spoil(works, spoilt.id)
    await poll(works)
    assert [e["outcome"] for e in await works.ground.audited() if e["action"] == "poll"] == [
        "ok"
    ] * 2


async def test_what_cannot_be_done_is_told_until_a_whole_round_was_done_and_stops_no_other_part(
    works, monkeypatch
):
    monkeypatch.setattr(work_ahead, "SWEEP_S", 0.05)
    database = works.ground.service.database
    await run(database, "ALTER TABLE feed RENAME TO feed_away")  # polls and counts need it
    async with looping(works) as work:
        await until(lambda: told(work))
        for _ in range(20):
            await asyncio.sleep(0.1)
            assert work.fault().startswith("OperationalError")
        await run(database, "ALTER TABLE feed_away RENAME TO feed")

        async def is_well():
            return not work.fault()

        await until(is_well)
        assert work.backlog.as_of is not None


async def told(work):
    return bool(work.problem)


async def test_a_queue_that_was_not_looked_at_for_long_is_a_fault(works):
    work = works.background.work
    await work._count()
    assert work.fault() == ""
    works.ground.clock.moment += ASLEEP + timedelta(seconds=1)
    assert work.fault() == "the queue is not looked at any more"
