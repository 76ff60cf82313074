"""In a process that answers and prepares, calls in flight go first; work ahead goes on all the same."""

import asyncio
import itertools

import pytest

from cds_service.http.places import PATIENCE_S

pytestmark = [pytest.mark.anyio, pytest.mark.slow]


def reads(works):
    return sum("/r4/" in each.path for each in works.ground.simulator.faults.seen)


async def test_no_record_is_read_ahead_while_a_call_is_in_flight(works):
    await works.ground.service.backend.token(works.site())
    before = reads(works)
    with works.ground.service.places.hold("general"):
        preparing = asyncio.create_task(works.prepared())
        await asyncio.sleep(PATIENCE_S / 2)
        assert reads(works) == before
    row = await preparing
    assert row.state == "ready"


async def test_a_process_that_is_never_without_a_call_works_ahead_slowly(works):
    await works.ground.service.backend.token(works.site())
    loop = asyncio.get_running_loop()
    with works.ground.service.places.hold("general"):
        began = loop.time()
        row = await works.prepared()
        assert row.state == "ready"
        assert loop.time() - began >= 2 * PATIENCE_S


async def test_however_many_briefs_are_due_one_read_goes_at_a_time_beside_calls(works):
    loop, went = asyncio.get_running_loop(), []
    places = works.ground.service.places

    async def go():
        await places.quiet()
        went.append(loop.time())

    with places.hold("general"):
        await asyncio.gather(*(go() for _ in range(4)))
    gaps = [later - sooner for sooner, later in itertools.pairwise(went)]
    assert min(gaps) >= PATIENCE_S / 2


async def test_however_many_briefs_are_due_they_begin_one_after_the_other_beside_calls(works):
    for number in range(4):
        await works.ask(patient=f"p{number}")
    work, loop = works.background.work, asyncio.get_running_loop()
    await work.engine.launch()
    with works.ground.service.places.hold("general"):
        looked = loop.time()
        await work.sweep()
    assert loop.time() - looked >= 3 * PATIENCE_S
