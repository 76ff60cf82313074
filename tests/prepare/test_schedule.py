"""A site's schedule is polled: new visits are prepared for, moved ones followed, those called off let go."""

from contextlib import asynccontextmanager

import pytest

from cds_service.simulator.faults import Fault
from tests.prepare.conftest import SITES, working

pytestmark = pytest.mark.anyio
POLL = {name: text.replace("[prepare]", "[prepare]\npoll = true") for name, text in SITES.items()}


@pytest.fixture
async def works(tmp_path):
    async with working(tmp_path, sites=POLL) as running:
        yield running


async def poll(works, name="general"):
    works.ground.clock.move(minutes=16)
    await works.background.work.schedule(works.site(name))


def store(works):
    return works.ground.client().ehr.store


@asynccontextmanager
async def nothing_booked(tmp_path):
    """Run the service beside EHRs in whose schedule nothing stands."""
    async with working(tmp_path, sites=POLL) as running:
        for each in list(store(running).all("Appointment")):
            store(running).remove("Appointment", each["id"])
        yield running


def booked(works, **changes):
    """Return the next booked visit of the simulator's patients, and change it."""
    now = works.ground.clock().isoformat()
    found = sorted(
        (
            a
            for a in store(works).all("Appointment")
            if a["status"] == "booked" and a["start"] > now
        ),
        key=lambda a: a["start"],
    )
    visit = found[0] | changes
    store(works).put(visit)
    return visit


async def test_booked_visits_of_the_days_ahead_are_asked_for_at_each_moment_the_site_wants(works):
    await poll(works)
    rows = await works.rows("requested")
    assert rows
    assert {row.visit is not None for row in rows} == {True}
    now = works.ground.clock()
    by_visit = {}
    for row in rows:
        by_visit.setdefault(row.visit, []).append(row.due)
    assert all(min(dues) <= now for dues in by_visit.values()), "at booking, which is now"
    assert max(map(len, by_visit.values())) == 3


async def polls(works):
    """Return what the audit says of each poll."""
    entries = [e for e in await works.ground.audited() if e["action"] == "poll"]
    return [(e["site"], e["outcome"], dict(e["facts"])) for e in entries]


async def test_each_poll_stands_in_the_audit_also_one_that_brings_nothing_new_or_fails(works):
    await poll(works)
    await poll(works)
    works.ground.simulator.faults.add(Fault("fhir", "status", "Appointment", status=400))
    await poll(works)
    (_, first, found), (_, second, nothing), (_, third, _) = await polls(works)
    assert (first, second, third) == ("ok", "ok", "400")
    assert found["visits"] == nothing["visits"] > 0
    assert (found["changed"], nothing["changed"]) == (0, 0), "all of them are new, or as they were"


async def test_a_second_poll_asks_for_nothing_twice(works):
    await poll(works)
    before = {row.id for row in await works.rows("requested")}
    await poll(works)
    assert {row.id for row in await works.rows("requested")} == before


async def test_a_visit_that_is_called_off_stops_its_work_and_is_audited(works):
    visit = booked(works)
    await poll(works)
    booked(works, status="cancelled")
    await poll(works)
    cancelled = await works.rows("cancelled")
    assert cancelled
    assert {row.reason for row in cancelled} == {"visit_cancelled"}
    assert visit["id"] not in str([dict(row.versions) for row in cancelled])
    entries = [e for e in await works.ground.audited() if e["outcome"] == "cancelled"]
    assert len(entries) == len(cancelled)
