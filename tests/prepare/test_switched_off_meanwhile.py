"""A stop switch stops what is under way, and what was made before it."""

import asyncio

import pytest

from cds_service.context import whole
from cds_service.domain.steps import Temporary
from cds_service.simulator.faults import Fault
from cds_service.storage.switches import WHOLE_SITE, set_switch
from tests.prepare.conftest import until, working
from tests.prepare.test_schedule import POLL
from tests.prepare.test_site_changed import change_file

pytestmark = pytest.mark.anyio


async def switch(ground, *, on, what=WHOLE_SITE, site="general"):
    """Switch as an operator does, and let the service see it."""
    async with ground.service.database.transaction() as connection:
        named = {"site": site, "what": what, "by": "operator/tester", "at": ground.clock()}
        await set_switch(connection, on=on, **named)
    await ground.service.switches.read()


def asked(works):
    """Return what the EHR was asked since it was looked at last, for a token too."""
    seen = works.ground.simulator.faults.seen
    paths = [each.path for each in seen]
    seen.clear()
    return paths


async def test_a_site_that_is_off_is_asked_for_nothing_of_a_brief_that_is_being_made(works):
    brief = await works.ask()
    assert await works.prepare.begin(brief)
    await switch(works.ground, on=False)
    asked(works)
    row = await works.run(brief)
    assert asked(works) == []
    assert (row.state, row.reason, row.due) == (
        "requested",
        "switched_off",
        works.ground.clock(),
    )
    await switch(works.ground, on=True)
    assert (await works.run(brief)).state == "ready"


async def test_nor_of_one_that_was_about_to_begin(works):
    brief = await works.ask()
    await switch(works.ground, on=False)
    asked(works)
    assert (await works.run(brief)).reason == "switched_off"
    assert asked(works) == []


async def test_a_site_whose_file_says_off_is_asked_for_nothing_either(works):
    brief = await works.ask()
    assert await works.prepare.begin(brief)
    await change_file(works, lambda text: f'mode = "off"\n{text}')
    asked(works)
    assert (await works.run(brief)).reason == "switched_off"
    assert asked(works) == []


async def test_a_chart_that_is_being_read_is_read_no_further(works, monkeypatch):
    monkeypatch.setattr(whole, "SAVE_EVERY_S", 0.05)
    works.ground.simulator.faults.add(Fault("fhir", "slow", "Observation", delay_ms=20_000))
    brief = await works.ask()
    assert await works.prepare.begin(brief)
    gathering = asyncio.create_task(works.prepare.gather(brief))

    async def is_reading():
        return any("Condition" in e.path for e in works.ground.simulator.faults.seen)

    await until(is_reading)
    await switch(works.ground, on=False)
    async with asyncio.timeout(5):
        with pytest.raises(Temporary, match="switched_off"):
            await gathering


async def test_a_record_of_a_site_that_is_off_waits_to_be_written(works):
    brief = await works.ask()
    assert await works.prepare.begin(brief)
    await works.prepare.gather(brief)
    await switch(works.ground, on=False)
    with pytest.raises(Temporary, match="switched_off"):
        await works.prepare.write(brief, False)
    assert (await works.row(brief)).state == "preparing"


async def test_a_schedule_that_is_being_read_is_read_no_further(tmp_path):
    async with working(tmp_path, sites=POLL) as works:
        works.ground.simulator.faults.add(Fault("fhir", "slow", "Appointment", delay_ms=20_000))
        works.ground.clock.move(minutes=16)
        work = works.background.work
        await work._poll()
        await switch(works.ground, on=False)
        await work._poll()
        async with asyncio.timeout(5):
            [ended] = await asyncio.gather(work._polls["general"], return_exceptions=True)
        assert isinstance(ended, asyncio.CancelledError)
        await work._poll()


async def test_a_switch_of_another_site_stops_nothing_here(works):
    await switch(works.ground, on=False, site="riverside")
    assert (await works.prepared()).state == "ready"
