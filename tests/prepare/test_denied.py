"""A chart behind break-the-glass: what was denied once is not asked again for that visit, unless a person asks."""

from datetime import timedelta

import pytest

from cds_service.domain.steps import Temporary
from cds_service.domain.visit import Visit
from cds_service.flow.queue import Queue
from cds_service.simulator.faults import Fault
from tests.prepare.test_bad_weather import gaps

pytestmark = pytest.mark.anyio
CHART = "beatrice-okonkwo"
GLASS = {"status": 403, "code": "4130"}


def breaks(works, match, **how):
    works.ground.simulator.faults.add(Fault("fhir", "status", match, **how))


def reads(works, what="Condition"):
    return [each.path for each in works.ground.simulator.faults.seen if what in each.path]


async def visit(works, site="riverside"):
    """Have the briefs of a visit in two days asked for as a poll does, one for each moment."""
    start = works.ground.clock() + timedelta(days=2)
    booked = Visit(patient=CHART, appointment="a", start=start, end=start + timedelta(hours=1))
    await works.background.ask.for_booked(booked, works.site(site))
    return sorted(await works.rows("requested"), key=lambda row: row.due)


async def follows(works, brief):
    """Run a brief, and those that ask for a better one, each at its time; return the last."""
    row = await works.run(brief)
    while asked := [r for r in await works.rows("requested") if "again" in r.versions]:
        works.ground.clock.moment = max(works.ground.clock(), asked[0].due)
        row = await works.run(asked[0].id)
    return row


async def test_a_better_brief_is_asked_for_without_what_was_denied(works):
    breaks(works, "Condition", **GLASS)
    breaks(works, "Observation", status=503)
    row = await follows(works, await works.ask(site="riverside"))
    assert row.versions["again"] == 3
    assert len(reads(works)) == len(set(reads(works)))
    told = await gaps(works, row)
    assert (told["problems"], told["results"]) == ("denied", "failed")


async def test_no_later_moment_of_the_visit_asks_for_it(works):
    breaks(works, "Condition", **GLASS)
    moments = await visit(works)
    assert len(moments) == 3
    for row in moments:
        works.ground.clock.moment = row.due
        made = await works.run(row.id)
        assert (await gaps(works, made))["problems"] == "denied"
        assert made.ready_at == works.ground.clock()
    assert len(reads(works)) == len(set(reads(works)))
    assert len(reads(works, "Allergy")) == len(moments), "all else is read anew"


async def test_a_brief_that_waits_for_its_ehr_does_not_ask_for_it_again(works):
    breaks(works, "Condition", **GLASS)
    breaks(works, "Immunization", status=503)
    brief = await works.ask(site="riverside")
    assert await works.prepare.begin(brief)
    with pytest.raises(Temporary, match="reads_failed"):
        await works.prepare.gather(brief)
    await works.prepare.postpone(brief, "token_http_503")
    works.ground.simulator.faults.clear()
    works.ground.clock.move(hours=1)
    row = await works.run(brief)
    assert (await gaps(works, row))["problems"] == "denied"
    assert len(reads(works)) == len(set(reads(works)))
    assert row.ready_at == works.ground.clock()


async def test_a_patient_who_is_denied_is_not_asked_for_again_but_by_a_person(works):
    breaks(works, "Patient/", **GLASS)
    first, second, third = await visit(works)
    row = await works.run(first.id)
    assert (row.state, row.reason) == ("failed", "patient_refused")
    works.ground.clock.moment = second.due
    row = await works.run(second.id)
    assert (row.state, row.reason) == ("failed", "patient_refused")
    assert len(reads(works, "Patient/")) == 1
    works.ground.simulator.faults.clear()
    change = works.background.work.change
    queue = Queue(database=change.database, change=change, now=works.ground.clock)
    await queue.retry([first.id])
    assert (await works.run(first.id)).state == "ready"
    works.ground.clock.moment = third.due
    assert (await works.run(third.id)).state == "ready", "the last answer counts"


async def test_a_person_has_it_asked_for_anew(works):
    breaks(works, "Condition", **GLASS)
    await works.prepared(site="riverside")
    works.ground.simulator.faults.clear()
    works.ground.clock.move(minutes=5)
    row = await works.prepared(site="riverside")
    assert "problems" not in await gaps(works, row)


async def test_a_new_visit_asks_again_when_the_last_one_is_long_over(works):
    breaks(works, "Condition", **GLASS)
    await works.prepared(site="riverside")
    works.ground.simulator.faults.clear()
    works.ground.clock.move(days=3)
    [first, *_] = await visit(works)
    assert "problems" not in await gaps(works, await works.run(first.id))


async def test_a_bare_refusal_is_asked_for_again_at_the_visits_next_moment_and_no_sooner(works):
    breaks(works, "Condition", status=403)
    breaks(works, "Immunization", status=503)
    first, second, _ = await visit(works, "general")
    await follows(works, first.id)
    assert len(reads(works)) == len(set(reads(works)))
    works.ground.simulator.faults.clear()
    works.ground.clock.moment = second.due
    assert "problems" not in await gaps(works, await works.run(second.id))


async def test_nor_does_a_later_moment_of_a_visit_whose_chart_was_merged(works):
    charts = works.ground.client("riverside").ehr.store
    patient = dict(charts.read("Patient", CHART).resource)
    charts.put(patient | {"id": "heir"})
    heir = {"type": "replaced-by", "other": {"reference": "Patient/heir"}}
    charts.put(patient | {"link": [heir]})
    breaks(works, "Condition", **GLASS)
    moments = await visit(works)
    assert len(moments) == 3
    for row in moments:
        works.ground.clock.moment = row.due
        made = await works.run(row.id)
        assert (await gaps(works, made))["problems"] == "denied"
    assert len(reads(works)) == len(set(reads(works)))
    works.ground.clock.move(minutes=5)
    again = await works.prepared(site="riverside")
    assert (await gaps(works, again))["problems"] == "denied"
    assert len(reads(works)) > len(set(reads(works))), "a person has it asked for anew"
