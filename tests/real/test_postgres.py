"""The same storage on PostgreSQL: tables, transactions, and several processes on one database."""

import asyncio

import psycopg
import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from cds_service.domain.errors import Misconfigured
from cds_service.storage import Writer, open_database, start
from cds_service.storage.replay import UsedTokens, token_key
from cds_service.storage.schema import check_schema, newest, revision, upgrade
from cds_service.storage.tables import METADATA
from tests.storage.chain_cases import ChainCases, filled, judged
from tests.storage.databases import NOW, RING, opened, run
from tests.storage.history_cases import HistoryCases
from tests.storage.key_cases import KeyCases, reopening
from tests.storage.rotation_cases import RotationCases

pytestmark = pytest.mark.anyio


@pytest.fixture
async def empty(postgres_url, tmp_path):
    database = open_database(postgres_url, data_dir=tmp_path, ring=RING)
    yield database
    await database.close()


@pytest.fixture
async def database(postgres_url, tmp_path):
    database = await opened(postgres_url, tmp_path)
    yield database
    await database.close()


@pytest.fixture
async def again(postgres_url, tmp_path):
    async with reopening(postgres_url, tmp_path) as open_again:
        yield open_again


class TestChainOnPostgres(ChainCases):
    async def test_the_table_cannot_be_emptied(self, seven):
        with pytest.raises(DBAPIError, match="audit entries are only added"):
            await run(seven, "TRUNCATE audit")
        assert (await judged(seven)).entries == 7

    async def test_an_entry_cannot_be_replaced_by_a_conflict(self, seven):
        replace = """INSERT INTO audit SELECT * FROM audit WHERE site = 'general' AND seq = 1
          ON CONFLICT (site, seq) DO UPDATE SET outcome = 'other'"""
        with pytest.raises(DBAPIError, match="audit entries are only added"):
            await run(seven, replace)
        assert (await judged(seven)).entries == 7

    async def test_two_processes_append_to_one_chain(self, seven, again):
        other = again()
        await start(other, now=NOW)
        both = (seven, other)
        await asyncio.gather(*(filled(both[n % 2], f"w{n}", f"v{n}") for n in range(40)))
        assert (await judged(seven)).entries == 87


class TestDataKeysOnPostgres(KeyCases):
    async def test_two_processes_that_start_at_once_make_the_same_keys(self, empty, again):
        await upgrade(empty)
        one, other = again(), again()
        await asyncio.gather(start(one, now=NOW), start(other, now=NOW))
        assert one.blind("Patient/p1", site="x") == other.blind("Patient/p1", site="x")
        assert one.seals.chain(b"x") == other.seals.chain(b"x")


class TestRotationOnPostgres(RotationCases):
    pass


@pytest.fixture
def visited(database, postgres_url):
    """Count the rows and the entries of indexes that PostgreSQL reads for many looks, as its statistics tell."""

    async def counted(look):
        await run(database, "ANALYZE")
        await look()  # once before: what a first connection does is not the look-up's
        before = await read_so_far()
        for _ in range(_LOOKS):
            await look()
        return await read_so_far() - before

    async def read_so_far():
        await database.close()  # a connection tells what it read at its end at the latest
        async with await psycopg.AsyncConnection.connect(postgres_url, autocommit=True) as own:
            while await value(own, _OTHERS):  # noqa: ASYNC110  # nothing tells when they are gone
                await asyncio.sleep(0.01)
            return await value(own, _READ)

    async def value(own, query):
        (found,) = await (await own.execute(query)).fetchone()
        return found

    return counted


_LOOKS = 20
"""After some, psycopg prepares a statement, and PostgreSQL may plan it for whatever values."""
_OTHERS = """SELECT count(*) FROM pg_stat_activity
  WHERE datname = current_database() AND pid <> pg_backend_pid()"""
_READ = """SELECT (SELECT sum(seq_tup_read) FROM pg_stat_user_tables)
  + (SELECT sum(idx_tup_read) FROM pg_stat_user_indexes)"""


class TestHistoryOnPostgres(HistoryCases):
    many = 3000


async def test_a_token_is_good_in_one_process_only(database, again):
    other = again()
    await start(other, now=NOW)
    here, there = UsedTokens(Writer(database)), UsedTokens(Writer(other))
    key = token_key("https://ehr.example.org", "t1")
    assert await here.claim(key, first=100.0, expires=400.0) is None
    assert await there.claim(key, first=101.0, expires=400.0) == 100.0
    assert await there.claim(token_key("other", "t1"), first=101.0, expires=400.0) is None
    assert await there.claim(key, first=401.0, expires=700.0) is None, "it had expired"


async def test_of_many_claims_at_once_one_is_the_first(database, again):
    other = again()
    await start(other, now=NOW)
    both = (UsedTokens(Writer(database)), UsedTokens(Writer(other)))
    key = token_key("https://ehr.example.org", "t2")
    claims = (both[n % 2].claim(key, first=100.0 + n, expires=400.0) for n in range(20))
    assert sorted(each is None for each in await asyncio.gather(*claims)).count(True) == 1


async def test_a_new_database_gets_exactly_the_tables_that_the_code_knows(empty):
    with pytest.raises(Misconfigured, match="cds-service db upgrade"):
        await check_schema(empty, by_itself=False)
    await upgrade(empty)
    await check_schema(empty, by_itself=False)
    async with empty.reading() as connection:
        differences = await connection.run_sync(
            lambda sync: compare_metadata(MigrationContext.configure(sync), METADATA)
        )
    assert differences == []


async def test_two_upgrades_at_once_are_one(empty):
    await asyncio.gather(upgrade(empty), upgrade(empty))
    assert await revision(empty) == newest()


async def test_a_row_that_is_there_already_stays_as_it_is(empty):
    await upgrade(empty)
    row = {"uuid": "1", "site": "general", "service": "s", "topic": "", "brief": "b"}
    async with empty.transaction() as connection:
        for topic in ("first", "second"):
            card = METADATA.tables["card"]
            made = text("now()")
            insert = empty.insert_new(card).values(row | {"topic": topic, "created": made})
            await connection.execute(insert)
    async with empty.reading() as connection:
        topics = await connection.execute(text("SELECT topic FROM card"))
        assert [topic for (topic,) in topics] == ["first"]
