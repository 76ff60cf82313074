"""An EHR that has had enough of us for today is asked nothing ahead before its next day, whatever met its limit."""

import asyncio
import sqlite3
from datetime import timedelta

import pytest
from sqlalchemy import event
from sqlalchemy.exc import OperationalError

from cds_service.context.enough import HadEnough
from cds_service.domain.errors import BadCall
from cds_service.flow import pauses as pauses_module
from cds_service.simulator.prefetch import Offer
from cds_service.storage import feeds
from tests.prepare.conftest import until, working
from tests.prepare.test_bad_weather import breaks
from tests.prepare.test_polls_by_vendor import polling
from tests.prepare.test_schedule import poll

pytestmark = pytest.mark.anyio
CHART, OTHER = "beatrice-okonkwo", "harold-lindqvist"
LIMIT = {"status": 400, "code": "4135"}


@pytest.fixture
async def works(tmp_path):
    """A site whose schedule is asked for by patient; two are known."""
    async with working(tmp_path, sites={"general": polling("epic")}) as running:
        for each in (CHART, OTHER):
            await running.ask(each, encounter=f"{each}-now")
        await running.ground.service.backend.token(running.site())
        yield running


async def feed(works):
    async with works.ground.service.database.reading() as connection:
        return (await feeds.feeds(connection))["general"]


def asked(works, what="Appointment"):
    return [each for each in works.ground.simulator.faults.seen if f"/{what}" in each.path]


def next_day(works):
    now = works.ground.clock().astimezone(works.site().zone)
    return now.replace(hour=0, minute=0, second=0, microsecond=0) + timedelta(days=1)


async def test_a_poll_that_meets_it_is_the_last_of_the_day(works):
    breaks(works, "status", "Appointment", **LIMIT)
    for _ in range(4):
        await poll(works)
    assert len(asked(works)) == 2, "one for each patient, once"
    known = await feed(works)
    assert (known.paused_until, known.reason) == (next_day(works), "daily_limit")
    entries = [
        (e["action"], e["outcome"])
        for e in await works.ground.audited()
        if e["action"] in {"poll", "pause"}
    ]
    assert entries == [("pause", "daily_limit"), ("poll", "daily_limit")]


async def test_the_schedule_is_polled_again_on_the_next_day(works):
    breaks(works, "status", "Appointment", **LIMIT)
    await poll(works)
    works.ground.simulator.faults.clear()
    works.ground.clock.moment = next_day(works)
    await poll(works)
    known = await feed(works)
    assert known.reason is None
    assert known.polled_at == works.ground.clock()


async def test_what_waits_to_be_prepared_waits_as_well(works):
    breaks(works, "status", "Appointment", **LIMIT)
    await poll(works)
    reads = len(works.ground.simulator.faults.seen)
    row = await works.prepared()
    assert (row.state, row.reason, row.due) == ("requested", "daily_limit", next_day(works))
    assert len(works.ground.simulator.faults.seen) == reads


async def test_of_many_patients_only_the_first_are_asked_for_in_vain(works):
    for number in range(60):
        await works.ask(f"p{number}", encounter=f"{number}-now")
    breaks(works, "status", "Appointment", **LIMIT)
    await poll(works)
    assert len(asked(works)) == 20


async def test_a_visit_that_is_looked_for_may_meet_it_too(works):
    await works.ask("p1", appointment="elsewhere")
    await works.ask("p2", appointment="elsewhere-too")
    breaks(works, "status", "Appointment/", **LIMIT)
    await poll(works)
    assert len(asked(works, "Appointment/")) == 1
    assert (await feed(works)).reason == "daily_limit"


async def test_the_reason_of_a_pause_that_begins_during_a_poll_stands(works):
    breaks(works, "slow", "Appointment", delay_ms=1000)
    under_way = asyncio.create_task(poll(works))

    async def has_begun():
        async with works.ground.service.database.reading() as connection:
            return "general" in await feeds.feeds(connection)

    await until(has_begun)
    await works.prepare.pauses.begin(works.site(), HadEnough("daily_limit"))
    assert not under_way.done()
    await under_way
    known = await feed(works)
    assert (known.paused_for, known.polled_at) == ("daily_limit", works.ground.clock())


async def test_a_person_who_asks_for_a_day_is_told_and_the_ehr_is_not_asked(works):
    breaks(works, "status", "Appointment", **LIMIT)
    schedule, day = works.background.work.schedule, works.ground.clock().date()
    with pytest.raises(BadCall, match=r"could not be read: daily_limit\."):
        await schedule.visits_of(works.site(), day)
    reads = len(asked(works))
    with pytest.raises(BadCall, match=r"nothing is read ahead before .* 00:00 there: daily_limit"):
        await schedule.visits_of(works.site(), day)
    assert len(asked(works)) == reads == 2
    outcomes = [e["outcome"] for e in await works.ground.audited() if e["action"] == "poll"]
    assert outcomes == ["daily_limit"]


async def test_a_hook_call_that_meets_it_stops_work_ahead_and_waits_for_nothing(tmp_path):
    async with working(tmp_path) as works:
        breaks(works, "status", "", **LIMIT)
        site = works.site("riverside")
        client, few = works.ground.client("riverside"), Offer(only=frozenset({"patient"}))
        for _ in range(3):
            [answer] = await client.open_chart(CHART, offer=few)
            assert answer.status == 200

        async def is_paused():
            return await works.background.pauses.of(site) is not None

        await until(is_paused)
        pause = await works.background.pauses.of(site)
        assert (pause.until, pause.reason) == (next_day(works), "daily_limit")
        actions = [e["action"] for e in await works.ground.audited()]
        assert actions.count("pause") == 1


async def test_what_a_hook_call_met_is_kept_when_the_database_was_away(tmp_path, monkeypatch):
    monkeypatch.setattr(pauses_module, "_AGAIN_S", 0.01)
    async with working(tmp_path) as works:
        engine, refused = works.ground.service.database.engine.sync_engine, []

        def refuse(_connection, _cursor, statement, *_):
            if statement.startswith("UPDATE feed") and len(refused) < 3:
                refused.append(statement)
                raise OperationalError(statement, {}, sqlite3.OperationalError("disk is full"))

        event.listen(engine, "before_cursor_execute", refuse)
        works.background.pauses.met(works.site(), HadEnough("daily_limit"))

        async def is_paused():
            return await works.background.pauses.of(works.site()) is not None

        await until(is_paused)
        assert len(refused) == 3
