"""A schedule that is not seen whole is told of: to an operator, to what watches, and at the queue."""

import pytest

from cds_service.context.enough import HadEnough
from cds_service.flow.queue import Queue
from cds_service.simulator.faults import Fault
from tests.prepare.conftest import working
from tests.prepare.test_booked_again import appointment, poll_with
from tests.prepare.test_schedule import POLL, poll

pytestmark = pytest.mark.anyio


@pytest.fixture
async def works(tmp_path):
    async with working(tmp_path, sites=POLL) as running:
        yield running


async def told(works):
    """Return what `/readyz` says, its notes, and what the queue lists."""
    work = works.background.work
    await work._count()
    change = works.prepare.change
    queue = Queue(database=change.database, change=change, now=works.ground.clock)
    return works.background.told(), list(works.background.notes()), await queue.unread()


async def test_a_schedule_that_cannot_be_read_is_told_until_it_can(works):
    await poll(works)
    read_at = works.ground.clock()
    works.ground.simulator.faults.add(Fault("fhir", "status", "Appointment", status=403))
    for _ in range(3):
        await poll(works)
    numbers, notes, [listed] = await told(works)
    assert numbers["unread"] == {"general": listed.reason}
    assert (
        f"site general: its schedule could not be read: {listed.reason}; visits may be missed"
        in notes
    )
    assert (listed.site, listed.read_at) == ("general", read_at)
    works.ground.simulator.faults.clear()
    await poll(works)
    numbers, notes, listed = await told(works)
    assert (numbers["unread"], listed) == ({}, [])
    assert "schedule" not in str(notes)


async def test_appointments_that_name_no_patient_are_told(works):
    await poll_with(works, appointment("nobodys", participant=[]))
    numbers, notes, [listed] = await told(works)
    assert numbers["without_patient"] == {"general": 1}
    assert "site general: 1 appointments name no patient; nothing is prepared for them" in notes
    assert (listed.reason, listed.without_patient) == ("", 1)


async def test_a_schedule_that_is_paused_is_told_of_as_that_alone(works):
    await poll(works)
    await works.background.work.schedule.pauses.begin(works.site(), HadEnough("daily_limit"))
    numbers, _, listed = await told(works)
    assert (numbers["paused"], numbers["unread"]) == ({"general": "daily_limit"}, {})
    assert listed == []


async def test_a_schedule_that_was_read_is_not_called_unread_after_a_pause_that_a_brief_met(works):
    await poll(works)
    await works.background.work.schedule.pauses.begin(works.site(), HadEnough("retry_after", 600))
    works.ground.clock.move(minutes=10)
    numbers, _, listed = await told(works)
    assert (numbers["paused"], numbers["unread"], listed) == ({}, {}, [])
