"""A transaction is all or nothing, sees no half of another, and waits for its turn."""

import asyncio
import random

import pytest
from sqlalchemy import text

from cds_service.storage import KeyRing, open_database, start
from tests.storage.test_seal import NOW

pytestmark = pytest.mark.anyio

RING = KeyRing({"k0000001": b"1" * 32}, "k0000001")


@pytest.fixture
async def database(tmp_path):
    opened = open_database("", data_dir=tmp_path, ring=RING)
    async with opened.transaction() as connection:
        await connection.execute(text("CREATE TABLE counter (n INTEGER)"))
        await connection.execute(text("INSERT INTO counter VALUES (0)"))
    yield opened
    await opened.close()


async def count(database):
    async with database.reading() as connection:
        return (await connection.execute(text("SELECT n FROM counter"))).scalar_one()


async def test_an_error_inside_takes_all_of_it_back(database):
    async def broken():
        async with database.transaction() as connection:
            await connection.execute(text("UPDATE counter SET n = 7"))
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await broken()
    assert await count(database) == 0


async def test_many_at_once_lose_no_change(database):
    async def add_one():
        async with database.transaction() as connection:
            seen = (await connection.execute(text("SELECT n FROM counter"))).scalar_one()
            await connection.execute(text("UPDATE counter SET n = :n"), {"n": seen + 1})

    await asyncio.gather(*(add_one() for _ in range(40)))
    assert await count(database) == 40


async def test_a_reader_is_not_stopped_by_a_writer_and_sees_what_was_committed(database):
    async with database.transaction() as connection:
        await connection.execute(text("UPDATE counter SET n = 7"))
        assert await count(database) == 0
    assert await count(database) == 7


async def test_a_reader_sees_one_state_however_long_it_reads(database):
    async with database.reading() as reader:
        first = (await reader.execute(text("SELECT n FROM counter"))).scalar_one()
        async with database.transaction() as connection:
            await connection.execute(text("UPDATE counter SET n = 7"))
        assert (await reader.execute(text("SELECT n FROM counter"))).scalar_one() == first


async def test_a_blind_index_finds_the_same_and_tells_nothing_else(database):
    await start(database, now=NOW)
    one = database.blind("Patient/p1", site="general")
    assert one == database.blind("Patient/p1", site="general")
    assert one != database.blind("Patient/p1", site="riverside")
    assert one != database.blind("Patient/p2", site="general")
    assert len(one) == 64
    assert "p1" not in one


SLOW = text(
    "WITH RECURSIVE n(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n WHERE x < 3000000)"
    " SELECT count(*) FROM n"
)


@pytest.mark.parametrize("writes", [True, False])
@pytest.mark.parametrize("pauses", [(0.0, 0.0), (0.05, 0.0), (0.0, 0.05)])
async def test_work_that_is_stopped_twice_in_the_middle_ends_and_leaves_nothing_waiting(
    database, writes, pauses
):
    before, threads = asyncio.all_tasks(), []

    async def work():
        async with database.transaction() if writes else database.reading() as connection:
            raw = await connection.get_raw_connection()
            threads.append(raw.driver_connection._thread)
            await connection.execute(SLOW)

    working = asyncio.create_task(work())
    await asyncio.sleep(0.1)
    for pause in pauses:
        working.cancel()
        await asyncio.sleep(pause)
    with pytest.raises(asyncio.CancelledError):
        await working
    left = asyncio.all_tasks() - before
    if left:
        _, waiting = await asyncio.wait(left, timeout=10)
        assert not waiting
    await asyncio.to_thread(threads[0].join, 10)
    assert not threads[0].is_alive()
    assert await count(database) == 0


@pytest.mark.parametrize("seed", range(6))
async def test_one_that_is_cancelled_at_any_moment_leaves_no_lock_behind(database, seed):
    """The exceptions are kept, as a log or a debugger keeps them: what they hold on to stays open."""
    chance, kept, added = random.Random(seed), [], 0

    async def add_one():
        async with database.transaction() as connection:
            seen = (await connection.execute(text("SELECT n FROM counter"))).scalar_one()
            await connection.execute(text("UPDATE counter SET n = :n"), {"n": seen + 1})

    for _ in range(40):
        hit = asyncio.create_task(add_one())
        for _ in range(chance.randrange(12)):
            await asyncio.sleep(0)
        await asyncio.sleep(chance.choice((0, 0.0005, 0.001, 0.002)))
        hit.cancel()
        (ended,) = await asyncio.gather(hit, return_exceptions=True)
        kept.append(ended)
        added += ended is None
        async with asyncio.timeout(3):  # SQLite itself would wait for five seconds
            await add_one()
    assert any(isinstance(each, asyncio.CancelledError) for each in kept)
    assert 40 + added <= await count(database) <= 80
