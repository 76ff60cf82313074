"""What an EHR, a clock or a schedule does wrong: nothing is lost, and each shows where an operator looks."""

import json
from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from cds_service.domain.draft import ENDINGS
from cds_service.domain.errors import BadCall
from cds_service.domain.steps import Temporary
from cds_service.flow.queue import Queue
from cds_service.simulator.faults import Fault
from cds_service.storage import briefs, feeds
from cds_service.storage.switches import WHOLE_SITE, set_switch
from tests.ground import GENERAL
from tests.prepare.conftest import AHEAD, until, working
from tests.prepare.test_schedule import POLL, booked, poll, store

pytestmark = pytest.mark.anyio
CHART = "beatrice-okonkwo"
NO_MORE_BRIEFS = text(
    "CREATE TRIGGER no_more_briefs BEFORE INSERT ON brief BEGIN SELECT RAISE(ABORT, 'full'); END"
)


def breaks(works, kind, match="", where="fhir", **how):
    works.ground.simulator.faults.add(Fault(where, kind, match, **how))


async def stuck(works):
    change = works.background.work.change
    queue = Queue(database=change.database, change=change, now=works.ground.clock)
    return await queue.stuck()


async def gaps(works, row):
    told = json.loads(await works.ground.service.database.brief(row.site, row.id))
    return {gap["need"]: gap["reason"] for gap in told["gaps"]}


async def test_a_fhir_server_that_is_down_for_an_hour_delays_a_brief_and_loses_none(works):
    await works.ground.service.backend.token(works.site())
    breaks(works, "drop")
    brief_id = await works.ask()
    for tried in range(2, 6):
        row = await works.run(brief_id)
        assert (row.state, row.revision) == ("requested", tried)
        assert row.due > works.ground.clock()
        [waiting] = await stuck(works)
        assert waiting.reason == "patient_connection"
        works.ground.clock.moment = row.due
    works.ground.simulator.faults.clear()
    row = await works.run(brief_id)
    assert (row.state, row.reason) == ("ready", None)
    assert await stuck(works) == []


async def test_a_filing_that_breaks_is_begun_anew_and_one_that_goes_on_breaking_is_told(works):
    row = await works.prepared()
    work, database = works.background.work, works.ground.service.database
    async with (
        database.transaction() as connection
    ):  # nothing to file: the workflow cannot but break
        await briefs.set_columns(connection, row.id, state="approved")
    await work.engine.launch()
    await work.sweep()

    async def has_ended():
        revision = (await works.row(row.id)).revision
        return bool(await work.engine.ended([("writeback", row.id, revision)]))

    for revision in (2, 3):
        await until(has_ended)
        works.ground.clock.move(minutes=1)
        await work.mend()
        row = await works.row(row.id)
        assert (row.state, row.revision) == ("writing", revision)
    works.ground.clock.move(minutes=20)
    [told] = await stuck(works)
    assert (told.brief, told.state, told.reason) == (row.id, "writing", "late")
    await work.engine.drain(5)


@pytest.mark.slow
async def test_a_brief_whose_making_breaks_with_a_model_is_made_by_rules_and_says_so(tmp_path):
    async def defect(_context, _site):
        raise ValueError

    helped = {"general": f"{GENERAL}{AHEAD}\n[agent]\nenabled = true\n"}
    async with working(tmp_path, sites=helped) as works:
        work = works.background.work
        registered = work.engine.registered["prepare"]
        asks = replace(registered.workflow.write_brief, write_brief=defect)
        broken = replace(registered.workflow, write_brief=asks)
        work.engine.registered["prepare"] = replace(registered, workflow=broken)
        brief = await works.ask()
        await work.engine.launch()
        await work.sweep()

        async def is_ready():
            return (await works.row(brief)).state == "ready"

        await until(is_ready)
        [answer] = await works.ground.client().open_chart("beatrice-okonkwo")
        assert ENDINGS["broken"] in answer.cards()[-1]["detail"]
        await work.engine.drain(5)


