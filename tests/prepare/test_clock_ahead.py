"""After a clock that was ahead is set right, all goes on at once: nothing waits until real time has caught up."""

import asyncio
from datetime import timedelta

import pytest

from cds_service.context.enough import HadEnough
from cds_service.flow.work_ahead import MEND_S
from tests.prepare.conftest import working
from tests.prepare.test_booked_again import CHART, appointment
from tests.prepare.test_ready import opened
from tests.prepare.test_schedule import POLL

pytestmark = pytest.mark.anyio
AHEAD = timedelta(days=1)


@pytest.fixture
async def works(tmp_path):
    """Works whose loop the test turns: `ticks` is the clock that never jumps, in seconds."""
    async with working(tmp_path, sites=POLL) as running:
        running.ticks = 0.0
        running.background.work.clock = lambda: running.ticks
        yield running
        await running.background.work.stop(5)


async def came_round(works, seconds=MEND_S + 1):
    """Let time pass, and the loop do its round with its polls; return the sites polled since the start."""
    works.ticks += seconds
    works.ground.clock.move(seconds=seconds)
    work = works.background.work
    await work._look()
    await asyncio.gather(*work._polls.values())
    return [e["site"] for e in await works.ground.audited() if e["action"] == "poll"]


async def test_the_queue_is_looked_at_though_the_clock_was_ahead(works):
    clock, work = works.ground.clock, works.background.work
    clock.moment += AHEAD
    await came_round(works)
    clock.moment -= AHEAD
    assert work.fault() == "the clock was ahead when the queue was looked at"
    await came_round(works)
    assert work.backlog.as_of == clock()
    assert work.fault() == ""


async def test_a_schedule_is_polled_though_the_clock_was_ahead_at_its_last_poll(works):
    clock = works.ground.clock
    clock.moment += AHEAD
    assert sorted(await came_round(works)) == ["general", "riverside"]
    clock.moment -= AHEAD
    assert sorted(await came_round(works)) == ["general", "general", "riverside", "riverside"]
    assert len(await came_round(works)) == 4, "and then at its usual times"


async def test_an_ehr_is_asked_again_though_the_clock_was_ahead_when_it_had_enough(works):
    clock = works.ground.clock
    clock.moment += AHEAD
    await works.prepare.pauses.begin(works.site(), HadEnough("retry_after", wait_s=600))
    assert await works.prepare.pauses.of(works.site())
    clock.moment -= AHEAD
    assert await works.prepare.pauses.of(works.site()) is None
    assert (await works.prepared()).state == "ready"
    assert "general" in await came_round(works)


async def test_what_is_over_ends_though_the_clock_was_ahead(works):
    clock = works.ground.clock
    clock.moment += AHEAD
    await came_round(works)
    clock.moment -= AHEAD
    brief = await works.prepared(
        start=clock() - timedelta(hours=26), end=clock() - timedelta(hours=25)
    )
    await came_round(works)
    assert (await works.row(brief.id)).state == "expired"


@pytest.mark.parametrize("how", ["asked for", "put off", "put off before it began"])
async def test_what_waits_is_begun_though_the_clock_was_ahead_when_it_was_asked_for(works, how):
    clock = works.ground.clock
    clock.moment += AHEAD
    brief = await works.ask()
    if how == "put off":
        await works.prepare.begin(brief)
    if how != "asked for":
        await works.prepare.postpone(brief, "reads_failed")
    clock.moment -= AHEAD
    await came_round(works)
    assert (await works.row(brief)).due == clock()


async def test_a_moment_of_a_visit_is_its_own_whatever_the_clock_was(works):
    clock = works.ground.clock
    clock.moment += AHEAD
    await works.ground.client().book(CHART, [appointment("draft", start="2026-11-27T15:00:00Z")])
    asked = {row.id: row.due for row in await works.rows("requested")}
    clock.moment -= AHEAD
    await works.background.work.expire()
    changed = [row for row in await works.rows("requested") if row.due != asked[row.id]]
    assert [row.due for row in changed] == [clock()], "but that of the booking"


async def test_what_was_made_while_the_clock_was_ahead_is_never_served(works):
    clock = works.ground.clock
    clock.moment += AHEAD
    await works.prepared()
    assert "Prepared" in await opened(works)
    clock.moment -= AHEAD
    works.background.notices.drop("", "")
    assert "Prepared" not in await opened(works)
    asked = next(r for r in await works.rows("requested") if r.due <= clock())
    await works.run(asked.id)
    await came_round(works)
    clock.move(hours=3)
    assert "Prepared 3 hours ago" in await opened(works)
    clock.move(hours=21)
    detail = await opened(works)
    assert "Prepared 1 day ago" in detail, "also when real time has come to it"
