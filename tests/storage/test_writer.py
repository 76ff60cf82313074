"""What a call leaves is written behind it: in order, in batches, and nothing is lost while the database is ill."""

import asyncio
from datetime import UTC, datetime

import pytest
from sqlalchemy import text
from sqlalchemy.exc import OperationalError

from cds_service.domain.errors import Overloaded
from cds_service.storage import KeyRing, Writer, open_database, start
from cds_service.storage import writer as writing
from cds_service.storage.chain import entry
from cds_service.storage.tables import AUDIT, BRIEF
from cds_service.storage.writer import MAX_WAITING
from tests.context.stage import LeapingLoop
from tests.tables import lay_tables

pytestmark = pytest.mark.anyio

AT = datetime(2026, 11, 23, 15, 0, tzinfo=UTC)
RING = KeyRing({"k0000001": b"1" * 32}, "k0000001")


@pytest.fixture
def anyio_backend():
    return ("asyncio", {"loop_factory": LeapingLoop})


@pytest.fixture
async def database(tmp_path):
    await lay_tables(tmp_path)
    opened = open_database("", data_dir=tmp_path, ring=RING)
    await start(opened, now=AT)
    yield opened
    await opened.close()


@pytest.fixture
def writer(database):
    return Writer(database)


def tell(writer, *names):
    for name in names:
        writer.audit(entry(site="general", action=str(name), outcome="ok", at=AT, facts={}))


def keep(writer, body):
    writer.brief(
        site="general",
        brief_id="1",
        patient="Patient/p1",
        created=AT,
        versions={"rules": "1"},
        body=body,
    )


async def told(database):
    async with database.engine.connect() as connection:
        rows = await connection.execute(
            AUDIT.select().where(AUDIT.c.site == "general").order_by(AUDIT.c.seq)
        )
        return [row.action for row in rows]


async def break_down(database):
    async with database.engine.begin() as connection:
        await connection.execute(text("ALTER TABLE audit RENAME TO away"))


async def heal(database):
    async with database.engine.begin() as connection:
        await connection.execute(text("ALTER TABLE away RENAME TO audit"))


async def until(database, condition):
    """Wait for something; each look lets the database's own thread do some work."""
    for _ in range(500):
        if condition():
            return
        async with database.engine.connect() as connection:
            await connection.execute(text("SELECT 1"))
    pytest.fail("it never came true")


async def test_entries_are_written_in_the_order_in_which_they_came(writer, database):
    names = [str(number) for number in range(500)]
    tell(writer, *names[:300])
    await writer.flush()
    tell(writer, *names[300:])
    await writer.flush()
    assert await told(database) == names


async def test_two_flushes_at_once_write_nothing_twice_and_nothing_out_of_order(writer, database):
    names = [str(number) for number in range(50)]
    flushes = []
    for name in names:
        tell(writer, name)
        flushes.append(asyncio.ensure_future(writer.flush()))
        await asyncio.sleep(0)
    await asyncio.gather(*flushes)
    assert await told(database) == names


async def test_it_writes_by_itself_a_moment_later(writer, database):
    running = asyncio.ensure_future(writer.run())
    tell(writer, "a", "b")
    await until(database, lambda: not writer._waiting)
    assert await told(database) == ["a", "b"]
    writer.stop()
    await running


async def test_an_orderly_stop_loses_nothing(writer, database):
    running = asyncio.ensure_future(writer.run())
    await asyncio.sleep(0)
    tell(writer, "a", "b", "c")
    writer.stop()
    await running
    assert await told(database) == ["a", "b", "c"]


async def test_a_stop_with_nothing_to_write_ends_at_once(writer):
    running = asyncio.ensure_future(writer.run())
    await asyncio.sleep(0)
    writer.stop()
    await running


async def test_a_database_that_hangs_is_told_like_one_that_refuses(writer, database, monkeypatch):
    monkeypatch.setattr(writing, "HANGS_S", 0.0)
    tell(writer, "a")
    assert not writer.is_behind
    async with database.transaction():  # nobody else writes meanwhile
        flush = asyncio.ensure_future(writer.flush())
        await until(database, lambda: writer.is_behind)
    await flush
    assert not writer.is_behind


async def test_entries_wait_while_the_database_is_ill(writer, database):
    await break_down(database)
    tell(writer, "a", "b")
    for _ in range(3):
        with pytest.raises(OperationalError):
            await writer.flush()
    tell(writer, "c")
    await heal(database)
    await writer.flush()
    assert await told(database) == ["a", "b", "c"]


async def test_it_tries_again_by_itself_and_says_so_meanwhile(writer, database):
    await break_down(database)
    running = asyncio.ensure_future(writer.run())
    tell(writer, "a")
    await until(database, lambda: writer.failures >= 2)
    tell(writer, "b")
    await heal(database)
    await until(database, lambda: not writer._waiting)
    assert writer.failures == 0
    assert await told(database) == ["a", "b"]
    writer.stop()
    await running


async def test_a_stop_that_cannot_write_says_so(writer, database):
    """Losing entries in silence would be worse than an ugly end."""
    await break_down(database)
    running = asyncio.ensure_future(writer.run())
    tell(writer, "a")
    writer.stop()
    with pytest.raises(OperationalError):
        await running


async def test_new_work_is_refused_while_too_much_waits(writer):
    tell(writer, *range(MAX_WAITING - 1))
    writer.check_room()
    tell(writer, "one more")
    with pytest.raises(Overloaded):
        writer.check_room()


async def test_nothing_readable_waits_in_memory_for_the_database(writer):
    keep(writer, b"Penicillin: anaphylaxis")
    ((table, row),) = writer._waiting
    assert table is BRIEF
    assert b"Penicillin" not in row["body"]


async def test_a_row_that_is_there_already_stays_as_it_is(writer, database):
    for body in (b"first", b"second"):
        keep(writer, body)
        await writer.flush()
    assert await database.brief("general", "1") == b"first"


async def test_all_of_a_batch_is_written_or_none_of_it(writer, database):
    """A brief without its audit entry would be an answer that nobody gave."""
    await break_down(database)
    tell(writer, "a")
    keep(writer, b"x")
    with pytest.raises(OperationalError):
        await writer.flush()
    assert await database.brief("general", "1") is None
    await heal(database)
    await writer.flush()
    assert await database.brief("general", "1") == b"x"
