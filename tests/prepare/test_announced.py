"""A booking is told of before it is made: whether the visit came to be is seen before anything is done for it."""

from collections import Counter
from datetime import datetime, timedelta

import pytest

from cds_service.simulator.faults import Fault
from tests.prepare.conftest import SITES, working
from tests.prepare.test_booked_again import CHART, START, appointment, key, poll_with
from tests.prepare.test_schedule import POLL, poll, store

pytestmark = pytest.mark.anyio
LATER = "2026-11-25T17:00:00Z"


def cleared(works):
    for each in list(store(works).all("Appointment")):
        store(works).remove("Appointment", each["id"])
    return works


@pytest.fixture
async def works(tmp_path):
    async with working(tmp_path, sites=POLL) as running:
        yield cleared(running)


@pytest.fixture
async def unpolled(tmp_path):
    """Only bookings tell this site's worker of visits."""
    async with working(tmp_path, sites=SITES) as running:
        yield cleared(running)


async def book(works, start=START):
    await works.ground.client().book(CHART, [appointment("draft", start=start)])
    return await works.rows("requested")


async def ended(works):
    return Counter(row.reason for row in await works.rows("cancelled"))


def wait(works, **times):
    works.ground.clock.move(**times)


async def run_due(works):
    """Begin all that is due, as a worker does; returns the reads of charts that this took."""
    seen = works.ground.simulator.faults.seen
    seen.clear()
    for row in await works.rows("requested"):
        if row.due <= works.ground.clock():
            await works.run(row.id)
    asides = ("Appointment", ".well-known")
    paths = [each.path for each in seen if "/r4/" in each.path]
    return [path for path in paths if not any(each in path for each in asides)]


async def test_one_that_was_called_off_before_a_poll_saw_it_ends(works):
    await book(works)
    await poll_with(works, appointment("a", status="cancelled"))
    await poll(works)
    assert await works.rows("requested") == []
    assert await ended(works) == {"visit_cancelled": 3}


async def test_one_that_nobody_made_ends_once_an_ehr_had_time_to_store_it(works):
    await book(works)
    wait(works, minutes=-10)
    await poll(works)
    assert len(await works.rows("requested")) == 3, "six minutes after the booking"
    await poll(works)
    await poll(works)
    assert await works.rows("requested") == []
    assert await ended(works) == {"visit_not_found": 3}


async def test_one_that_was_moved_before_a_poll_saw_it_is_prepared_for_at_its_new_time(works):
    await book(works)
    await poll_with(works, appointment("a", start="2026-11-25T15:30:00Z"))
    await poll(works)
    assert {row.visit for row in await works.rows("requested")} == {key(works, "a")}
    assert len(await works.rows("requested")) == 3
    assert await ended(works) == {"visit_not_found": 3}


async def test_times_are_compared_as_moments_however_they_are_written(works):
    drafts = await book(works, start="2026-11-25T09:00:00-06:00")
    await poll_with(works, appointment("a", start=START))
    await poll(works)
    assert {row.id for row in await works.rows("requested")} == {row.id for row in drafts}


async def test_one_beyond_the_days_that_a_poll_covers_waits(works):
    await book(works, start="2026-12-20T15:00:00Z")
    for _ in range(4):
        await poll(works)
    assert len(await works.rows("requested")) == 3


async def test_a_schedule_that_cannot_be_read_ends_nothing(works):
    await book(works)
    works.ground.simulator.faults.add(Fault("fhir", "status", "Appointment", status=403))
    for _ in range(4):
        await poll(works)
    assert len(await works.rows("requested")) == 3


async def test_it_is_prepared_for_at_once_without_asking(unpolled):
    await book(unpolled)
    assert await run_due(unpolled)
    assert len(await unpolled.rows("ready")) >= 1


async def test_where_no_poll_sees_it_the_visit_is_looked_for_before_the_chart_is_read(unpolled):
    rows = await book(unpolled)
    unpolled.ground.clock.moment = max(row.due for row in rows)
    assert await run_due(unpolled) == []
    assert await unpolled.rows("requested") == []
    assert await ended(unpolled) == {"visit_not_found": 3}


async def test_one_that_is_there_is_prepared_for_and_is_that_visits_from_then_on(unpolled):
    rows = await book(unpolled)
    store(unpolled).put(appointment("a"))
    unpolled.ground.clock.moment = max(row.due for row in rows)
    assert await run_due(unpolled)
    made = [row for row in await unpolled.rows("ready") if row.source == "prepare"]
    assert key(unpolled, "a") in {row.visit for row in made}
    assert await ended(unpolled) == {}


async def test_one_that_was_moved_is_followed_where_no_poll_sees_it(unpolled):
    rows = await book(unpolled)
    store(unpolled).put(appointment("a", start=LATER))
    unpolled.ground.clock.moment = max(row.due for row in rows)
    assert await run_due(unpolled) == []
    followed = await unpolled.rows("requested")
    assert {row.visit for row in followed} == {key(unpolled, "a")}
    assert max(row.due for row in followed) == datetime.fromisoformat(LATER) - timedelta(hours=1)


async def test_it_is_prepared_for_where_the_visit_cannot_be_looked_for(unpolled):
    rows = await book(unpolled)
    unpolled.ground.simulator.faults.add(Fault("fhir", "status", "Appointment", status=403))
    unpolled.ground.clock.moment = max(row.due for row in rows)
    assert await run_due(unpolled)
    assert await ended(unpolled) == {}


async def test_a_patient_who_declined_is_not_prepared_for(works):
    other = "harold-lindqvist"
    await poll_with(works, appointment("a", (CHART, other)))
    both = appointment("a", (CHART, other))
    both["participant"][0]["status"] = "declined"
    await poll_with(works, both)
    [left] = {row.patient for row in await works.rows("requested")}
    assert left == works.ground.service.database.blind(f"Patient/{other}", site="general")
    assert await ended(works) == {"patient_declined": 3}
