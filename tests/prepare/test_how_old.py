"""A brief is as old as the oldest read that it stands on, and says so; what was read too long ago is read again."""

import json
from datetime import datetime, timedelta

import pytest

from cds_service.context.whole import KEPT
from cds_service.domain.steps import Temporary
from cds_service.simulator.prefetch import Offer
from tests.prepare.test_bad_weather import breaks, store
from tests.prepare.test_ready import CHART, OTHER, opened

pytestmark = pytest.mark.anyio
BARE = Offer(prefetch="none", fhir_server=False)


async def interrupted(works, patient):
    """Return a brief whose record was read but for one search."""
    await works.ground.service.backend.token(works.site())
    breaks(works, "status", "Immunization", status=503, times=1)
    brief_id = await works.ask(patient)
    assert await works.prepare.begin(brief_id)
    with pytest.raises(Temporary):
        await works.prepare.gather(brief_id)
    return brief_id


async def as_of(works, row):
    told = json.loads(await works.ground.service.database.brief(row.site, row.id))
    return datetime.fromisoformat(told["as_of"])


def record_allergy(works, patient):
    known = next(iter(store(works).all("AllergyIntolerance")))
    whose = {"reference": f"Patient/{patient}"}
    store(works).put(known | {"id": "new-allergy", "patient": whose, "criticality": "high"})


def forget_allergies(works, patient):
    for each in store(works).all("AllergyIntolerance", patient=patient):
        store(works).remove("AllergyIntolerance", each["id"])


async def test_what_was_read_before_a_long_outage_is_read_again(works):
    forget_allergies(works, OTHER)
    brief_id = await interrupted(works, OTHER)
    breaks(works, "drop")
    assert (await works.run(brief_id)).state == "requested"
    record_allergy(works, OTHER)
    works.ground.clock.move(hours=12)
    works.ground.simulator.faults.clear()
    await works.ground.service.backend.token(works.site())
    row = await works.run(brief_id)
    assert await as_of(works, row) == works.ground.clock()
    detail = await opened(works, OTHER, offer=BARE)
    assert "Prepared less than a minute ago" in detail
    assert "Allergies: none found" not in detail
    assert "No known allergies" not in detail


async def test_what_was_read_again_is_kept_for_the_next_try(works):
    brief_id = await interrupted(works, CHART)
    works.ground.clock.move(hours=12)
    breaks(works, "status", "Immunization", status=503, times=1)
    with pytest.raises(Temporary):
        await works.prepare.gather(brief_id)
    seen = works.ground.simulator.faults.seen
    seen.clear()
    await works.prepare.gather(brief_id)
    searched = {each.path.partition("?")[0] for each in seen if "?" in each.path}
    assert {path.rpartition("/")[2] for path in searched} == {"Immunization"}


async def test_a_brief_of_kept_reads_is_as_old_as_the_oldest_of_them(works):
    brief_id = await interrupted(works, CHART)
    read = works.ground.clock()
    works.ground.clock.move(minutes=20)
    assert timedelta(minutes=20) < KEPT
    row = await works.run(brief_id)
    assert await as_of(works, row) == read
    assert "Prepared 20 minutes ago" in await opened(works)


async def test_what_is_new_since_the_oldest_read_is_told_as_new(works):
    forget_allergies(works, OTHER)
    brief_id = await interrupted(works, OTHER)
    works.ground.clock.move(minutes=20)
    record_allergy(works, OTHER)
    await works.run(brief_id)
    detail = await opened(works, OTHER)
    assert "Prepared 20 minutes ago. Since then: 1 new allergy." in detail
    assert "Allergies: none found" not in detail


@pytest.mark.parametrize("how", ["write", "write_by_rules"])
async def test_a_worker_that_stood_still_before_it_wrote_gathers_anew(works, how):
    brief_id = await works.ask()
    assert await works.prepare.begin(brief_id)
    again = await works.prepare.gather(brief_id)
    works.ground.clock.move(hours=11)
    await getattr(works.prepare, how)(brief_id, again)
    row = await works.row(brief_id)
    assert (row.state, row.reason, row.revision) == ("requested", "record_old", 2)
    assert row.due == works.ground.clock(), "and at once"
    row = await works.run(brief_id)
    assert (row.state, await as_of(works, row)) == ("ready", works.ground.clock())


async def test_a_record_that_waited_a_little_is_written_and_says_when_it_was_read(works):
    brief_id = await works.ask()
    read = works.ground.clock()
    assert await works.prepare.begin(brief_id)
    again = await works.prepare.gather(brief_id)
    works.ground.clock.move(minutes=40)
    await works.prepare.write(brief_id, again)
    row = await works.row(brief_id)
    assert (row.state, await as_of(works, row)) == ("ready", read)


async def test_a_brief_that_is_made_late_in_the_evening_asks_for_the_days_of_the_site(works):
    works.ground.clock.move(hours=11)  # the 24th in UTC
    await works.prepared()
    asked = [
        each.path for each in works.ground.simulator.faults.seen if "Appointment?" in each.path
    ]
    assert any("date=ge2026-11-22&date=lt2027-02-21" in each for each in asked)