async def test_a_token_endpoint_that_flaps_delays_a_brief_and_is_named(works):
    await works.ground.service.backend.token(works.site())
    works.ground.clock.move(hours=2)  # the token that the start had fetched is over
    breaks(works, "status", where="token", status=503)
    row = await works.prepared()
    assert row.state == "requested"
    assert row.reason.startswith("token_")
    works.ground.simulator.faults.clear()
    works.ground.clock.moment = row.due + timedelta(minutes=5)
    assert (await works.run(row.id)).state == "ready"


async def test_one_search_that_fails_is_a_named_gap_and_is_asked_for_again(works):
    breaks(works, "status", "Immunization", status=503)
    row = await works.prepared()
    assert row.state == "ready"
    assert (await gaps(works, row))["immunizations"] == "failed"
    [again] = await works.rows("requested")
    assert again.due - works.ground.clock() == timedelta(minutes=15)
    works.ground.simulator.faults.clear()
    works.ground.clock.moment = again.due
    better = await works.run(again.id)
    assert "immunizations" not in await gaps(works, better)


async def test_a_database_that_fails_at_the_end_loses_no_request_for_a_better_brief(works):
    breaks(works, "status", "Immunization", status=503)
    brief_id = await works.ask()
    assert await works.prepare.begin(brief_id)
    again = await works.prepare.settle(brief_id)
    database = works.ground.service.database
    async with database.transaction() as connection:
        await connection.execute(NO_MORE_BRIEFS)
    with pytest.raises(DBAPIError):
        await works.prepare.write(brief_id, again)
    async with database.transaction() as connection:
        await connection.execute(text("DROP TRIGGER no_more_briefs"))
    await works.prepare.write(brief_id, again)
    assert (await works.row(brief_id)).state == "ready"
    [better] = await works.rows("requested")
    assert better.versions == {"again": 1}


async def test_a_brief_with_gaps_does_not_ask_for_ever(works):
    breaks(works, "status", "Immunization", status=503)
    row = await works.prepared()
    for _ in range(3):
        [waiting] = await works.rows("requested")
        works.ground.clock.moment = waiting.due
        row = await works.run(waiting.id)
    assert row.state == "ready"
    assert await works.rows("requested") == []


async def test_pages_that_never_end_are_cut_and_named(works):
    breaks(works, "endless", "Observation")
    row = await works.prepared()
    assert row.state == "ready"
    assert (await gaps(works, row))["results"] == "partial"


async def test_an_interrupted_gathering_asks_for_what_it_has_no_more(works):
    """The parts that were read before the EHR failed are kept, sealed, and used by the next try."""
    breaks(works, "status", "Immunization", status=503, times=1)
    brief_id = await works.ask()
    assert await works.prepare.begin(brief_id)
    with pytest.raises(Temporary):
        await works.prepare.gather(brief_id)
    seen = len(works.ground.simulator.faults.seen)
    await works.prepare.gather(brief_id)
    asked = [each.path for each in list(works.ground.simulator.faults.seen)[seen:]]
    kinds = {path.partition("?")[0].rpartition("/")[2] for path in asked}
    assert "Immunization" in kinds
    assert kinds & {"Condition", "AllergyIntolerance", "Observation"} == set()


async def test_a_daily_limit_stops_the_site_until_its_own_next_day(tmp_path):
    async with working(tmp_path) as works:
        await works.ground.service.backend.token(works.site("riverside"))
        breaks(works, "status", "Observation", status=400, code="4135")
        row = await works.prepared(site="riverside")
        assert (row.state, row.reason) == ("requested", "daily_limit")
        assert row.due.astimezone(works.site("riverside").zone).hour == 0
        async with works.ground.service.database.reading() as connection:
            known = await feeds.feeds(connection)
        assert known["riverside"].paused_until == row.due
        works.ground.simulator.faults.clear()
        reads = len(works.ground.simulator.faults.seen)
        other = await works.prepared("harold-lindqvist", site="riverside")
        assert other.reason == "daily_limit"
        assert len(works.ground.simulator.faults.seen) == reads, "and nothing is asked before then"
        works.ground.clock.moment = row.due
        assert (await works.run(row.id)).state == "ready"


