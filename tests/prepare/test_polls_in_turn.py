"""Where a schedule is searched by patient, each is asked for in turn: over several polls, nobody left out."""

from collections import Counter
from datetime import timedelta
from urllib.parse import parse_qs, urlsplit

import pytest

from cds_service.domain.visit import Visit
from cds_service.flow import schedule
from cds_service.simulator.faults import Fault
from cds_service.storage import briefs
from tests.prepare.conftest import working
from tests.prepare.test_booked_again import CHART
from tests.prepare.test_schedule import POLL, poll, polls, store

pytestmark = pytest.mark.anyio
MANY = 11


@pytest.fixture
async def works(tmp_path, monkeypatch):
    """A poll here begins one lot of searches, of four patients."""
    monkeypatch.setattr(schedule, "_ROUND_S", 0.0)
    monkeypatch.setattr(schedule, "_READ_EACH", 4)
    async with working(tmp_path, sites=POLL) as running:
        ask, site = running.background.ask, running.site("riverside")
        met = [Visit(patient=f"p{n}", encounter=f"e{n}") for n in range(MANY - 1)]
        met.append(Visit(patient=CHART, encounter="e"))
        await ask.store([ask.for_chart(visit, site) for visit in met])
        yield running


async def asked(works):
    """Poll, and return whom it asked for."""
    seen = works.ground.simulator.faults.seen
    seen.clear()
    await poll(works, "riverside")
    searches = (
        parse_qs(urlsplit(each.path).query) for each in seen if "Appointment?" in each.path
    )
    return Counter({search["patient"][0] for search in searches})


async def test_each_poll_goes_on_where_the_last_one_stopped_until_all_have_been_asked_for(works):
    lots = [await asked(works) for _ in range(MANY)]
    assert {each.total() for each in lots} == {4}
    assert len(sum(lots[:3], Counter())) == MANY, "all of them in three polls"
    assert set(sum(lots, Counter()).values()) == {4}, "and each as often as any other"
    assert {outcome for _, outcome, _ in await polls(works)} == {"ok"}


async def test_a_visit_of_any_of_them_is_found(works):
    found = Counter()
    for _ in range(3):
        await asked(works)
    for row in await works.rows("requested"):
        found[row.patient] += 1
    whose = works.ground.service.database.blind(f"Patient/{CHART}", site="riverside")
    assert found[whose] > 1, "more than the chart that was opened"


async def test_one_who_cannot_be_asked_for_holds_up_nobody(works):
    works.ground.simulator.faults.add(Fault("fhir", "status", "Appointment", status=403, times=2))
    lots = [await asked(works) for _ in range(3)]
    assert len(sum(lots, Counter())) == MANY
    outcomes = [outcome for _, outcome, _ in await polls(works)]
    assert outcomes[0] != "ok"
    assert outcomes[1:] == ["ok", "ok"]


async def test_a_patient_whose_visit_is_only_announced_is_asked_for(works):
    ask, site = works.background.ask, works.site("riverside")
    start = works.ground.clock() + timedelta(days=1)
    await ask.store(ask.for_visit(Visit(patient="harold-lindqvist", start=start), site))
    lots = [await asked(works) for _ in range(3)]
    assert sum(lots, Counter())["harold-lindqvist"] == 1


async def test_a_known_visit_is_known_however_many_rows_came_after_it(tmp_path):
    async with working(tmp_path, sites=POLL) as works:
        for each in list(store(works).all("Appointment")):
            store(works).remove("Appointment", each["id"])
        start = works.ground.clock() + timedelta(hours=30)
        ask, site, database = works.background.ask, works.site(), works.ground.service.database
        await ask.for_booked(Visit(patient=CHART, appointment="first", start=start), site)
        works.ground.clock.move(minutes=1)
        later = [
            row
            for n in range(1700)
            for row in ask.for_visit(
                Visit(patient=f"p{n}", appointment=f"x{n}", start=start), site
            )
        ]
        async with database.transaction() as connection:
            await briefs.add(connection, database, later)
        known = await works.background.work.schedule._known(site)
        assert len(known) == 1701, "one row of each visit"
        assert "first" in {visit.appointment for _, visit in known}
