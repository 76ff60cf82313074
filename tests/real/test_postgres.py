"""The same storage on PostgreSQL: tables, transactions, and several processes on one database."""

import asyncio

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import text

from cds_service.domain.errors import Misconfigured
from cds_service.storage import KeyRing, open_database
from cds_service.storage.schema import check_schema, newest, revision, upgrade
from cds_service.storage.tables import METADATA

pytestmark = pytest.mark.anyio

RING = KeyRing({"k0000001": b"1" * 32}, "k0000001")


@pytest.fixture
async def database(postgres_url, tmp_path):
    opened = open_database(postgres_url, data_dir=tmp_path, ring=RING)
    yield opened
    await opened.close()


async def test_a_new_database_gets_exactly_the_tables_that_the_code_knows(database):
    with pytest.raises(Misconfigured, match="cds-service db upgrade"):
        await check_schema(database, by_itself=False)
    await upgrade(database)
    await check_schema(database, by_itself=False)
    async with database.reading() as connection:
        differences = await connection.run_sync(
            lambda sync: compare_metadata(MigrationContext.configure(sync), METADATA)
        )
    assert differences == []


async def test_two_upgrades_at_once_are_one(database):
    await asyncio.gather(upgrade(database), upgrade(database))
    assert await revision(database) == newest()


async def test_a_row_that_is_there_already_stays_as_it_is(database):
    await upgrade(database)
    row = {"uuid": "1", "site": "general", "service": "s", "topic": "", "brief": "b"}
    async with database.transaction() as connection:
        for topic in ("first", "second"):
            card = METADATA.tables["card"]
            made = text("now()")
            insert = database.insert_new(card).values(row | {"topic": topic, "created": made})
            await connection.execute(insert)
    async with database.reading() as connection:
        topics = await connection.execute(text("SELECT topic FROM card"))
        assert [topic for (topic,) in topics] == ["first"]
