"""Leaves an EHR alone that has had enough of us for today: all that reads ahead asks here first."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from cds_service.audit import Audit
from cds_service.sites import Site
from cds_service.storage import Database, feeds


@dataclass(frozen=True, slots=True)
class Pause:
    """Until when an EHR is left alone, and why."""

    until: datetime
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Pauses:
    """Begins pauses and knows of them. One for each process."""

    database: Database
    audit: Audit
    now: Callable[[], datetime]

    async def of(self, site: Site) -> Pause | None:
        """Return the pause that an EHR has now, whichever process began it."""
        async with self.database.reading() as connection:
            feed = (await feeds.feeds(connection)).get(site.name)
        if feed is None or feed.paused_until is None or feed.paused_until <= self.now():
            return None
        return Pause(feed.paused_until, feed.reason or "paused")

    async def begin(self, site: Site, reason: str) -> Pause:
        """Leave an EHR alone until its own next day."""
        now = self.now()
        tomorrow = now.astimezone(site.zone).date() + timedelta(days=1)
        until = datetime.combine(tomorrow, datetime.min.time(), site.zone)
        async with self.database.transaction() as connection:
            await feeds.set_feed(
                connection, self.database, site.name, paused_until=until, reason=reason
            )
            await self.audit.append(
                connection,
                site=site.name,
                action="pause",
                outcome=reason,
                at=now,
                facts={"until": until.isoformat()},
            )
        return Pause(until, reason)
