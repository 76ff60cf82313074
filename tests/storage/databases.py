"""What the tests of both databases share: they are the same tests, on SQLite and on PostgreSQL (`tests/real`)."""

from contextlib import asynccontextmanager
from datetime import UTC, datetime

from sqlalchemy import event, text

from cds_service.storage import KeyRing, open_database, start
from tests.tables import lay_tables

RING = KeyRing({"k0000001": b"1" * 32}, "k0000001")
NOW = datetime(2026, 11, 23, 15, 0, tzinfo=UTC)
AS_OWNER = {
    "sqlite": (
        "DROP TRIGGER audit_keeps_update",
        "DROP TRIGGER audit_keeps_delete",
        "DROP TRIGGER audit_keeps_replace",
    ),
    "postgresql": ("ALTER TABLE audit DISABLE TRIGGER USER",),
}
"""What an attacker does first who owns the database; only the chain is left."""


async def opened(url, folder, ring=RING):
    """Open and start a database."""
    if not url:
        await lay_tables(folder)
    database = open_database(url, data_dir=folder, ring=ring)
    await start(database, now=NOW)
    return database


async def run(database, *statements):
    """Run SQL as whoever can write to the database."""
    async with database.engine.begin() as connection:
        for statement in statements:
            await connection.execute(text(statement))


async def tamper(database, *statements):
    """Run SQL as whoever owns the database: nothing stops it."""
    await run(database, *AS_OWNER[database.engine.dialect.name], *statements)


@asynccontextmanager
async def unaudited(database):
    """Let no entry of the audit be written for a while: its table is not where it was."""
    await run(database, "ALTER TABLE audit RENAME TO audit_away")
    try:
        yield
    finally:
        await run(database, "ALTER TABLE audit_away RENAME TO audit")


def count_statements(database):
    """Return a list that grows with every statement sent, whichever way it is sent."""
    sent = []

    def note(_connection, _cursor, statement, *_):
        sent.append(statement)

    for engine in filter(None, (database.engine.sync_engine, database._glance._embedded)):
        event.listen(engine, "before_cursor_execute", note)
    return sent
