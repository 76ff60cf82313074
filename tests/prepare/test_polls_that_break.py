"""A poll that breaks, or that a stop cuts off, is made again soon; who watches is told, and no visit waits a day."""

import asyncio
from datetime import timedelta

import pytest
from sqlalchemy.exc import OperationalError

from cds_service.domain.visit import Visit
from cds_service.flow import schedule
from cds_service.simulator.faults import Fault
from cds_service.storage import briefs, feeds
from tests.prepare.conftest import until, working
from tests.prepare.test_schedule import POLL, polls

pytestmark = pytest.mark.anyio
DAILY = {
    name: text.replace("poll = true", "poll = true\npoll_every_minutes = 1440")
    for name, text in POLL.items()
}


@pytest.fixture
async def works(tmp_path):
    async with working(tmp_path, sites=DAILY) as running:
        yield running


@pytest.fixture
def broken(monkeypatch):
    """Let the database refuse to tell of a visit's briefs while this is set."""
    told, is_broken = briefs.of_visit, asyncio.Event()

    async def of_visit(*args):
        if is_broken.is_set():
            raise OperationalError("select", {}, Exception())
        return await told(*args)

    monkeypatch.setattr(briefs, "of_visit", of_visit)
    is_broken.set()
    return is_broken


async def come_round(works, minutes):
    """Let time pass, the loop begin the polls that are due, and these end."""
    works.ground.clock.move(minutes=minutes)
    work = works.background.work
    await work._poll()
    await asyncio.gather(*work._polls.values(), return_exceptions=True)


async def of_general(works):
    return [outcome for site, outcome, _ in await polls(works) if site == "general"]


async def test_a_poll_that_breaks_is_audited_and_made_again_after_two_minutes(works, broken):
    await come_round(works, minutes=0)
    await come_round(works, minutes=1)
    assert await of_general(works) == ["broke_OperationalError"]
    broken.clear()
    await come_round(works, minutes=2)
    assert await of_general(works) == ["broke_OperationalError", "ok"]
    assert await works.rows("requested")
    await come_round(works, minutes=60)
    assert len(await of_general(works)) == 2, "and then at its usual times"


async def test_a_schedule_whose_polls_break_is_told_of_as_unread(works, broken):
    await come_round(works, minutes=0)
    work = works.background.work
    await work._count()
    assert work.backlog.unread["general"] == "broke_OperationalError"
    broken.clear()
    await come_round(works, minutes=3)
    await work._count()
    assert "general" not in work.backlog.unread


async def test_a_poll_that_a_stop_cuts_off_is_made_again_by_the_next_process(works):
    faults, work = works.ground.simulator.faults, works.background.work
    faults.add(Fault("fhir", "slow", "Appointment", delay_ms=20_000))
    await work._poll()

    async def is_reading():
        async with works.ground.service.database.reading() as connection:
            is_claimed = "general" in await feeds.feeds(connection)
        return is_claimed and any("Appointment" in path for path in faults.under_way)

    await until(is_reading)
    await work.stop(0)
    faults.clear()
    await come_round(works, minutes=5)
    assert await of_general(works) == [], "another process could still be at it"
    await come_round(works, minutes=6)
    assert await of_general(works) == ["ok"]
    assert await works.rows("requested")


async def test_a_poll_that_takes_long_stays_with_its_process(works, monkeypatch):
    monkeypatch.setattr(schedule, "_READ_EACH", 1)
    ask, site, clock = works.background.ask, works.site("riverside"), works.ground.clock
    met = [Visit(patient=f"p{n}", encounter=f"e{n}") for n in range(2)]
    await ask.store([ask.for_chart(visit, site) for visit in met])
    works.ground.simulator.faults.add(Fault("fhir", "slow", "Appointment", delay_ms=500))
    poll = asyncio.create_task(works.background.work.schedule(site))

    async def feed():
        async with works.ground.service.database.reading() as connection:
            return (await feeds.feeds(connection)).get(site.name)

    async def is_claimed():
        return await feed() is not None

    async def has_begun_the_second_turn():
        return (await feed()).asked_last is not None

    await until(is_claimed)
    clock.move(minutes=8)
    await until(has_begun_the_second_turn)
    assert (await feed()).next_poll == clock() + timedelta(minutes=10)
    await poll
    assert [outcome for _, outcome, _ in await polls(works)] == ["ok"]
