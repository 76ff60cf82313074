"""The row of each site's feed: how far the poll of its visits came, and whether the EHR wants to be left alone."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import case, or_, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from cds_service.storage.database import Database
from cds_service.storage.tables import FEED

_LATELY = timedelta(days=1)
"""What a schedule was that nobody has polled for longer says nothing of today."""


@dataclass(frozen=True, slots=True)
class FeedState:
    """What is known of one site's feed."""

    site: str
    polled_at: datetime | None
    next_poll: datetime | None
    paused_until: datetime | None
    reason: str | None
    asked_last: str | None
    without_patient: int | None

    def is_unread(self, now: datetime) -> bool:
        """Return whether the last poll of this schedule failed, and it is polled still."""
        is_paused = self.paused_until is not None and self.paused_until > now
        return self.reason is not None and not is_paused and self.is_polled(now)

    def is_polled(self, now: datetime) -> bool:
        """Return whether this schedule is polled, or was until lately."""
        return self.next_poll is not None and self.next_poll > now - _LATELY


def is_due(feed: FeedState | None, now: datetime, until: datetime) -> bool:
    """Return whether a site's poll is due whose turn would come again at `until`, as `claim` has it."""
    return feed is None or feed.next_poll is None or not now < feed.next_poll <= until


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


async def note_poll(
    connection: AsyncConnection,
    database: Database,
    site: str,
    now: datetime,
    *,
    reason: str | None,
    **columns: object,
) -> None:
    """Keep how a poll went; the reason of a pause that began meanwhile stands."""
    told = case((FEED.c.paused_until > now, FEED.c.reason), else_=reason)
    await set_feed(connection, database, site, reason=told, **columns)


async def claim(
    connection: AsyncConnection, database: Database, site: str, now: datetime, until: datetime
) -> bool:
    """Take the next poll of a site, when it is due and nobody else took it; its turn comes again at `until`.

    One that is further off than that was put there by a clock that was ahead, and is due.
    """
    await connection.execute(database.insert_new(FEED), [{"site": site}])
    taken = (
        update(FEED)
        .where(
            FEED.c.site == site,
            or_(FEED.c.next_poll.is_(None), FEED.c.next_poll <= now, FEED.c.next_poll > until),
            or_(FEED.c.paused_until.is_(None), FEED.c.paused_until <= now),
        )
        .values(next_poll=until)
        .returning(FEED.c.site)
    )
    return (await connection.execute(taken)).first() is not None
