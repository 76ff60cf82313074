"""A schedule is searched as its vendor lets it: by patient, by place or by person, so many ids in one request."""

from urllib.parse import parse_qs, urlsplit

import pytest

from cds_service.storage import feeds
from tests.ground import EHR, GENERAL, RIVERSIDE
from tests.prepare.conftest import AHEAD, working
from tests.prepare.test_booked_again import VISIT, appointment, poll_with
from tests.prepare.test_schedule import booked, poll, store

pytestmark = pytest.mark.anyio
POLL = AHEAD.replace("[prepare]", "[prepare]\npoll = true")
CHART, OTHER = "beatrice-okonkwo", "harold-lindqvist"
HERE, WHO = "specialty-clinic", "brandt"
DAYS = ["ge2026-11-23T06:00:00Z", "lt2026-11-27T06:00:00Z"]
"""Four whole days of the site: its midnight is six hours behind UTC."""


def polling(vendor, where="", base="/r4", extra=""):
    """Return a site file of a vendor whose schedule is polled."""
    text = (RIVERSIDE if vendor == "epic" else GENERAL).replace("generic-r4", vendor)
    text = text.replace(f'base_url = "{EHR}/r4"', f'base_url = "{EHR}{base}"')
    return text + POLL.replace("poll = true", f"poll = true\n{where}") + extra


def ids(name, *real, count=1):
    """Return a line of the site file: made-up ids, and the real ones last."""
    told = [f"nowhere-{number}" for number in range(count - len(real))] + list(real)
    return f"{name} = {told}".replace("'", '"')


@pytest.fixture
async def at(tmp_path):
    """Let one site run, of the vendor whose site file it is."""
    opened = []

    async def run(text):
        opened.append(working(tmp_path, sites={"general": text}))
        return await opened[0].__aenter__()

    yield run
    for each in opened:
        await each.__aexit__(None, None, None)


async def asked(works):
    """Poll, and return the parameters of each search for visits, in order."""
    seen = works.ground.simulator.faults.seen
    seen.clear()
    await poll(works)
    searches = [urlsplit(each.path) for each in seen if "/Appointment?" in each.path]
    return [parse_qs(each.query) for each in searches]


async def patients(works):
    rows = await works.rows("requested")
    return {row.patient for row in rows if row.visit is not None}


def blind(works, *names):
    database = works.ground.service.database
    return {database.blind(f"Patient/{name}", site="general") for name in names}


async def reason(works):
    async with works.ground.service.database.reading() as connection:
        return (await feeds.feeds(connection))["general"].reason


async def test_epic_is_asked_for_the_visits_of_each_patient_who_was_met(at):
    works = await at(polling("epic"))
    assert await asked(works) == [], "nobody was met yet"
    for name in (CHART, OTHER):
        await works.ask(name, encounter=f"{name}-now")
    searches = await asked(works)
    assert sorted(search["patient"] for search in searches) == [[CHART], [OTHER]]
    for search in searches:
        assert search["service-category"] == ["appointment"], "it refuses a search without"
        assert search["date"] == DAYS
        assert search.keys().isdisjoint({"location", "practitioner"})
    assert len({row.visit for row in await works.rows("requested")}) == 4, "two met, two found"


async def test_epic_is_asked_for_who_had_a_visit_that_was_called_off_until_its_day_is_over(at):
    works = await at(polling("epic"))
    for each in list(store(works).all("Appointment")):
        store(works).remove("Appointment", each["id"])
    await works.background.ask.for_booked(VISIT, works.site())
    assert len(await works.rows("requested")) == 3
    await poll_with(works, appointment("a", status="cancelled"))
    assert await works.rows("requested") == []
    await poll_with(works, appointment("b"))
    assert len(await works.rows("requested")) == 3, "booked anew, for the same time"
    await poll_with(works, appointment("b", status="cancelled"))
    works.ground.clock.move(days=4)
    assert await asked(works) == []


async def test_oracle_is_asked_by_location_and_date_and_by_nothing_else(at):
    site = polling("oracle-millennium", ids("locations", HERE), "/millennium/r4")
    works = await at(site)
    [search] = await asked(works)
    assert (search["location"], search["date"]) == ([HERE], DAYS)
    assert search.keys().isdisjoint({"patient", "practitioner"}), "exactly one of them"
    assert await patients(works) == blind(works, CHART, OTHER)


async def test_oracle_is_asked_by_practitioner_where_the_site_names_those(at):
    site = polling("oracle-millennium", ids("practitioners", WHO), "/millennium/r4")
    works = await at(site)
    [search] = await asked(works)
    assert (search["practitioner"], search["date"]) == ([WHO], DAYS)
    assert search.keys().isdisjoint({"patient", "location"})
    assert await patients(works) == blind(works, CHART), "the other sees another doctor"


async def test_a_location_is_searched_by_where_a_site_names_both(at):
    both = f"{ids('locations', HERE)}\n{ids('practitioners', WHO)}"
    works = await at(polling("oracle-millennium", both, "/millennium/r4"))
    [search] = await asked(works)
    assert ("location" in search, "practitioner" in search) == (True, False)


async def test_meditech_is_never_asked_by_date_alone(at):
    works = await at(polling("meditech"))
    await works.ask(CHART, encounter="now")
    assert [search["patient"] for search in await asked(works)] == [[CHART]]


async def test_meditech_is_asked_by_practitioner(at):
    works = await at(polling("meditech", ids("practitioners", WHO)))
    [search] = await asked(works)
    assert (search["practitioner"], search["date"]) == ([WHO], DAYS)
    assert await patients(works) == blind(works, CHART)


async def test_more_than_twenty_ids_are_several_searches_and_a_visit_of_the_last_is_found(at):
    works = await at(
        polling("oracle-millennium", ids("locations", HERE, count=45), "/millennium/r4")
    )
    searches = await asked(works)
    sent = [search["location"][0].split(",") for search in searches]
    assert sorted(map(len, sent)) == [5, 20, 20]
    assert len({each for some in sent for each in some}) == 45, "each once"
    assert await patients(works) == blind(works, CHART, OTHER)


async def test_a_visit_that_two_searches_find_is_one(at):
    works = await at(
        polling("meditech", ids("practitioners", *[WHO] * 20, "nobody", "okafor", count=22))
    )
    shared = {"actor": {"reference": "Practitioner/okafor"}, "status": "accepted"}
    visit = booked(works)
    booked(works, participant=[*visit["participant"], shared])
    assert len(await asked(works)) == 2
    assert len({row.visit for row in await works.rows("requested")}) == 2


async def test_what_a_site_sends_with_every_search_is_sent_with_these_too(at):
    extra = '\n[vendor_overrides]\n"search.extra_params" = { "ah-practice" = "Practice-1" }\n'
    works = await at(polling("generic-r4", extra=extra))
    [search] = await asked(works)
    assert search["ah-practice"] == ["Practice-1"]
    assert search["date"] == DAYS
    assert await patients(works) == blind(works, CHART, OTHER)


async def test_an_ehr_that_refuses_a_search_is_told_of_and_stops_nothing_that_waits(at):
    """The simulated EHR refuses what its vendor would: the tests above could not pass by asking anything."""
    text = polling("oracle-millennium", base="/millennium/r4")
    by_date = '\n[vendor_overrides]\n"visits.poll_by" = ["date"]\n'
    works = await at(text + by_date)
    await works.ask(CHART)
    await poll(works)
    assert await reason(works) == "required"
    assert len(await works.rows("requested")) == 1
