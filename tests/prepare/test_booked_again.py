"""A visit that is booked has its briefs, whatever ended before it or stands at the same time; each asked for once."""

import asyncio
from collections import Counter
from datetime import datetime, timedelta

import pytest

from cds_service.domain.visit import Visit
from cds_service.storage import briefs
from tests.prepare.test_one_bad_row import LOST
from tests.prepare.test_schedule import nothing_booked, poll, store

pytestmark = pytest.mark.anyio
CHART, OTHER = "beatrice-okonkwo", "harold-lindqvist"
START = "2026-11-25T15:00:00Z"
VISIT = Visit(
    patient=CHART,
    appointment="a",
    start=datetime.fromisoformat(START),
    end=datetime.fromisoformat(START) + timedelta(minutes=30),
)
"""What the appointment `a` is of."""


def appointment(name, chart=CHART, start=START, **changes):
    """Return an Appointment of a chart, or of several."""
    charts = (chart,) if isinstance(chart, str) else chart
    return {
        "resourceType": "Appointment",
        "id": name,
        "status": "booked",
        "start": start,
        "end": start.replace(":00:00Z", ":30:00Z"),
        "participant": [
            {"actor": {"reference": f"Patient/{each}"}, "status": "accepted"} for each in charts
        ],
    } | changes


@pytest.fixture
async def works(tmp_path):
    async with nothing_booked(tmp_path) as running:
        yield running


async def poll_with(works, *appointments):
    """Poll while the schedule holds these."""
    for each in appointments:
        store(works).put(each)
    await poll(works)


async def counted(works, *states):
    """Return how many briefs of each appointment are in a state; all that are to be made when none is given."""
    rows = await works.rows(*(states or ("requested",)))
    return Counter(row.visit for row in rows)


def key(works, name):
    return works.ground.service.database.blind(f"Appointment/{name}", site="general")


async def test_a_visit_that_was_called_off_by_mistake_is_prepared_for_once_it_stands_again(works):
    await poll_with(works, appointment("a"))
    assert await counted(works) == {key(works, "a"): 3}
    for _ in range(2):
        await poll_with(works, appointment("a", status="cancelled"))
        assert await counted(works) == {}
        await poll_with(works, appointment("a"))
        assert await counted(works) == {key(works, "a"): 3}
    before = await works.rows("requested")
    await poll(works)
    assert await works.rows("requested") == before, "and asked for once"


async def test_a_visit_that_was_moved_and_moved_back_is_prepared_for_at_its_first_time(works):
    await poll_with(works, appointment("a"))
    before = Counter(row.due for row in await works.rows("requested"))
    await poll_with(works, appointment("a", start="2026-11-25T21:00:00Z"))
    await poll_with(works, appointment("a"))
    await poll(works)
    after = Counter(row.due for row in await works.rows("requested"))
    assert len(after) == len(before) == 3
    assert len(after & before) == 2, "but the one that is made at once"
    assert len(await works.rows("cancelled")) == 6


@pytest.mark.parametrize("off", ["a", "b"])
async def test_of_two_visits_at_one_time_each_has_its_own_briefs(works, off):
    await poll_with(works, appointment("a"), appointment("b"))
    assert await counted(works) == {key(works, "a"): 3, key(works, "b"): 3}
    await poll_with(works, appointment(off, status="cancelled"))
    await poll(works)
    assert await counted(works) == {key(works, {"a": "b", "b": "a"}[off]): 3}


async def test_a_visit_that_was_booked_anew_at_the_same_time_is_prepared_for(works):
    await poll_with(works, appointment("a"))
    await poll_with(works, appointment("a", status="cancelled"), appointment("b"))
    await poll(works)
    assert await counted(works) == {key(works, "b"): 3}
    assert await counted(works, "cancelled") == {key(works, "a"): 3}


async def test_a_clock_that_was_days_ahead_costs_no_visit_its_briefs(works):
    await poll_with(works, appointment("a"))
    works.ground.clock.moment += timedelta(days=4)
    await works.background.work.expire()
    works.ground.clock.moment -= timedelta(days=4)
    await poll(works)
    await poll(works)
    assert await counted(works, "expired") == {key(works, "a"): 3}
    assert await counted(works) == {key(works, "a"): 3}


async def test_a_visit_that_is_over_is_asked_for_no_more(works):
    await poll_with(works, appointment("a"))
    works.ground.clock.moment = datetime.fromisoformat(START) + timedelta(hours=26)
    await works.background.work.expire()
    await poll(works)
    assert await counted(works) == {}


async def test_a_visit_of_two_patients_is_prepared_for_each_of_them(works):
    await poll_with(works, appointment("a", (CHART, OTHER)))
    before = await works.rows("requested")
    assert sorted(Counter(row.patient for row in before).values()) == [3, 3]
    await poll(works)
    assert await works.rows("requested") == before
    await poll_with(works, appointment("a", OTHER))
    [left] = {row.patient for row in await works.rows("requested")}
    assert left == works.ground.service.database.blind(f"Patient/{OTHER}", site="general")
    assert {row.reason for row in await works.rows("cancelled")} == {"patient_changed"}


async def test_a_booking_and_the_poll_that_finds_its_appointment_ask_for_one_visit(works):
    await works.ground.client().book(CHART, [appointment("draft")])
    drafts = await works.rows("requested")
    assert {row.visit for row in drafts} == {None}
    await poll_with(works, appointment("a"))
    await works.ground.client().book(CHART, [appointment("draft")])
    assert {row.id for row in await works.rows("requested")} == {row.id for row in drafts}
    assert await counted(works) == {key(works, "a"): 3}
    await poll_with(works, appointment("a", status="cancelled"))
    assert await counted(works) == {}


async def test_a_booking_is_the_first_visits_that_is_found_at_its_time(works):
    await works.ground.client().book(CHART, [appointment("draft")])
    await poll_with(works, appointment("a"), appointment("b"))
    await poll(works)
    assert await counted(works) == {key(works, "a"): 3, key(works, "b"): 3}


async def test_a_booking_that_does_not_open_holds_up_no_visit(works):
    await works.ground.client().book(CHART, [appointment("draft")])
    drafts = await works.rows("requested")
    async with works.ground.service.database.transaction() as connection:
        for row in drafts:
            await briefs.set_columns(connection, row.id, occasion=LOST)
    await poll_with(works, appointment("a"), appointment("z", OTHER, "2026-11-25T17:00:00Z"))
    await poll(works)
    assert await counted(works) == {None: 3, key(works, "a"): 3, key(works, "z"): 3}


async def test_what_an_earlier_release_asked_for_is_not_asked_for_again(works):
    """It called every row by patient and time, whatever the appointment."""
    ask = works.background.ask
    await ask.store(ask.for_visit(VISIT, works.site()))
    before = await works.rows("requested")
    await poll_with(works, appointment("a"))
    assert await works.rows("requested") == before
    await poll_with(works, appointment("a", status="cancelled"), appointment("b"))
    assert await counted(works) == {key(works, "b"): 3}


async def test_processes_that_see_a_visit_stand_again_at_once_ask_for_it_once(works):
    await poll_with(works, appointment("a"))
    await poll_with(works, appointment("a", status="cancelled"))
    ask = works.background.ask
    await asyncio.gather(*(ask.for_booked(VISIT, works.site()) for _ in range(3)))
    assert await counted(works) == {key(works, "a"): 3}
