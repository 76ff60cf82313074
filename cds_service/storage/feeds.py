"""The row of each site's feed: how far the poll of its visits came, and whether the EHR wants to be left alone."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import or_, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from cds_service.storage.clock_ahead import CLOCKS
from cds_service.storage.database import Database
from cds_service.storage.tables import FEED

_LATELY = timedelta(days=1)
"""What a schedule was that nobody has polled for longer says nothing of today."""


@dataclass(frozen=True, slots=True)
class Pause:
    """Until when an EHR is left alone, and why."""

    since: datetime | None
    until: datetime
    reason: str

    def holds(self, now: datetime) -> bool:
        """Return whether it does; one that has yet to begin was begun by a clock that was ahead."""
        return (self.since is None or self.since <= now + CLOCKS) and now < self.until


@dataclass(frozen=True, slots=True)
class FeedState:
    """What is known of one site's feed."""

    site: str
    polled_at: datetime | None
    next_poll: datetime | None
    paused_at: datetime | None
    paused_until: datetime | None
    paused_for: str | None
    reason: str | None
    asked_last: str | None
    without_patient: int | None

    def pause(self, now: datetime) -> Pause | None:
        """Return the pause that this EHR has now."""
        if self.paused_until is None:
            return None
        pause = Pause(self.paused_at, self.paused_until, self.paused_for or "paused")
        return pause if pause.holds(now) else None

    def is_unread(self, now: datetime) -> bool:
        """Return whether the last poll of this schedule failed, and it is polled still."""
        return self.reason is not None and self.pause(now) is None and self.is_polled(now)

    def is_polled(self, now: datetime) -> bool:
        """Return whether this schedule is polled, or was until lately."""
        return self.next_poll is not None and self.next_poll > now - _LATELY


def is_due(feed: FeedState | None, now: datetime, every: timedelta) -> bool:
    """Return whether a site's poll is due that comes `every` so often, as `claim` has it."""
    return feed is None or feed.next_poll is None or not now < feed.next_poll <= now + every


async def feeds(connection: AsyncConnection) -> Mapping[str, FeedState]:
    """Return the state of every feed, by site."""
    query = select(*(FEED.c[name] for name in FeedState.__dataclass_fields__))
    return {row.site: FeedState(*row) for row in await connection.execute(query)}


async def set_feed(
    connection: AsyncConnection, database: Database, site: str, **columns: object
) -> None:
    """Change what is known of a site's feed."""
    await connection.execute(database.insert_new(FEED), [{"site": site}])
    await connection.execute(update(FEED).where(FEED.c.site == site).values(**columns))


async def claim(
    connection: AsyncConnection,
    database: Database,
    site: str,
    now: datetime,
    *,
    until: datetime,
    every: timedelta,
) -> bool:
    """Take a poll of a site until a moment, when it is due and nobody else took it; polls come `every` so often.

    One that is further off than that was put there by a clock that was ahead, and is due.
    """
    await connection.execute(database.insert_new(FEED), [{"site": site}])
    taken = (
        update(FEED)
        .where(
            FEED.c.site == site,
            or_(
                FEED.c.next_poll.is_(None), FEED.c.next_poll <= now, FEED.c.next_poll > now + every
            ),
            or_(
                FEED.c.paused_until.is_(None),
                FEED.c.paused_until <= now,
                FEED.c.paused_at > now + CLOCKS,
            ),
        )
        .values(next_poll=until)
        .returning(FEED.c.site)
    )
    return (await connection.execute(taken)).first() is not None
