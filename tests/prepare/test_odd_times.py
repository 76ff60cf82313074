"""A time that can be no visit's is not known: it stops neither its own booking nor anybody else's briefs."""

import pytest

from tests.prepare.test_booked_again import CHART, OTHER, appointment, counted, key, poll_with
from tests.prepare.test_schedule import nothing_booked, polls

pytestmark = pytest.mark.anyio
ODD = [
    {"end": "9999-12-31T23:59:59Z"},
    {"end": "2020-01-01T00:00:00Z"},
    {"start": "9999-12-31T23:59:59-05:00", "end": None},
    {"start": "0001-01-01T00:00:00+05:00", "end": None},
]
IDS = [
    "no real end",
    "an end before its start",
    "a start at the end of time",
    "one at its beginning",
]


@pytest.fixture
async def works(tmp_path):
    async with nothing_booked(tmp_path) as running:
        yield running


def odd(times, chart=OTHER, **changes):
    """Return an Appointment with such times; one that is None is not told."""
    told = appointment("odd", chart, **changes) | times
    return {name: value for name, value in told.items() if value is not None}


@pytest.mark.parametrize("times", ODD[:2], ids=IDS[:2])
async def test_a_visit_without_a_real_end_is_prepared_for_as_are_those_behind_it(works, times):
    await poll_with(works, odd(times), appointment("z"))
    assert await counted(works) == {key(works, "odd"): 3, key(works, "z"): 3}
    assert [outcome for _, outcome, _ in await polls(works)] == ["ok"]


@pytest.mark.parametrize("times", ODD, ids=IDS)
async def test_a_booking_with_such_a_time_is_answered(works, times):
    draft = odd(times, CHART, status="proposed")
    [answer] = await works.ground.client().book(CHART, [draft])
    assert answer.status == 200
    assert await works.rows("requested")
