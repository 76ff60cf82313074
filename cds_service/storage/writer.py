"""Writes behind: what a hook call leaves is stored in order, in batches, off its path.

An orderly stop loses nothing. A crash loses at most what was not flushed: `FLUSH_S` seconds of entries.
"""

import asyncio
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime
from itertools import count
from typing import Any

from sqlalchemy import Table
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncConnection

from cds_service.domain.errors import Overloaded
from cds_service.domain.states import State
from cds_service.storage.briefs import ENDED, get
from cds_service.storage.chain import append
from cds_service.storage.database import Database, by_columns
from cds_service.storage.tables import AUDIT, BRIEF, CARD, REPLAY
from cds_service.storage.visits import waiting

FLUSH_S = 0.2
MAX_WAITING = 10_000
_RETRY_S = 1.0
HANGS_S = 5.0
"""A flush that takes longer is told as one that failed: so does a database that hangs, and refuses nothing."""


_CAME_TO_NOTHING: frozenset[State] = frozenset({*ENDED, "rejected", "withdrawn"})
"""Briefs that serve nobody any more, and whose patient's next chart-open wants another."""
Numbered = Callable[[int], dict[str, Any]]
"""The same row under another name."""


@dataclass(slots=True)
class Writer:
    """The queue of rows on their way into the database."""

    database: Database
    _waiting: list[tuple[Table, dict[str, Any]]] = field(default_factory=list)
    _wake: asyncio.Event = field(default_factory=asyncio.Event)
    _flushing: asyncio.Lock = field(default_factory=asyncio.Lock)
    _stopping: asyncio.Event = field(default_factory=asyncio.Event)
    _once: dict[str, Numbered] = field(default_factory=dict)
    """Waiting rows that are asked for once, by id, as they are called anew."""
    failures: int = 0
    """Flushes in a row that failed."""
    _began: float | None = None
    """When the flush began that is under way, on the monotonic clock."""

    @property
    def is_behind(self) -> bool:
        """Return whether nothing can be stored now; readiness tells it."""
        hangs = self._began is not None and time.monotonic() - self._began > HANGS_S
        return self.failures > 0 or hangs

    def check_room(self) -> None:
        """Refuse new work while the database is behind. Raises `Overloaded`."""
        if len(self._waiting) >= MAX_WAITING:
            raise Overloaded

    def audit(self, entry: dict[str, Any]) -> None:
        """Queue one audit entry, made by `chain.entry`."""
        self._put(AUDIT, entry)

    def brief(  # noqa: PLR0913  # the columns of a row, each by name
        self,
        *,
        site: str,
        brief_id: str,
        patient: str,
        created: datetime,
        versions: Mapping[str, str],
        body: bytes,
        sources: bytes | None = None,
    ) -> None:
        """Queue the brief of an answer; it is sealed here and now, so that nothing readable waits."""
        database = self.database
        row: dict[str, Any] = {"id": brief_id, "site": site, "state": "ready", "source": "hook"}
        row |= {"patient": database.blind(patient, site=site), "revision": 1}
        row |= {"created": created, "changed": created, "ready_at": created}
        row |= {"rules_version": versions["rules"], "versions": dict(versions)}
        row["body"] = database.seal(body, place=f"brief|body|{brief_id}|{site}")
        if sources is not None:
            row["sources"] = database.seal(sources, place=f"brief|sources|{brief_id}|{site}")
        self._put(BRIEF, row)

    def ask(self, row: dict[str, Any]) -> None:
        """Queue a row that asks for a brief; one that was asked for before stays as it is."""
        self._put(BRIEF, row)

    def ask_once(self, row: dict[str, Any], numbered: Numbered) -> None:
        """Queue one that is not wanted where another of its patient is to be begun by then, or being made.

        Where one of its name has come to nothing it is `numbered`.
        """
        self._once[row["id"]] = numbered
        self._put(BRIEF, row)

    def card(
        self, *, uuid: str, site: str, service: str, topic: str, brief: str, created: datetime
    ) -> None:
        """Queue what feedback will be matched against."""
        row = {"uuid": uuid, "site": site, "service": service, "topic": topic}
        self._put(CARD, {**row, "brief": brief, "created": created})

    def token(self, row: dict[str, Any]) -> None:
        """Queue one used token."""
        self._put(REPLAY, row)

    def _put(self, table: Table, row: dict[str, Any]) -> None:
        self._waiting.append((table, row))
        self._wake.set()

    async def run(self) -> None:
        """Flush until stopped; what cannot be written now stays queued and is tried again."""
        while not (self._stopping.is_set() and not self._waiting):
            await self._wake.wait()
            with suppress(TimeoutError):
                # A batch gathers for a moment; a stop does not wait for it.
                await asyncio.wait_for(self._stopping.wait(), FLUSH_S)
            self._wake.clear()
            try:
                await self.flush()
            except (SQLAlchemyError, OSError):
                self.failures += 1
                if self._stopping.is_set():
                    raise
                self._wake.set()
                await asyncio.sleep(_RETRY_S)

    async def flush(self) -> None:
        """Write what is queued, in order, in one transaction."""
        async with self._flushing:
            taken = len(self._waiting)
            batches: dict[Table, list[dict[str, Any]]] = {}
            for table, row in self._waiting[:taken]:
                batches.setdefault(table, []).append(row)
            self._began = time.monotonic()
            try:
                await self._store(batches)
            finally:
                self._began = None
            for _, row in self._waiting[:taken]:
                self._once.pop(row.get("id", ""), None)
            del self._waiting[:taken]
            self.failures = 0

    async def _store(self, batches: dict[Table, list[dict[str, Any]]]) -> None:
        entries = batches.pop(AUDIT, [])
        asked = batches.get(BRIEF, [])
        once = [row for row in asked if row["id"] in self._once]
        batches[BRIEF] = [row for row in asked if row["id"] not in self._once]
        async with self.database.transaction() as connection:
            for table, rows in batches.items():
                for alike in by_columns(rows):
                    await connection.execute(self.database.insert_new(table), alike)
            await self._store_once(connection, once)
            await append(self.database.seals, connection, entries)

    async def _store_once(self, connection: AsyncConnection, rows: list[dict[str, Any]]) -> None:
        """Store what asks for a brief of a patient of whom none is to be begun."""
        for row in rows:
            if await waiting(connection, row["site"], row["patient"], row["due"]):
                continue
            wanted, numbered = row, self._once[row["id"]]
            for number in count(2):
                there = await get(connection, wanted["id"])
                if there is None or there.state not in _CAME_TO_NOTHING:
                    break
                wanted = numbered(number)
            await connection.execute(self.database.insert_new(BRIEF), [wanted])

    def stop(self) -> None:
        """Ask `run` to flush what is left and end."""
        self._stopping.set()
        self._wake.set()
