"""A stored record that an EHR cannot send (Oracle: a 500, for ever) costs a brief that record, not its search."""

import pytest

from cds_service.context.around import MOST_PAGES, MOST_PERIODS
from cds_service.context.stored import unpack
from cds_service.simulator.faults import Fault
from cds_service.storage import briefs
from tests.prepare.conftest import SITES, working
from tests.prepare.test_bad_weather import CHART, breaks, gaps, store

pytestmark = pytest.mark.anyio
CODES = '\n[vendor_overrides]\n"search.stored_data_codes" = ["required"]\n"search.page_size" = 5\n'
DAILY = '"search.daily_limit_codes" = ["4135"]\n'


@pytest.fixture
async def works(tmp_path):
    sites = {name: text + CODES for name, text in SITES.items()}
    async with working(tmp_path, sites=sites) as running:
        yield running


def results(works):
    """Return the day of each of the chart's laboratory results by id, the newest first."""
    found = [
        each
        for each in store(works).all("Observation", patient=CHART)
        if "laboratory" in str(each.get("category"))
    ]
    days = {each["id"]: each["effectiveDateTime"][:10] for each in found}
    return dict(sorted(days.items(), key=lambda item: item[1], reverse=True))


async def cited(works, row, kind):
    """Return the ids of a kind that a brief was made from."""
    database = works.ground.service.database
    async with database.reading() as connection:
        sealed = await briefs.sources(connection, row.id)
    packed = await database.open(sealed, place=f"brief|sources|{row.id}|{row.site}")
    refs = [each.partition("/") for each in unpack(packed).evidence]
    return {identity for name, _, identity in refs if name == kind}


@pytest.mark.parametrize("where", [0.0, 0.1, 0.5, 0.99])
async def test_the_rest_of_a_search_is_read_whichever_result_cannot_be_sent(works, where):
    days = results(works)
    broken = list(days)[int(where * len(days))]
    breaks(works, "stored", "laboratory", code="required", value=broken)
    row = await works.prepared()
    assert row.state == "ready"
    missing = days.keys() - await cited(works, row, "Observation")
    assert broken in missing
    assert {days[each] for each in missing} == {days[broken]}, "of that day alone"
    assert (await gaps(works, row))["results"] == "partial", "and nobody takes it for the whole"
    assert await works.rows("requested") == [], "nor is it asked for again"


async def test_a_search_without_a_date_is_read_up_to_that_record(works):
    wanted = [each["id"] for each in store(works).all("Condition", patient=CHART)]
    breaks(works, "stored", "Condition", code="required", value=wanted[-1])
    row = await works.prepared()
    assert await cited(works, row, "Condition") == set(wanted[:-1])
    assert (await gaps(works, row))["problems"] == "partial"


async def test_a_record_that_was_mended_meanwhile_leaves_no_gap(works):
    breaks(works, "stored", "Condition", code="required", value=_first(works), times=1)
    row = await works.prepared()
    assert "problems" not in await gaps(works, row)


async def test_a_chart_of_which_nothing_can_be_sent_is_given_up_after_so_many_reads(works):
    works.ground.simulator.faults.add(
        Fault("fhir", "status", "Observation?patient=", code="required", status=500)
    )
    row = await works.prepared()
    assert row.state == "ready"
    assert (await gaps(works, row))["results"] == "failed"
    asked = [e for e in works.ground.simulator.faults.seen if "category=laboratory" in e.path]
    assert len(asked) <= 2 + MOST_PERIODS < MOST_PAGES


def _first(works):
    return store(works).all("Condition", patient=CHART)[0]["id"]


async def test_a_daily_limit_among_the_reads_around_it_is_no_end_of_the_search(tmp_path):
    sites = {name: text + CODES + DAILY for name, text in SITES.items()}
    async with working(tmp_path, sites=sites) as works:
        works.ground.clock.move(hours=14, minutes=45)
        await works.ground.service.backend.token(works.site())
        breaks(works, "status", "Immunization", status=503)
        breaks(works, "status", "Condition", status=500, code="required", times=1)
        breaks(works, "status", "Condition", status=400, code="4135")
        row = await works.prepared()
        assert row.reason == "daily_limit"
        works.ground.simulator.faults.clear()
        works.ground.clock.moment = row.due
        row = await works.run(row.id)
        assert row.state == "ready"
        assert "problems" not in await gaps(works, row)
