"""The one database of a process: SQLite in the data folder, or PostgreSQL that several processes share."""

import asyncio
import sqlite3
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager, nullcontext, suppress
from dataclasses import dataclass, field
from datetime import datetime
from hashlib import sha256
from pathlib import Path
from typing import Any

import aiosqlite
from sqlalchemy import Connection, Executable, Insert, Row, Table, event, select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError, InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine
from typing_extensions import override

from cds_service.domain.errors import Misconfigured
from cds_service.domain.feedback import Feedback
from cds_service.storage.data_keys import Row as KeyRow
from cds_service.storage.data_keys import load, save, wrapped
from cds_service.storage.glance import Glance
from cds_service.storage.keyring import Wrapping
from cds_service.storage.seal import DataKey, Seals
from cds_service.storage.tables import BRIEF, CARD, FEEDBACK

Rows = Sequence[dict[str, Any]]

OUTAGES = (OSError, InterfaceError, OperationalError, PoolTimeout)
"""What is raised while the database is away, busy or full: it may pass."""

_WRITES = "writes"
"""Execution option of a SQLite connection whose transaction takes the write lock when it begins."""
_PRAGMAS = ("journal_mode=WAL", "synchronous=NORMAL", "busy_timeout=5000")
_SHARED = {
    "connect_timeout": 5,
    "keepalives_idle": 5,
    "keepalives_interval": 2,
    "keepalives_count": 3,
    "tcp_user_timeout": 10_000,
}
"""How soon a PostgreSQL that the network has lost counts as away, of libpq: seconds, the last one milliseconds."""
_DRIVERS = {
    "sqlite": "sqlite+aiosqlite",
    "sqlite+aiosqlite": "sqlite+aiosqlite",
    "postgresql": "postgresql+psycopg",
    "postgresql+psycopg": "postgresql+psycopg",
}


@dataclass(slots=True, kw_only=True)
class Database:
    """Transactions, and the keys that seal what they store."""

    engine: AsyncEngine
    seals: Seals = field(repr=False)
    _write: asyncio.Lock = field(default_factory=asyncio.Lock)
    _glance: Glance = field(init=False)

    def __post_init__(self) -> None:
        """Prepare the way for calls that wait."""
        self._glance = Glance(self.engine)

    @property
    def is_embedded(self) -> bool:
        """Return whether this is SQLite: one process, and its schema is kept up by itself."""
        return self.engine.dialect.name == "sqlite"

    @property
    def is_begun(self) -> bool:
        """Return whether there is anything to read: a SQLite file is made by the first who looks into it."""
        return not self.is_embedded or Path(str(self.engine.url.database)).exists()

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[AsyncConnection]:
        """Give a connection for reading and writing; commit at the end, roll back on any error.

        SQLite's wait for its write lock is unfair: all writers of a process queue on one lock of ours,
        and take SQLite's when they begin, so that none has read what another is about to change.
        """
        ready = await self._wrapped(self.seals.unsaved)
        async with (
            self._write if self.is_embedded else nullcontext(),
            self.engine.connect() as connection,
        ):
            await connection.execution_options(**{_WRITES: True})
            async with connection.begin():
                yield connection
                fresh = await self._save_keys(connection, ready)
            self.seals.saved(fresh)

    async def _save_keys(
        self, connection: AsyncConnection, ready: Mapping[str, KeyRow]
    ) -> Sequence[DataKey]:
        """Store the keys that a site's first content was sealed with, together with that content."""
        fresh = tuple(self.seals.unsaved)
        # One that was made in this very transaction could not be wrapped before it.
        late = await self._wrapped(key for key in fresh if key.kid not in ready)
        if fresh:
            rows = {**ready, **late}
            await save(self.seals, connection, [rows[key.kid] for key in fresh])
        return fresh

    async def _wrapped(self, keys: Iterable[DataKey]) -> Mapping[str, KeyRow]:
        ring = self.seals.ring
        rows = [row for key in keys for row in await wrapped(ring, [key], now=key.begins)]
        return {row["kid"]: row for row in rows}

    @asynccontextmanager
    async def reading(self) -> AsyncIterator[AsyncConnection]:
        """Give a connection for reading; on SQLite all of its reads see one state."""
        async with self.engine.connect() as connection:
            yield connection

    async def glance(self, query: Executable, values: Mapping[str, Any]) -> Row[Any]:
        """Return the one row of a query, in as few steps as there are: a hook call waits for it."""
        return await self._glance(query, values)

    def insert_new(self, table: Table) -> Insert:
        """Return an INSERT that leaves a row which is there already as it is."""
        if self.is_embedded:
            return sqlite.insert(table).on_conflict_do_nothing()
        return postgresql.insert(table).on_conflict_do_nothing()

    def seal(self, plain: bytes, *, place: str) -> bytes:
        """Seal chart content for one place, `table|column|row|site`; waits for nothing."""
        return self.seals.seal(plain, place=place)

    async def open(self, sealed: bytes, *, place: str) -> bytes:
        """Return what was sealed at this place. Raises `Misconfigured`: lost key, changed, moved."""
        await self.have_key(sealed)
        return self.seals.open(sealed, place=place)

    async def have_key(self, sealed: bytes) -> None:
        """Take in the key that this was sealed with: another process may have made it a moment ago."""
        if self.seals.now and not self.seals.knows(sealed):
            async with self.reading() as connection:
                await load(self.seals, connection, now=self.seals.now)

    def blind(self, value: str, *, site: str) -> str:
        """Return the blind index of `Type/id`: equal for the same one of a site, and it tells nothing else."""
        return self.seals.blind(value, site=site)

    async def close(self) -> None:
        """Close all connections."""
        self._glance.close()
        await self.engine.dispose()

    async def insert(self, batches: Sequence[tuple[Table, Rows]]) -> None:
        """Insert rows of several tables in one transaction; a row that is there already stays."""
        async with self.transaction() as connection:
            for table, rows in batches:
                for alike in by_columns(rows):
                    await connection.execute(self.insert_new(table), alike)

    async def known_cards(self, site: str, uuids: Sequence[str]) -> frozenset[str]:
        """Return which of these card uuids this site was given."""
        query = select(CARD.c.uuid).where(CARD.c.site == site, CARD.c.uuid.in_(uuids))
        async with self.reading() as connection:
            return frozenset(row.uuid for row in await connection.execute(query))

    async def add_feedback(
        self,
        items: Sequence[Feedback],
        *,
        site: str,
        issuer: str,
        service: str,
        known: frozenset[str],
        received: datetime,
    ) -> None:
        """Store feedback items; one that was told before stays as it is."""
        rows = []
        for item in items:
            told = "\x1f".join((site, issuer, service, *item.key))
            key = sha256(told.encode()).hexdigest()
            row: dict[str, Any] = {"key": key, "site": site, "issuer": issuer, "service": service}
            row |= {"card": item.card, "known_card": int(item.card in known)}
            row |= {"outcome": item.outcome, "at": item.at, "received": received}
            row |= {"reason": item.reason, "accepted": list(item.accepted)}
            place = f"feedback|comment|{key}|{site}"
            rows.append({**row, "comment": self.seal(item.comment.encode(), place=place)})
        await self.insert([(FEEDBACK, rows)])

    async def brief(self, site: str, brief_id: str) -> bytes | None:
        """Return the unsealed JSON of a stored brief of this site, or None."""
        query = select(BRIEF.c.body).where(BRIEF.c.site == site, BRIEF.c.id == brief_id)
        async with self.reading() as connection:
            body = (await connection.execute(query)).scalar_one_or_none()
        if body is None:
            return None
        return await self.open(body, place=f"brief|body|{brief_id}|{site}")


