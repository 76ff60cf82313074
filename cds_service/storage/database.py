"""The tables and the one database of a process."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from hashlib import sha256
from pathlib import Path
from typing import Any

from sqlalchemy import (
    JSON,
    Column,
    DateTime,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    event,
    select,
)
from sqlalchemy.dialects.sqlite import insert
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine

from cds_service.domain.errors import Misconfigured
from cds_service.domain.feedback import Feedback
from cds_service.storage.seal import KeyRing

METADATA = MetaData()

BRIEF = Table(
    "brief",
    METADATA,
    Column("id", String(36), primary_key=True),
    Column("site", String(63), nullable=False),
    Column("created", DateTime(timezone=True), nullable=False),
    Column("rules_version", String(32), nullable=False),
    Column("body", LargeBinary, nullable=False),
)
CARD = Table(
    "card",
    METADATA,
    Column("uuid", String(36), primary_key=True),
    Column("site", String(63), nullable=False),
    Column("service", String(63), nullable=False),
    Column("topic", String(100), nullable=False),
    Column("brief", String(36), nullable=False),
    Column("created", DateTime(timezone=True), nullable=False),
)
FEEDBACK = Table(
    "feedback",
    METADATA,
    Column("key", String(64), primary_key=True),
    Column("site", String(63), nullable=False),
    Column("issuer", String(512), nullable=False),
    Column("service", String(63), nullable=False),
    Column("card", String(128), nullable=False),
    Column("known_card", Integer, nullable=False),
    Column("outcome", String(16), nullable=False),
    Column("at", DateTime(timezone=True), nullable=False),
    Column("received", DateTime(timezone=True), nullable=False),
    Column("reason", String(512), nullable=False),
    Column("accepted", JSON, nullable=False),
    Column("comment", LargeBinary, nullable=False),
)
AUDIT = Table(
    "audit",
    METADATA,
    Column("seq", Integer, primary_key=True, autoincrement=True),
    Column("site", String(63), nullable=False),
    Column("at", DateTime(timezone=True), nullable=False),
    Column("action", String(32), nullable=False),
    Column("outcome", String(32), nullable=False),
    Column("facts", JSON, nullable=False),
)
Index("feedback_by_card", FEEDBACK.c.card)
Index("audit_by_site", AUDIT.c.site, AUDIT.c.at)

Rows = Sequence[dict[str, Any]]


@dataclass(slots=True, kw_only=True)
class Database:
    """One embedded SQLite database."""

    engine: AsyncEngine
    ring: KeyRing = field(repr=False)
    _write: asyncio.Lock = field(default_factory=asyncio.Lock)
    """SQLite's busy wait is unfair, so that all writes of a process queue here."""

    async def create(self) -> None:
        """Create the tables that are missing."""
        async with self.engine.begin() as connection:
            await connection.run_sync(METADATA.create_all)

    async def close(self) -> None:
        """Close all connections."""
        await self.engine.dispose()

    async def insert(self, batches: Sequence[tuple[Table, Rows]]) -> None:
        """Insert rows of several tables in one transaction; a row that is there already stays."""
        async with self._write, self.engine.begin() as connection:
            for table, rows in batches:
                await self._insert(connection, table, rows)

    async def _insert(self, connection: AsyncConnection, table: Table, rows: Rows) -> None:
        if rows:
            await connection.execute(insert(table).on_conflict_do_nothing(), list(rows))

    async def known_cards(self, site: str, uuids: Sequence[str]) -> frozenset[str]:
        """Return which of these card uuids this site was given."""
        query = select(CARD.c.uuid).where(CARD.c.site == site, CARD.c.uuid.in_(uuids))
        async with self.engine.connect() as connection:
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
            rows.append({**row, "comment": self.ring.seal(item.comment.encode(), place=place)})
        await self.insert([(FEEDBACK, rows)])

    async def brief(self, site: str, brief_id: str) -> bytes | None:
        """Return the unsealed JSON of a stored brief of this site, or None."""
        query = select(BRIEF.c.body).where(BRIEF.c.site == site, BRIEF.c.id == brief_id)
        async with self.engine.connect() as connection:
            body = (await connection.execute(query)).scalar_one_or_none()
        return (
            None if body is None else self.ring.open(body, place=f"brief|body|{brief_id}|{site}")
        )


def open_database(url: str, *, data_dir: Path, ring: KeyRing) -> Database:
    """Open the database of the settings; in the data folder when the URL is empty.

    Raises `Misconfigured` for anything but SQLite, which is all that this version stores in.
    """
    if not url:
        data_dir.mkdir(parents=True, exist_ok=True)
        url = f"sqlite+aiosqlite:///{data_dir / 'app.db'}"
    if not url.startswith("sqlite+aiosqlite:"):
        raise Misconfigured("CDS_DATABASE_URL must begin with sqlite+aiosqlite: in this version.")
    engine = create_async_engine(url)
    event.listen(engine.sync_engine, "connect", _prepare_sqlite)
    return Database(engine=engine, ring=ring)


def _prepare_sqlite(connection: Any, _record: object) -> None:  # noqa: ANN401  # a DBAPI connection
    cursor = connection.cursor()
    for pragma in ("journal_mode=WAL", "synchronous=NORMAL", "busy_timeout=5000"):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()
