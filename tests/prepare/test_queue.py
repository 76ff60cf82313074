"""An operator sees what is stuck at each site, whatever others have, and may bring forward what waits."""

from datetime import timedelta

import pytest

from cds_service.domain.errors import BadCall
from cds_service.domain.visit import Visit
from cds_service.flow import queue as queue_module
from cds_service.flow.queue import Queue
from cds_service.simulator.faults import Fault
from cds_service.storage import briefs

pytestmark = pytest.mark.anyio
MOST = 20


@pytest.fixture
def queue(works, monkeypatch):
    monkeypatch.setattr(queue_module, "_LIMIT", MOST)
    change = works.background.work.change
    return Queue(database=change.database, change=change, now=works.ground.clock)


async def fails(works, site, number):
    """Store so many briefs of a site that failed."""
    ask, now = works.background.ask, works.ground.clock()
    rows = [
        ask._row(Visit(patient=f"p{each}"), works.site(site), f"x{each}", now)
        | {"state": "failed", "reason": "no_such_patient"}
        for each in range(number)
    ]
    async with works.ground.service.database.transaction() as connection:
        await briefs.add(connection, works.ground.service.database, rows)


async def postponed(works):
    """Return a brief that waits for an EHR which is back."""
    await works.ground.service.backend.token(works.site())
    works.ground.simulator.faults.add(Fault("fhir", "drop"))
    row = await works.prepared()
    works.ground.simulator.faults.clear()
    assert row.due > works.ground.clock()
    return row


async def test_the_failures_of_one_site_hide_no_others(works, queue):
    await fails(works, "general", MOST)
    works.ground.clock.move(minutes=1)
    await fails(works, "riverside", 1)
    [mine] = await queue.stuck("riverside")
    assert mine.reason == "no_such_patient"
    assert {each.site for each in await queue.stuck()} == {"general", "riverside"}
    assert await queue.retry([], "riverside") == [mine.brief]


async def test_all_that_failed_at_a_site_is_tried_again_also_what_was_not_listed(works, queue):
    await fails(works, "general", 2 * MOST)
    assert len(await queue.stuck("general")) == MOST
    assert len(await queue.retry([], "general")) == 2 * MOST


@pytest.mark.parametrize("by", ["id", "site"])
async def test_what_waits_for_its_ehr_is_brought_forward(works, queue, by):
    row = await postponed(works)
    [listed] = await queue.stuck()
    assert (listed.brief, listed.due) == (row.id, row.due)
    assert await queue.retry(*(([row.id],) if by == "id" else ([], "general"))) == [row.id]
    assert (await works.row(row.id)).due == works.ground.clock()
    assert (await works.run(row.id)).state == "ready"


async def test_what_waits_for_its_time_is_not(works, queue):
    later = await works.ask(start=works.ground.clock() + timedelta(days=2))
    async with works.ground.service.database.transaction() as connection:
        due = works.ground.clock() + timedelta(days=1)
        await briefs.set_columns(connection, later, due=due)
    with pytest.raises(BadCall, match="waits for its EHR or is late"):
        await queue.retry([later])
    assert await queue.retry([], "general") == []
