"""Brings a database up: its tables, and the data keys that it is sealed with.

A site gets a new sealing key each quarter. It is made a week before it begins, so that every process has
loaded it when the first one seals with it. The keys of blind indexes and of the audit's chains are made once.
"""

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta

from sqlalchemy import inspect, select, text
from sqlalchemy.ext.asyncio import AsyncConnection

from cds_service.domain.errors import Misconfigured
from cds_service.storage.data_keys import load, save, wrapped
from cds_service.storage.database import Database
from cds_service.storage.schema import check_schema
from cds_service.storage.seal import CHAIN, INDEX, SEAL, SHARED, DataKey, new_key, quarter
from cds_service.storage.tables import BRIEF, DATA_KEY

AHEAD = timedelta(days=7)
_FIRST_KEYS = 4_217_052_907
"""PostgreSQL's lock: two processes that start on an empty database make the first keys once."""


async def start(
    database: Database, *, now: datetime, by_itself: bool = True, sites: Iterable[str] = ()
) -> None:
    """Check the tables, or upgrade them where that is done `by_itself`; then load the keys.

    Raises `Misconfigured`, before anything is written, when the tables or the key ring do not fit.
    """
    await check_schema(database, by_itself=by_itself)
    await load_keys(database, now=now, sites=sites)


async def attach(database: Database, *, now: datetime) -> None:
    """Load the keys for a command beside the service, which makes none. Raises `Misconfigured`, as `start` does."""
    await check_schema(database, by_itself=False)
    await _load(database, now)
    if not database.seals.is_loaded:
        raise Misconfigured("This database is empty: start the service on it first.")


async def has_begun(database: Database) -> bool:
    """Return whether a service has started on it once, so that there is an audit."""
    if not database.is_begun:
        return False
    async with database.reading() as connection:
        if not await connection.run_sync(lambda known: inspect(known).has_table(DATA_KEY.name)):
            return False
        return (await connection.execute(select(DATA_KEY.c.kid).limit(1))).first() is not None


async def load_keys(database: Database, *, now: datetime, sites: Iterable[str] = ()) -> None:
    """Load what other processes made, and make what is missing at this moment or soon will be.

    Raises `Misconfigured` when the ring is not the one that wrapped them.
    """
    seals = database.seals
    await _load(database, now)
    if not seals.is_loaded:
        await _make_first(database, now)
        await _load(database, now)
    wanted = [key for site in (SHARED, *sites) for key in _missing(database, site, now)]
    if wanted:
        rows = await wrapped(seals.ring, wanted, now=now)
        async with database.transaction() as connection:
            await save(seals, connection, rows)
        seals.add(wanted, now=now)


async def _load(database: Database, now: datetime) -> None:
    async with database.reading() as connection:
        await load(database.seals, connection, now=now)


def _missing(database: Database, site: str, now: datetime) -> Iterable[DataKey]:
    current = database.seals.current(site)
    if current is None or current.quarter != quarter(now):
        yield new_key(SEAL, site=site, begins=now)
    ahead = now + AHEAD
    if quarter(ahead) != quarter(now) and not _has(database, site, quarter(ahead)):
        begins = datetime(ahead.year, (ahead.month - 1) // 3 * 3 + 1, 1, tzinfo=UTC)
        yield new_key(SEAL, site=site, begins=begins)


def _has(database: Database, site: str, of_quarter: str) -> bool:
    keys = database.seals.keys.values()
    return any((key.site, key.quarter, key.purpose) == (site, of_quarter, SEAL) for key in keys)


async def _make_first(database: Database, now: datetime) -> None:
    keys = [new_key(purpose, site=SHARED, begins=now) for purpose in (CHAIN, INDEX, SEAL)]
    rows = await wrapped(database.seals.ring, keys, now=now)
    async with database.transaction() as connection:
        if not database.is_embedded:
            await connection.execute(text(f"SELECT pg_advisory_xact_lock({_FIRST_KEYS})"))
        if (await connection.execute(select(DATA_KEY.c.kid).limit(1))).first() is not None:
            return
        await _check_first_release(database, connection)
        database.seals.add(keys, now=now)
        await save(database.seals, connection, rows)


async def _check_first_release(database: Database, connection: AsyncConnection) -> None:
    """Check that the ring opens what the first release sealed: it kept no data keys to check with."""
    sealed = select(BRIEF.c.id, BRIEF.c.site, BRIEF.c.body).where(BRIEF.c.body.is_not(None))
    for row in await connection.execute(sealed.limit(1)):
        database.seals.open(row.body, place=f"brief|body|{row.id}|{row.site}")
