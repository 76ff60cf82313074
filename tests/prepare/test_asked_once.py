"""However often and by whatever a chart is asked for, it is read once; and the audit says who asked by hand."""

from datetime import datetime, timedelta

import pytest

from cds_service.simulator.faults import Fault
from tests.prepare.conftest import working
from tests.prepare.test_booked_again import CHART, appointment, poll_with
from tests.prepare.test_ready import a_result, change
from tests.prepare.test_schedule import POLL, poll, store
from tests.prepare.test_site_changed import HIDES, change_file

pytestmark = pytest.mark.anyio


async def open_chart(works):
    await works.ground.client().open_chart(CHART)


async def due(works):
    rows = await works.rows("requested")
    return [row for row in rows if row.due <= works.ground.clock()]


@pytest.mark.parametrize("moment", ["1h-before", "evening-before"])
async def test_a_refresh_that_was_made_at_its_time_is_not_asked_for_again(tmp_path, moment):
    every = '"booking", "evening-before", "1h-before"'
    sites = {name: text.replace(every, f'"{moment}"') for name, text in POLL.items()}
    async with working(tmp_path, sites=sites) as works:
        for each in list(store(works).all("Appointment")):
            store(works).remove("Appointment", each["id"])
        await poll_with(works, appointment("a"))
        [asked] = await works.rows("requested")
        works.ground.clock.moment = asked.due
        assert (await works.run(asked.id)).state == "ready"
        await poll(works)
        assert await works.rows("requested") == []


async def test_a_visit_that_is_booked_after_its_last_moment_is_prepared_for_at_once(tmp_path):
    every = '"booking", "evening-before", "1h-before"'
    sites = {name: text.replace(every, '"1h-before"') for name, text in POLL.items()}
    async with working(tmp_path, sites=sites) as works:
        for each in list(store(works).all("Appointment")):
            store(works).remove("Appointment", each["id"])
        soon = works.ground.clock() + timedelta(minutes=46)
        await poll_with(works, appointment("a", start=soon.isoformat(), end=soon.isoformat()))
        assert len(await due(works)) == 1


async def test_a_booking_and_a_chart_that_opens_read_it_once(works):
    await works.ground.client().book(CHART, [appointment("draft")])
    await open_chart(works)
    assert len(await due(works)) == 1


async def test_a_chart_that_was_opened_before_its_visit_was_booked_is_read_with_it(works):
    await open_chart(works)
    works.ground.clock.move(seconds=1)
    await works.ground.client().book(CHART, [appointment("draft")])
    opened, booked = await due(works)
    row = await works.run(opened.id)
    assert (row.state, row.reason) == ("cancelled", "visit_booked")
    assert (await works.run(booked.id)).state == "ready"


async def test_a_chart_that_opens_while_its_brief_is_being_made_asks_for_none(works):
    brief = await works.ask()
    await works.prepare.begin(brief)
    await open_chart(works)
    assert await due(works) == []


async def test_what_a_person_asked_for_is_made_whatever_is_booked(works):
    asked = await works.ask()
    await works.ground.client().book(CHART, [appointment("draft")])
    assert len(await due(works)) == 2
    assert (await works.run(asked)).state == "ready"


async def test_a_chart_that_is_opened_all_through_an_outage_is_asked_for_once(works):
    works.ground.clock.moment = datetime.fromisoformat("2026-11-23T15:59:00+00:00")
    await open_chart(works)
    for _ in range(3):
        works.ground.clock.move(minutes=60)
        await open_chart(works)
    assert len(await works.rows("requested")) == 1


async def test_a_newer_brief_that_could_not_be_made_is_asked_for_again(works):
    await works.prepared()
    store(works).put(a_result())
    await open_chart(works)
    [asked] = await works.rows("requested")
    works.ground.simulator.faults.add(Fault("fhir", "status", "Patient", status=400))
    works.ground.clock.move(minutes=2)
    assert (await works.run(asked.id)).state == "failed"
    works.ground.simulator.faults.clear()
    works.ground.clock.move(hours=1)
    await open_chart(works)
    [again] = await works.rows("requested")
    assert (await works.run(again.id)).state == "ready"


async def test_a_command_that_is_given_twice_is_one_brief_and_the_audit_knows_who_gave_it(works):
    first = await works.ask()
    works.ground.clock.move(seconds=1)
    assert await works.ask() == first
    assert len(await works.rows("requested")) == 1
    asked = [e for e in await works.ground.audited() if e["action"] == "ask"]
    assert [(e["actor"], e["outcome"], e["brief"]) for e in asked] == [
        ("operator/tester", "requested", first),
        ("operator/tester", "waits", first),
    ]
    assert (await works.run(first)).state == "ready"
    works.ground.clock.move(seconds=1)
    assert await works.ask() != first


async def test_a_chart_is_asked_for_anew_whose_waiting_brief_came_to_nothing(works):
    await works.ground.client().book(CHART, [appointment("draft")])
    await open_chart(works)
    [waits] = await due(works)
    assert await works.background.work.change(waits, "cancelled", reason="visit_moved")
    works.ground.clock.move(minutes=1)
    await open_chart(works)
    [asked] = await due(works)
    works.ground.clock.move(minutes=1)
    await open_chart(works)
    assert [row.id for row in await due(works)] == [asked.id]


async def test_a_chart_is_asked_for_anew_whose_own_brief_came_to_nothing(works):
    asked = set()
    for _ in range(3):
        await open_chart(works)
        [row] = await due(works)
        asked.add(row.id)
        assert await works.background.work.change(row, "cancelled", reason="visit_booked")
        works.ground.clock.move(minutes=1)
    assert len(asked) == 3


async def test_a_chart_whose_brief_may_not_be_shown_any_more_is_asked_for_anew_and_once(works):
    await open_chart(works)
    [first] = await due(works)
    assert (await works.run(first.id)).state == "ready"
    await change_file(works, lambda text: text + HIDES)
    for _ in range(3):
        works.ground.clock.move(minutes=1)
        await open_chart(works)
    [asked] = await due(works)
    assert (await works.run(asked.id)).state == "ready"
    await open_chart(works)
    assert await due(works) == []


async def test_a_chart_whose_brief_was_rejected_is_asked_for_anew(works):
    await open_chart(works)
    [asked] = await due(works)
    await change(works, await works.run(asked.id), state="rejected")
    works.ground.clock.move(minutes=1)
    await open_chart(works)
    [again] = await due(works)
    assert again.id != asked.id


async def test_a_chart_whose_brief_could_not_be_made_is_asked_for_again_after_the_hour(works):
    works.ground.simulator.faults.add(Fault("fhir", "status", "Patient", status=400))
    await open_chart(works)
    [asked] = await due(works)
    assert (await works.run(asked.id)).state == "failed"
    works.ground.clock.move(minutes=30)
    await open_chart(works)
    assert await due(works) == []
    works.ground.clock.move(minutes=30)
    await open_chart(works)
    assert len(await due(works)) == 1