@pytest.mark.parametrize("how", ["status", "outcome"])
async def test_what_a_daily_limit_cut_off_is_read_on_the_next_day(works, how):
    works.ground.clock.move(hours=14, minutes=45)
    await works.ground.service.backend.token(works.site("riverside"))
    breaks(works, "status", "Immunization", status=503)
    breaks(works, how, "Condition", status=400, code="4135")
    row = await works.prepared(site="riverside")
    assert (row.state, row.reason) == ("requested", "daily_limit")
    assert row.due - works.ground.clock() == timedelta(minutes=15)
    works.ground.simulator.faults.clear()
    works.ground.clock.moment = row.due
    row = await works.run(row.id)
    assert row.state == "ready"
    assert "problems" not in await gaps(works, row)


async def test_break_the_glass_is_a_named_gap_and_never_asked_again(works):
    breaks(works, "status", "Condition", status=403, code="4130")
    row = await works.prepared(site="riverside")
    assert row.state == "ready"
    assert (await gaps(works, row))["problems"] == "denied"
    assert await works.rows("requested") == []


async def test_a_patient_that_the_ehr_does_not_know_ends_in_the_list_with_its_reason(works):
    row = await works.prepared("nobody-of-that-name")
    assert (row.state, row.reason) == ("failed", "no_such_patient")
    [listed] = await stuck(works)
    assert (listed.brief, listed.reason) == (row.id, "no_such_patient")


async def test_a_merged_chart_is_followed_to_the_one_that_is_kept_and_audited(works):
    patient = dict(store(works).read("Patient", CHART).resource)
    link = {"type": "replaced-by", "other": {"reference": "Patient/harold-lindqvist"}}
    store(works).put(patient | {"link": [link]})
    row = await works.prepared()
    told = json.loads(await works.ground.service.database.brief(row.site, row.id))
    assert told["patient"] == "Patient/harold-lindqvist"
    blind = works.ground.service.database.blind("Patient/harold-lindqvist", site="general")
    assert row.patient == blind
    assert "patient_merged" in {e["outcome"] for e in await works.ground.audited()}


def merge_the_booked(works):
    """Replace the patient of a booked visit by an heir; the Appointment goes on naming the old chart."""
    visit = booked(works)
    old = next(p for p in store(works).all("Patient") if f"Patient/{p['id']}" in str(visit))
    link = {"type": "replaced-by", "other": {"reference": "Patient/heir"}}
    store(works).put(old | {"id": "heir"})
    store(works).put(old | {"link": [link]})


async def test_a_merged_charts_brief_stays_while_the_appointment_names_the_old_chart(tmp_path):
    async with working(tmp_path, sites=POLL) as works:
        merge_the_booked(works)
        await poll(works)
        ready = [
            await works.run(row.id)
            for row in await works.rows("requested")
            if row.due <= works.ground.clock()
        ]
        blind = works.ground.service.database.blind("Patient/heir", site="general")
        [ours] = [row for row in ready if row.patient == blind]
        before = await works.rows("requested")
        await poll(works)
        await poll(works)
        assert (await works.row(ours.id)).state == "ready"
        assert await works.rows("cancelled") == []
        assert await works.rows("requested") == before, "and nothing more is asked for"


async def test_a_better_brief_of_a_merged_chart_stays_too(tmp_path):
    async with working(tmp_path, sites=POLL) as works:
        merge_the_booked(works)
        await poll(works)
        breaks(works, "status", "Immunization", status=503)
        blind = works.ground.service.database.blind("Patient/heir", site="general")
        for row in await works.rows("requested"):
            if row.due <= works.ground.clock():
                await works.run(row.id)
        [again] = [row for row in await works.rows("requested") if row.patient == blind]
        await poll(works)
        assert (await works.row(again.id)).state == "requested"


async def test_charts_that_were_merged_in_a_circle_end_in_the_list(works):
    for one, other in ((CHART, "harold-lindqvist"), ("harold-lindqvist", CHART)):
        patient = dict(store(works).read("Patient", one).resource)
        link = {"type": "replaced-by", "other": {"reference": f"Patient/{other}"}}
        store(works).put(patient | {"link": [link]})
    row = await works.prepared()
    assert (row.state, row.reason) == ("failed", "merged_in_a_circle")


