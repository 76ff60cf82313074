"""Work for a time at which a visit will not be stops, however the schedule says so; what is ready serves on."""

import pytest

from tests.prepare.test_booked_again import (
    OTHER,
    VISIT,
    appointment,
    counted,
    key,
    poll_with,
)
from tests.prepare.test_schedule import nothing_booked, polls

pytestmark = pytest.mark.anyio
THIS_MORNING = {"start": "2026-11-23T08:00:00Z", "end": "2026-11-23T08:30:00Z"}
"""Before the tests' now."""
LAST_WEEK = {"start": "2026-11-16T08:00:00Z", "end": "2026-11-16T08:30:00Z"}


@pytest.fixture
async def works(tmp_path):
    async with nothing_booked(tmp_path) as running:
        yield running


async def reasons(works):
    return {row.reason for row in await works.rows("cancelled")}


@pytest.mark.parametrize(
    ("now", "reason"),
    [
        (THIS_MORNING, "visit_moved"),
        (LAST_WEEK, "visit_moved"),
        (THIS_MORNING | {"status": "fulfilled"}, "visit_begun"),
        ({"status": "fulfilled"}, "visit_begun"),
        ({"status": "waitlist"}, "visit_not_booked"),
        ({"participant": []}, "patient_changed"),
    ],
    ids=[
        "moved to a time that is over",
        "moved out of the days that are polled",
        "moved and been",
        "been before its time",
        "on a waiting list",
        "nobody's",
    ],
)
async def test_nothing_is_prepared_for_a_visit_that_is_no_longer_to_come(works, now, reason):
    await poll_with(works, appointment("a"), appointment("z", OTHER))
    assert await counted(works) == {key(works, "a"): 3, key(works, "z"): 3}
    await poll_with(works, appointment("a") | now)
    assert await counted(works) == {key(works, "z"): 3}
    assert await reasons(works) == {reason}


async def test_a_visit_that_leaves_the_waiting_list_is_prepared_for_again(works):
    await poll_with(works, appointment("a"))
    await poll_with(works, appointment("a", status="waitlist"))
    assert await counted(works) == {}
    await poll_with(works, appointment("a"))
    assert await counted(works) == {key(works, "a"): 3}


@pytest.mark.parametrize("status", ["fulfilled", "waitlist"])
async def test_a_brief_that_is_ready_serves_on(works, status):
    await poll_with(works, appointment("a"))
    first = min(await works.rows("requested"), key=lambda row: row.due)
    await works.run(first.id)
    await poll_with(works, appointment("a", status=status))
    assert (await works.row(first.id)).state == "ready"


@pytest.mark.parametrize(
    ("status", "state"), [("fulfilled", "preparing"), ("waitlist", "cancelled")]
)
async def test_a_brief_that_is_being_made_when_its_visit_begins_is_finished(works, status, state):
    await poll_with(works, appointment("a"))
    first = min(await works.rows("requested"), key=lambda row: row.due)
    assert await works.prepare.begin(first.id)
    await poll_with(works, appointment("a", status=status))
    assert (await works.row(first.id)).state == state
    assert await counted(works) == {}


async def test_a_visit_whose_time_is_over_and_that_was_not_moved_keeps_what_waits(works):
    """The day after it, its brief may still be read and approved."""
    await works.background.ask.for_booked(VISIT, works.site())
    works.ground.clock.moment = VISIT.end
    await poll_with(works, appointment("a"))
    assert (await counted(works))[key(works, "a")] == 3


async def test_who_is_nobodys_is_counted_as_that_and_as_no_visit(works):
    await poll_with(works, appointment("a"), appointment("b", participant=[]))
    [(_, _, facts)] = await polls(works)
    assert (facts["visits"], facts["without_patient"]) == (1, 1)
