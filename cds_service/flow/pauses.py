"""Leaves an EHR alone that has had enough of us: all that reads ahead asks here first."""

import asyncio
import logging
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from cds_service.audit import Audit
from cds_service.context.enough import HadEnough
from cds_service.sites import Site
from cds_service.storage import OUTAGES, Database, feeds
from cds_service.storage.feeds import Pause

_AGAIN_S = 2.0
"""When the database is away, what a hook call met is kept after so long."""
log = logging.getLogger("cds_service")


@dataclass(slots=True, kw_only=True)
class Pauses:
    """Begins pauses and knows of them. One for each process."""

    database: Database
    audit: Audit
    now: Callable[[], datetime]
    _met: dict[str, tuple[Site, HadEnough]] = field(default_factory=dict)
    """What hook calls met and is not stored yet, by site."""
    _known: dict[str, Pause] = field(default_factory=dict)
    """The pauses of sites for what hook calls met: while one holds, the calls after it have nothing to add."""
    _wake: asyncio.Event = field(default_factory=asyncio.Event)

    async def of(self, site: Site) -> Pause | None:
        """Return the pause that an EHR has now, whichever process began it."""
        async with self.database.reading() as connection:
            feed = (await feeds.feeds(connection)).get(site.name)
        return feed.pause(self.now()) if feed else None

    async def told(self, site: Site) -> str:
        """Return in a sentence that an EHR is left alone now, or ""."""
        pause = await self.of(site)
        if pause is None:
            return ""
        until = f"{pause.until.astimezone(site.zone):%Y-%m-%d %H:%M}"
        return f"site {site.name}: nothing is read ahead before {until} there: {pause.reason}."

    async def begin(self, site: Site, why: HadEnough) -> Pause:
        """Leave an EHR alone for as long as it said, or until its own next day; a longer pause stands."""
        now = self.now()
        until = self._until(site, why.wait_s)
        if (pause := await self.of(site)) is not None and pause.until >= until:
            return pause
        async with self.database.transaction() as connection:
            await feeds.set_feed(
                connection,
                self.database,
                site.name,
                paused_at=now,
                paused_until=until,
                paused_for=why.reason,
            )
            await self.audit.append(
                connection,
                site=site.name,
                action="pause",
                outcome=why.reason,
                at=now,
                facts={"until": until.isoformat()},
            )
        return Pause(now, until, why.reason)

    def _until(self, site: Site, wait_s: float | None) -> datetime:
        now = self.now()
        if wait_s is not None:
            return now + timedelta(seconds=wait_s)
        tomorrow = now.astimezone(site.zone).date() + timedelta(days=1)
        return datetime.combine(tomorrow, datetime.min.time(), site.zone)

    def met(self, site: Site, why: HadEnough) -> None:
        """Have a pause begun for what a hook call met; the call does not wait for it."""
        known = self._known.get(site.name)
        if known is None or not known.holds(self.now()):
            self._met[site.name] = (site, why)
            self._wake.set()

    async def run(self) -> None:
        """Begin the pauses for what hook calls met, until cancelled."""
        while True:
            await self._wake.wait()
            self._wake.clear()
            try:
                await self._begin_all()
            except OUTAGES as problem:
                log.warning("a pause cannot be stored: %s", type(problem).__name__)
                self._wake.set()
                await asyncio.sleep(_AGAIN_S)

    async def _begin_all(self) -> None:
        for name, (site, why) in list(self._met.items()):
            self._known[name] = await self.begin(site, why)
            del self._met[name]
