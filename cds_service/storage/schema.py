"""The schema's revision: embedded SQLite is brought up to date at the start, PostgreSQL by `cds-service db upgrade`."""

from pathlib import Path

from sqlalchemy import Connection, inspect, text
from sqlalchemy.exc import OperationalError

from cds_service.domain.errors import Misconfigured
from cds_service.storage.database import Database

MIGRATIONS = Path(__file__).parent / "migrations"
_FIRST = "0001"
_UPGRADE_LOCK = 4_217_052_906
"""Of PostgreSQL: two upgrades at once wait for each other."""


def newest() -> str:
    """Return the revision that this program needs, from the names of the migrations."""
    return max(file.stem[1:5] for file in (MIGRATIONS / "versions").glob("v*.py"))


async def revision(database: Database) -> str | None:
    """Return the revision that the database is at, or None when it has no tables of ours.

    Raises `Misconfigured` when it cannot be reached: it is the first thing that is asked of it.
    """
    try:
        async with database.reading() as connection:
            return await connection.run_sync(_revision)
    except OperationalError as problem:
        kind = type(problem.orig).__name__
        raise Misconfigured(
            f"The database of CDS_DATABASE_URL cannot be opened ({kind}): is it running, and is the address right?"
        ) from None


def _revision(connection: Connection) -> str | None:
    tables = inspect(connection).get_table_names()
    if "alembic_version" not in tables:
        return _FIRST if "brief" in tables else None  # 0.1.0 kept no revision
    return connection.execute(text("SELECT version_num FROM alembic_version")).scalar()


async def upgrade(database: Database) -> None:
    """Bring the database to the newest revision, in one transaction: all of it, or nothing.

    Raises `Misconfigured` when it is newer than this program.
    """
    async with database.transaction() as connection:
        if not database.is_embedded:
            await connection.execute(text(f"SELECT pg_advisory_xact_lock({_UPGRADE_LOCK})"))
        await connection.run_sync(_upgrade)


def _upgrade(connection: Connection) -> None:
    from alembic import command  # late: a database that is up to date needs none of it
    from alembic.config import Config

    at = _revision(connection)
    if at == newest():
        return
    _check_known(at)
    config = Config(attributes={"connection": connection})
    config.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
    if at == _FIRST:
        command.stamp(config, _FIRST)
    command.upgrade(config, "head")


async def check_schema(database: Database, *, by_itself: bool) -> None:
    """Check that this program and the database agree, and upgrade it where that is done `by_itself`.

    Raises `Misconfigured` with what to do.
    """
    at = await revision(database)
    if at == newest():
        return
    _check_known(at)
    if not by_itself:
        was = f"at revision {at}" if at else "empty"
        raise Misconfigured(
            f"The database is {was} and this version needs {newest()}:"
            " stop all processes, make a backup and run `cds-service db upgrade`."
        )
    await upgrade(database)


def _check_known(at: str | None) -> None:
    if at is not None and at > newest():
        raise Misconfigured(
            f"The database is at revision {at}, which this version does not know (it knows {newest()}):"
            " run the newer version, or restore the backup made before its upgrade."
        )
