"""Who has no time to wait for the database does not, also for one that hangs instead of refusing."""

import asyncio
import gc
import time
from datetime import UTC, datetime

import pytest

from cds_service.domain.errors import StorageAway
from cds_service.storage import OUTAGES, Writer, briefs, open_database
from cds_service.storage.in_time import in_time
from cds_service.storage.ready import ReadyBriefs
from cds_service.storage.replay import UsedTokens
from cds_service.storage.switches import switched_off
from tests.storage.databases import RING

pytestmark = pytest.mark.anyio
SOON_S = 0.05
MOST_TURNS = 20
MOST_S = 4.0
"""Less than any wait of the driver's own."""


@pytest.fixture
async def silent(tmp_path):
    """A PostgreSQL whose server takes connections and says nothing."""
    held = []
    server = await asyncio.start_server(lambda *streams: held.append(streams), "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    database = open_database(
        f"postgresql://cds@127.0.0.1:{port}/cds", data_dir=tmp_path, ring=RING
    )
    yield database
    for _, writer in held:
        writer.close()
    server.close()
    await database.close()


class Stubborn:
    """Work that takes its time to end, as a query does whose server hangs."""

    def __init__(self):
        self.was_told, self.goes_on, self.ended = False, asyncio.Event(), asyncio.Event()

    async def __call__(self):
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            self.was_told = True
            await self.goes_on.wait()
            self.ended.set()
            raise OSError from None


async def test_a_call_gives_up_on_a_claim_and_its_token_is_not_taken(silent):
    began = time.monotonic()
    with pytest.raises(StorageAway):
        await UsedTokens(Writer(silent)).claim(b"k" * 32, first=1.0, expires=2.0)
    assert time.monotonic() - began < MOST_S


async def test_a_call_gives_up_on_the_brief_that_may_be_ready(silent):
    ready = ReadyBriefs(database=silent, clock=time.monotonic, now=lambda: datetime.now(UTC))
    began = time.monotonic()
    assert await ready.find("general", "blind") == briefs.OfPatient()
    assert (time.monotonic() - began < MOST_S, ready.missed) == (True, 1)


async def test_switches_that_cannot_be_read_in_time_are_not_known(silent):
    began = time.monotonic()
    assert await switched_off(silent) is None
    assert time.monotonic() - began < MOST_S


async def test_work_that_does_not_end_when_it_is_told_to_holds_nobody():
    work = Stubborn()
    with pytest.raises(OUTAGES):
        await in_time(work(), SOON_S)
    await asyncio.sleep(0)
    assert (work.was_told, work.ended.is_set()) == (True, False)
    work.goes_on.set()
    await work.ended.wait()


async def test_what_became_of_work_that_nobody_waits_for_is_not_logged(caplog):
    work = Stubborn()
    work.goes_on.set()
    with pytest.raises(TimeoutError):
        await in_time(work(), SOON_S)
    await work.ended.wait()
    await asyncio.sleep(0)
    gc.collect()
    assert caplog.text == ""


async def test_what_comes_in_time_comes_and_what_breaks_is_told():
    async def brings():
        return 1

    async def breaks():
        raise KeyError

    assert await in_time(brings(), 5.0) == 1
    with pytest.raises(KeyError):
        await in_time(breaks(), 5.0)


@pytest.fixture
async def turns():
    """A loop of which each turn takes longer than the work may; it counts them."""
    loop, taken = asyncio.get_running_loop(), []

    def busy():
        time.sleep(2 * SOON_S)
        taken.append(1)
        nonlocal handle
        handle = loop.call_soon(busy)

    handle = loop.call_soon(busy)
    yield taken
    handle.cancel()


async def test_a_process_that_is_behind_does_not_take_its_own_slowness_for_an_outage(turns):
    """Else calls would fall to the rules, which cost more, and it would be behind the more."""

    async def comes_in_a_few_turns():
        for _ in range(4):
            await asyncio.get_running_loop().run_in_executor(None, bool)
        return 1

    assert await in_time(comes_in_a_few_turns(), SOON_S) == 1
    assert turns


async def test_a_process_that_is_behind_gives_up_on_what_does_not_answer(turns):
    with pytest.raises(TimeoutError):
        await in_time(asyncio.Event().wait(), SOON_S)
    assert len(turns) < MOST_TURNS


async def test_who_is_cancelled_while_waiting_leaves_no_work_behind():
    work = Stubborn()
    work.goes_on.set()
    waiting = asyncio.create_task(in_time(work(), 60.0))
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    await work.ended.wait()
