"""What of work ahead is stuck, and why; and another try for it. No word of whose chart it is."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

from cds_service.domain.errors import BadCall
from cds_service.domain.states import State
from cds_service.flow.ask import BY_HAND, TRIED_AGAIN
from cds_service.flow.backlog import LATE
from cds_service.flow.change import Change
from cds_service.storage import Connection, Database, briefs, feeds

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


@dataclass(frozen=True, slots=True)
class Unread:
    """A schedule that is not seen whole: it could not be read, or appointments name no patient."""

    site: str
    reason: str
    """A code; empty when it could be read."""
    read_at: datetime | None
    """When a poll that succeeded last began."""
    without_patient: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Queue:
    """Looks at the queue, and begins anew what failed."""

    database: Database
    change: Change
    now: Callable[[], datetime]

    async def stuck(self, site: str | None = None) -> list[Stuck]:
        """Return what failed, what waits for its EHR, and what is late; of each site, or of one."""
        async with self.database.reading() as connection:
            names = [site] if site is not None else await briefs.sites(connection)
            rows = [row for name in names for row in await self._rows(connection, name)]
        found = {row.id: row for row in rows}
        return [_stuck(row) for row in found.values()]

    async def _rows(self, connection: Connection, site: str) -> list[briefs.Row]:
        """Return what is stuck at a site; so many of each kind at most, whatever other sites have."""
        late = self.now() - LATE
        kinds: tuple[tuple[State, datetime | None], ...] = (
            ("failed", None),
            ("unknown", None),
            ("preparing", late),
            ("approved", late),
            ("writing", late),
            ("written", late),
        )
        return [
            *await briefs.postponed(connection, site, limit=_LIMIT),
            *await briefs.late(connection, site, late, limit=_LIMIT),
            *[
                row
                for state, before in kinds
                for row in await briefs.in_state(
                    connection, state, before=before, site=site, limit=_LIMIT
                )
            ],
        ]

    async def paused(self) -> list[Paused]:
        """Return the EHRs that are left alone."""
        now = self.now()
        async with self.database.reading() as connection:
            known = await feeds.feeds(connection)
        return [
            Paused(feed.site, pause.until, pause.reason)
            for feed in known.values()
            if (pause := feed.pause(now))
        ]

    async def unread(self) -> list[Unread]:
        """Return the schedules that are not seen whole."""
        now = self.now()
        async with self.database.reading() as connection:
            known = await feeds.feeds(connection)
        return [
            Unread(
                feed.site,
                (feed.reason or "") if feed.is_unread(now) else "",
                feed.polled_at,
                feed.without_patient or 0,
            )
            for feed in known.values()
            if feed.is_unread(now) or (feed.without_patient and feed.is_polled(now))
        ]

    async def retry(self, ids: Sequence[str], site: str | None = None) -> list[str]:
        """Have briefs prepared anew, at once: what failed, is late, or waits for its EHR; returns their ids.

        Raises `BadCall` for one that is not there, or that neither has been tried nor is late to begin.
        """
        chosen = []
        async with self.database.reading() as connection:
            for brief_id in ids:
                row = await briefs.get(connection, brief_id)
                if row is None:
                    raise BadCall(f"There is no brief {brief_id}.")
                chosen.append(row)
            if site is not None:
                failed = await briefs.in_state(connection, "failed", site=site, limit=None)
                waiting = await briefs.postponed(connection, site, limit=None)
                chosen += [*[row for row in failed if row.ready_at is None], *waiting]
        for row in chosen:
            if row.state in _NOTE or (row.state == "failed" and row.ready_at is not None):
                raise BadCall(
                    f"Brief {row.id} is {row.state}: what becomes of its note, who may approve says in the app."
                )
            if row.state != "failed" and not self._waits(row):
                raise BadCall(
                    f"Brief {row.id} is {row.state}: only what failed while it was prepared, waits for its EHR "
                    "or is late is tried again."
                )
        return [row.id for row in chosen if await self._again(row)]

    async def _again(self, row: briefs.Row) -> bool:
        """Begin one anew; what failed, a person has asked for: what was denied is asked for once more, too."""
        asked = {TRIED_AGAIN: row.revision + 1, **(BY_HAND if row.state == "failed" else {})}
        return await self.change.again(
            row, action="retry", due=self.now(), versions={**row.versions, **asked}
        )

    def _waits(self, row: briefs.Row) -> bool:
        """Return whether a brief has been tried and waits for another try, or should have been begun long ago."""
        is_late = row.due is not None and row.due <= self.now() - LATE
        return row.state == "requested" and (row.reason is not None or is_late)


def _stuck(row: briefs.Row) -> Stuck:
    reason = row.reason or _SLOW.get(row.state, "")
    return Stuck(row.id, row.site, row.state, reason, row.changed, row.due, row.revision)
