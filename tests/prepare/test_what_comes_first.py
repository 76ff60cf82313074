"""After an outage the next visits come first, those that have been last, and nothing is done for what has ended."""

from datetime import datetime, timedelta

import pytest

from cds_service.domain.errors import BadCall
from cds_service.domain.visit import Visit
from cds_service.flow.queue import Queue
from cds_service.simulator.faults import Fault
from cds_service.storage import briefs
from tests.prepare.test_booked_again import CHART, OTHER, START, appointment, key, poll_with
from tests.prepare.test_schedule import nothing_booked

pytestmark = pytest.mark.anyio


@pytest.fixture
async def works(tmp_path):
    async with nothing_booked(tmp_path) as running:
        yield running


def queue(works):
    change = works.background.work.change
    return Queue(database=change.database, change=change, now=works.ground.clock)


async def asked(works, name, patient=CHART, **ahead):
    """Ask for the briefs of a visit that is so far ahead."""
    start = works.ground.clock() + timedelta(**ahead)
    end = start + timedelta(minutes=30)
    visit = Visit(patient=patient, appointment=name, start=start, end=end)
    await works.background.ask.for_booked(visit, works.site())
    return key(works, name)


async def begun(works):
    """Return the visits whose briefs the next look would begin, in their order."""
    async with works.ground.service.database.reading() as connection:
        due = await briefs.due(connection, "general", works.ground.clock(), limit=10)
    visits = [(await works.row(brief)).visit for brief, _ in due]
    return list(dict.fromkeys(visits))


async def failed(works):
    """Let the first brief of a booked visit fail, and return it."""
    await poll_with(works, appointment("a"))
    first = min(await works.rows("requested"), key=lambda row: row.due)
    await works.prepare.give_up(first.id, "patient_400")
    return first.id


async def test_the_next_visit_is_prepared_for_first_and_those_that_have_been_last(works):
    been = await asked(works, "been", OTHER, hours=1)
    tomorrow = await asked(works, "tomorrow", hours=40)
    works.ground.clock.move(hours=20)  # nobody worked
    soon = await asked(works, "soon", minutes=40)
    assert await begun(works) == [soon, tomorrow, been]


async def test_what_ended_while_nobody_worked_is_not_begun(works):
    await asked(works, "a", hours=1)
    works.ground.clock.move(days=3)
    work = works.background.work
    await work.engine.launch()
    await work.sweep()
    assert await begun(works) == []
    assert await works.rows("preparing") == []
    await work.engine.drain(5)


async def test_what_failed_for_a_visit_that_is_over_waits_for_nobody(works):
    brief = await failed(works)
    assert (await queue(works).stuck("general"))[0].brief == brief
    works.ground.clock.moment = datetime.fromisoformat(START) + timedelta(hours=26)
    await works.background.work.expire()
    assert await queue(works).stuck("general") == []
    row = await works.row(brief)
    assert (row.state, row.reason) == ("expired", "patient_400")


async def test_a_note_that_could_not_be_filed_waits_for_a_person_however_long(works):
    row = await works.prepared()
    async with works.ground.service.database.transaction() as connection:
        await briefs.set_columns(connection, row.id, state="failed")
    works.ground.clock.move(days=5)
    await works.background.work.expire()
    assert (await works.row(row.id)).state == "failed"


@pytest.mark.parametrize(
    ("now", "reason"),
    [({"status": "cancelled"}, "visit_cancelled"), ({"status": "fulfilled"}, "visit_begun")],
)
async def test_a_retry_reads_no_chart_for_a_visit_that_is_not_to_come(works, now, reason):
    brief = await failed(works)
    await poll_with(works, appointment("a") | now)
    assert await queue(works).retry([], "general") == []
    with pytest.raises(BadCall, match="is cancelled"):
        await queue(works).retry([brief])
    [ended] = [e for e in await works.ground.audited() if e["facts"].get("from") == "failed"]
    assert (ended["outcome"], ended["facts"]["because"]) == ("cancelled", reason)


async def test_a_visit_that_stands_again_is_prepared_for_although_its_brief_had_failed(works):
    await failed(works)
    await poll_with(works, appointment("a", status="cancelled"))
    await poll_with(works, appointment("a"))
    assert len(await works.rows("requested")) == 3


async def test_a_chart_behind_break_the_glass_is_not_asked_for_again_by_a_visit_that_stands_again(
    works,
):
    works.ground.simulator.faults.add(Fault("fhir", "status", "Patient", status=403, code="4130"))
    start = works.ground.clock() + timedelta(days=2)
    visit = Visit(patient=CHART, appointment="a", start=start, end=start + timedelta(hours=1))
    site, follow = works.site("riverside"), works.background.work.schedule.follow
    await works.background.ask.for_booked(visit, site)
    first = min(await works.rows("requested"), key=lambda row: row.due)
    assert (await works.run(first.id)).reason == "patient_refused"
    await follow.cancel(site, visit, reason="visit_cancelled")
    assert await works.rows("failed", "requested") == []
    await works.background.ask.for_booked(visit, site)
    works.ground.simulator.faults.seen.clear()
    again = min(await works.rows("requested"), key=lambda row: row.due)
    assert (await works.run(again.id)).reason == "patient_refused"
    assert [e.path for e in works.ground.simulator.faults.seen if "Patient/" in e.path] == []
