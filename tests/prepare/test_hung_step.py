"""Briefs whose step never returns give their site's places back, wait with their reason, and hold up no other."""

import asyncio

import pytest

from cds_service.flow.queue import Queue
from tests.prepare.conftest import until

pytestmark = [pytest.mark.anyio, pytest.mark.slow]
HANGS, OTHER = "beatrice-okonkwo", "harold-lindqvist"


@pytest.fixture
async def hung(works):
    """As many briefs as the site may have under way, none of whose writing ever returns."""
    asks, engine = works.prepare.write_brief, works.background.work.engine
    writes, over = asks.write_brief, asyncio.Event()

    async def hangs(context, site):
        if HANGS in context.patient:
            await over.wait()
        return await writes(context, site)

    object.__setattr__(asks, "write_brief", hangs)
    engine.longest_s = 3.0
    await engine.launch()
    briefs = set()
    for _ in range(works.site().file.prepare.concurrency):
        works.ground.clock.move(seconds=1)
        briefs.add(await works.ask(HANGS))
    yield briefs
    over.set()
    await engine.drain(5)


async def are(works, state, ids):
    async def there():
        return {row.id for row in await works.rows(state)} >= ids

    await until(there)


async def test_as_many_hung_briefs_as_a_site_may_have_under_way_do_not_stop_it(works, hung):
    work = works.background.work
    await work.sweep()
    await are(works, "preparing", hung)
    other = await works.ask(OTHER)
    await work.sweep()
    assert (await works.row(other)).state == "requested", "no place is left"
    await are(works, "requested", hung)
    await work.sweep()
    await are(works, "ready", {other})
    queue = Queue(database=work.database, change=work.change, now=works.ground.clock)
    told = {(each.brief, each.reason) for each in await queue.stuck()}
    assert told == {(each, "step_hung") for each in hung}
    assert set(await queue.retry(list(hung))) == hung