async def test_an_appointment_without_a_patient_is_counted_and_holds_up_nothing(tmp_path):
    async with working(tmp_path, sites=POLL) as works:
        visit = booked(works)
        nobody = {**visit, "id": "nobodys", "participant": [{"status": "accepted"}]}
        store(works).put(nobody)
        await poll(works)
        assert await works.rows("requested")
        polled = [e for e in await works.ground.audited() if e["action"] == "poll"]
        assert [e["facts"]["without_patient"] for e in polled] == [1]


@pytest.mark.parametrize("by", [timedelta(days=-1), timedelta(days=2)])
async def test_a_clock_that_jumps_asks_for_nothing_twice_and_loses_nothing(tmp_path, by):
    async with working(tmp_path, sites=POLL) as works:
        await poll(works)
        before = {row.id for row in await works.rows("requested")}
        works.ground.clock.moment += by
        await works.background.work.expire()
        works.ground.clock.moment -= by
        await poll(works)
        after = {row.id for row in await works.rows("requested", "expired")}
        assert before <= after


async def test_a_visit_that_was_moved_is_prepared_for_at_its_new_time(tmp_path):
    async with working(tmp_path, sites=POLL) as works:
        booked(works)
        await poll(works)
        before = await works.rows("requested")
        booked(works, start="2026-11-25T21:00:00Z", end="2026-11-25T21:30:00Z")
        await poll(works)
        moved = [row for row in await works.rows("cancelled") if row.reason == "visit_moved"]
        assert moved
        assert {row.id for row in moved} <= {row.id for row in before}
        still = {row.visit for row in await works.rows("requested")}
        assert {row.visit for row in moved} <= still


async def test_a_visit_that_vanished_is_looked_for_before_it_is_given_up(tmp_path):
    async with working(tmp_path, sites=POLL) as works:
        visit = booked(works)
        await poll(works)
        store(works).remove("Appointment", visit["id"])
        await poll(works)
        gone = await works.rows("cancelled")
        assert {row.reason for row in gone} == {"visit_gone"}


async def test_a_visit_that_is_over_ends_its_briefs_that_nobody_approved(works):
    row = await works.prepared(
        appointment="a1",
        start=works.ground.clock() + timedelta(hours=1),
        end=works.ground.clock() + timedelta(hours=2),
    )
    works.ground.clock.move(hours=27)
    await works.background.work.expire()
    assert (await works.row(row.id)).state == "expired"


async def test_nothing_is_filed_for_a_site_that_is_switched_off(works):
    work, ground = works.background.work, works.ground
    row = await works.prepared()
    async with ground.service.database.transaction() as connection:
        await briefs.set_columns(connection, row.id, state="approved")
        await set_switch(
            connection, site="general", what=WHOLE_SITE, on=False, by="o", at=ground.clock()
        )
    await ground.service.switches.read()
    await work.engine.launch()
    await work.sweep()
    assert not work._started
    async with ground.service.database.transaction() as connection:
        await set_switch(
            connection, site="general", what=WHOLE_SITE, on=True, by="o", at=ground.clock()
        )
    await ground.service.switches.read()
    await work.sweep()
    assert list(work._started) == [(f"writeback:{row.id}", row.revision)]


@pytest.mark.parametrize("state", ["approved", "writing", "written", "unknown", "failed"])
async def test_what_became_of_a_note_is_not_for_an_operator_to_try_again(works, state):
    row = await works.prepared()
    database = works.ground.service.database
    async with database.transaction() as connection:
        await briefs.set_columns(connection, row.id, state=state)
    works.ground.clock.move(minutes=20)
    assert [told.brief for told in await stuck(works)] == [row.id], "it is listed"
    change = works.background.work.change
    queue = Queue(database=database, change=change, now=works.ground.clock)
    with pytest.raises(BadCall, match="who may approve says in the app"):
        await queue.retry([row.id])
    assert await queue.retry([], site="general") == []