def by_columns(rows: Rows) -> Iterable[list[dict[str, Any]]]:
    """Return rows in groups that name the same columns: one statement takes no others."""
    groups: dict[tuple[str, ...], list[dict[str, Any]]] = {}
    for row in rows:
        groups.setdefault(tuple(row), []).append(row)
    return groups.values()


def embedded_file(data_dir: Path) -> Path:
    """Return where the SQLite file of a data folder is."""
    return data_dir / "app.db"


def open_database(url: str, *, data_dir: Path, ring: Wrapping) -> Database:
    """Open the database of the settings; a SQLite file in the data folder when the URL is empty.

    Raises `Misconfigured` for anything but SQLite and PostgreSQL.
    """
    if not url:
        data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
        url = f"sqlite+aiosqlite:///{embedded_file(data_dir)}"
    try:
        place = make_url(url)
    except ArgumentError:
        place = None
    driver = _DRIVERS.get(place.drivername) if place is not None else None
    if place is None or driver is None:
        raise Misconfigured(
            "CDS_DATABASE_URL must be sqlite:///FILE or postgresql://USER@HOST/DATABASE."
        )
    place = place.set(drivername=driver)
    if place.get_backend_name() == "postgresql":
        shared = create_async_engine(place, pool_pre_ping=True, connect_args=_SHARED)
        return Database(engine=shared, seals=Seals(ring))
    engine = create_async_engine(place, connect_args={"async_creator_fn": _connected})
    event.listen(engine.sync_engine, "connect", _prepare_sqlite)
    event.listen(engine.sync_engine, "begin", _begin_sqlite)
    event.listen(engine.sync_engine, "invalidate", _give_up_sqlite)
    return Database(engine=engine, seals=Seals(ring))


class _Connection(aiosqlite.Connection):
    """A connection whose second stop waits for nobody.

    Work that is cancelled twice closes its connection twice, and aiosqlite (0.22.1) would wait for the answer of a
    thread that the first stop has ended: the process would never end.
    """

    @override
    def stop(self) -> asyncio.Future[Any] | None:
        return super().stop() if self._running else None


def _connected(database: str, **how: Any) -> _Connection:  # noqa: ANN401  # as the driver takes them
    connection = _Connection(lambda: sqlite3.connect(database, **how), iter_chunk_size=64)
    connection._thread.daemon = True  # noqa: SLF001  # as SQLAlchemy does: no exit waits for it
    return connection


def _prepare_sqlite(connection: Any, _record: object) -> None:  # noqa: ANN401  # a DBAPI connection
    connection.isolation_level = None  # the driver begins nothing by itself: see _begin_sqlite
    cursor = connection.cursor()
    for pragma in _PRAGMAS:
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()


def _begin_sqlite(connection: Connection) -> None:
    writes = connection.get_execution_options().get(_WRITES, False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")


def _give_up_sqlite(connection: Any, _record: object, _why: object) -> None:  # noqa: ANN401  # likewise
    """Give the write lock back before a connection is thrown away, as one is whose task was cancelled.

    A query that the driver's thread was just running stays open with its cursor for as long as anything holds the
    exception, and SQLite keeps a closed connection with an open query, and its lock, alive for so long.
    """
    with suppress(asyncio.CancelledError):  # one is under way already
        connection.run_async(lambda driver: asyncio.shield(driver.rollback()))
