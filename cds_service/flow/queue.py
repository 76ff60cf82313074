"""What of work ahead is stuck, and why; and another try for what failed. No word of whose chart it is."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

from cds_service.domain.errors import BadCall
from cds_service.domain.states import State
from cds_service.flow.backlog import LATE
from cds_service.flow.change import Change
from cds_service.storage import Database, briefs, feeds

_LIMIT = 1000
_NOTE = frozenset({"approved", "writing", "written", "verified", "unknown"})
_SLOW = {
    "requested": "late",
    "approved": "late",
    "writing": "late",
    "written": "not_read_back",
}
"""Why a brief is listed that has no reason of its own."""


@dataclass(frozen=True, slots=True)
class Stuck:
    """One brief that is not where it should be."""

    brief: str
    site: str
    state: State
    reason: str
    since: datetime
    due: datetime | None
    tries: int


@dataclass(frozen=True, slots=True)
class Paused:
    """An EHR that is left alone for a time."""

    site: str
    until: datetime
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Queue:
    """Looks at the queue, and begins anew what failed."""

    database: Database
    change: Change
    now: Callable[[], datetime]

    async def stuck(self, site: str | None = None) -> list[Stuck]:
        """Return what failed, what waits for its EHR, and what is late; of all sites, or of one."""
        late = self.now() - LATE
        async with self.database.reading() as connection:
            rows = [
                *await briefs.in_state(connection, "failed", limit=_LIMIT),
                *await briefs.in_state(connection, "unknown", limit=_LIMIT),
                *await briefs.postponed(connection, limit=_LIMIT),
                *await briefs.in_state(connection, "preparing", before=late, limit=_LIMIT),
                *await briefs.overdue(connection, late, limit=_LIMIT),
                *await briefs.in_state(connection, "approved", before=late, limit=_LIMIT),
                *await briefs.in_state(connection, "writing", before=late, limit=_LIMIT),
                *await briefs.in_state(connection, "written", before=late, limit=_LIMIT),
            ]
        found = {row.id: row for row in rows if site in {None, row.site}}
        return [_stuck(row) for row in found.values()]

    async def paused(self) -> list[Paused]:
        """Return the EHRs that are left alone."""
        async with self.database.reading() as connection:
            known = await feeds.feeds(connection)
        return [
            Paused(feed.site, feed.paused_until, feed.reason or "")
            for feed in known.values()
            if feed.paused_until is not None and feed.paused_until > self.now()
        ]

    async def retry(self, ids: Sequence[str], site: str | None = None) -> list[str]:
        """Have failed and late briefs prepared anew, at once; returns their ids.

        Raises `BadCall` for one that is not there, or neither failed in being prepared nor is late to begin.
        """
        chosen = []
        async with self.database.reading() as connection:
            for brief_id in ids:
                row = await briefs.get(connection, brief_id)
                if row is None:
                    raise BadCall(f"There is no brief {brief_id}.")
                chosen.append(row)
            if site is not None:
                failed = await briefs.in_state(connection, "failed", limit=_LIMIT)
                chosen += [row for row in failed if row.site == site and row.ready_at is None]
        for row in chosen:
            if row.state in _NOTE or (row.state == "failed" and row.ready_at is not None):
                raise BadCall(
                    f"Brief {row.id} is {row.state}: what becomes of its note, who may approve says in the app."
                )
            if row.state != "failed" and not self._is_late(row):
                raise BadCall(
                    f"Brief {row.id} is {row.state}: only what failed while it was prepared or is late is tried again."
                )
        return [row.id for row in chosen if await self._again(row)]

    async def _again(self, row: briefs.Row) -> bool:
        return await self.change.again(row, action="retry", due=self.now())

    def _is_late(self, row: briefs.Row) -> bool:
        """Return whether a brief should have been begun long ago."""
        is_due = row.due is not None and row.due <= self.now() - LATE
        return row.state == "requested" and is_due


def _stuck(row: briefs.Row) -> Stuck:
    reason = row.reason or _SLOW.get(row.state, "")
    return Stuck(row.id, row.site, row.state, reason, row.changed, row.due, row.revision)
