"""The database and the program agree on the tables, or the start says what to do."""

import sqlite3
from contextlib import closing

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import text
from sqlalchemy.schema import CreateIndex

from cds_service.domain.errors import Misconfigured
from cds_service.storage import KeyRing, open_database, start
from cds_service.storage.schema import MIGRATIONS, check_schema, newest, revision, upgrade
from cds_service.storage.tables import BRIEF, DATA_KEY, METADATA
from tests.storage.test_seal import FIRST_RELEASE, NOW

pytestmark = pytest.mark.anyio

RING = KeyRing({"k0000001": b"1" * 32}, "k0000001")
FIRST_TABLES = """
CREATE TABLE brief (id VARCHAR(36) NOT NULL, site VARCHAR(63) NOT NULL, created DATETIME NOT NULL,
  rules_version VARCHAR(32) NOT NULL, body BLOB NOT NULL, PRIMARY KEY (id));
CREATE TABLE card (uuid VARCHAR(36) NOT NULL, site VARCHAR(63) NOT NULL, service VARCHAR(63) NOT NULL,
  topic VARCHAR(100) NOT NULL, brief VARCHAR(36) NOT NULL, created DATETIME NOT NULL, PRIMARY KEY (uuid));
CREATE TABLE feedback (key VARCHAR(64) NOT NULL, site VARCHAR(63) NOT NULL, issuer VARCHAR(512) NOT NULL,
  service VARCHAR(63) NOT NULL, card VARCHAR(128) NOT NULL, known_card INTEGER NOT NULL,
  outcome VARCHAR(16) NOT NULL, at DATETIME NOT NULL, received DATETIME NOT NULL,
  reason VARCHAR(512) NOT NULL, accepted JSON NOT NULL, comment BLOB NOT NULL, PRIMARY KEY (key));
CREATE INDEX feedback_by_card ON feedback (card);
CREATE TABLE audit (seq INTEGER NOT NULL, site VARCHAR(63) NOT NULL, at DATETIME NOT NULL,
  action VARCHAR(32) NOT NULL, outcome VARCHAR(32) NOT NULL, facts JSON NOT NULL, PRIMARY KEY (seq));
CREATE INDEX audit_by_site ON audit (site, at);
"""
"""What 0.1.0 made, and kept no revision of."""


@pytest.fixture
async def database(tmp_path):
    opened = open_database("", data_dir=tmp_path, ring=RING)
    yield opened
    await opened.close()


async def test_a_new_database_gets_exactly_the_tables_that_the_code_knows(database):
    await check_schema(database, by_itself=True)
    assert await revision(database) == newest()
    async with database.reading() as connection:
        differences = await connection.run_sync(
            lambda sync: compare_metadata(MigrationContext.configure(sync), METADATA)
        )
    assert differences == []


async def test_its_indexes_are_of_exactly_the_rows_that_the_code_looks_for(database):
    """A comparison of tables does not look at which rows an index has; without the same, no query uses it."""
    await upgrade(database)
    query = "SELECT sql FROM sqlite_master WHERE type = 'index' AND sql IS NOT NULL"
    async with database.reading() as connection:
        made = set((await connection.execute(text(query))).scalars())
    known = {index for table in METADATA.sorted_tables for index in table.indexes}
    assert made == {str(CreateIndex(index).compile(database.engine)) for index in known}


def test_the_revisions_stand_in_one_line_and_the_last_one_is_the_newest():
    scripts = ScriptDirectory(MIGRATIONS)
    assert scripts.get_heads() == [newest()]
    known = [script.revision for script in scripts.walk_revisions()]
    assert known == sorted(known, reverse=True)


def first_release(folder):
    """Leave what 0.1.0 leaves."""
    at = "2026-11-23 15:00:00.000000"
    with closing(sqlite3.connect(folder / "app.db")) as old, old:
        old.executescript(FIRST_TABLES)
        row = ("1", "general", at, "3", FIRST_RELEASE)
        old.execute("INSERT INTO brief VALUES (?, ?, ?, ?, ?)", row)
        old.execute("INSERT INTO audit VALUES (1, 'general', ?, 'answer', 'ok', '{}')", [at])


async def test_what_the_first_version_stored_is_there_after_the_upgrade(tmp_path, database):
    first_release(tmp_path)
    await start(database, now=NOW)
    assert await database.brief("general", "1") == b"Penicillin"
    async with database.reading() as connection:
        (kept,) = (await connection.execute(BRIEF.select())).mappings()
    assert (kept["state"], kept["source"], kept["revision"]) == ("ready", "hook", 1)
    assert kept["changed"] == kept["created"]
    assert kept["created"].isoformat() == "2026-11-23T15:00:00+00:00"
    with closing(sqlite3.connect(tmp_path / "app.db")) as file:
        assert file.execute("SELECT action FROM audit_before_0003").fetchall() == [("answer",)]


async def test_another_ring_than_the_first_release_had_is_refused_before_anything_is_made(
    tmp_path, database
):
    first_release(tmp_path)
    database.seals.ring = KeyRing({"k0000001": b"9" * 32}, "k0000001")
    with pytest.raises(Misconfigured, match="Sealed data was changed"):
        await start(database, now=NOW)
    async with database.reading() as connection:
        assert (await connection.execute(DATA_KEY.select())).first() is None


async def test_where_an_operator_upgrades_the_start_says_so_and_changes_nothing(database):
    with pytest.raises(Misconfigured, match="cds-service db upgrade"):
        await check_schema(database, by_itself=False)
    assert await revision(database) is None
    await upgrade(database)
    await check_schema(database, by_itself=False)


@pytest.mark.parametrize("step", ["check", "upgrade"])
async def test_a_database_of_a_newer_version_is_left_alone(database, step):
    await upgrade(database)
    async with database.transaction() as connection:
        await connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    with pytest.raises(Misconfigured, match="9999"):
        await (check_schema(database, by_itself=True) if step == "check" else upgrade(database))


@pytest.mark.parametrize("url", ["mysql://x/y", "sqlite", "postgresql+asyncpg://x/y", "x" * 50])
def test_another_database_is_refused_by_name_of_the_setting(tmp_path, url):
    with pytest.raises(Misconfigured, match="CDS_DATABASE_URL"):
        open_database(url, data_dir=tmp_path, ring=RING)
