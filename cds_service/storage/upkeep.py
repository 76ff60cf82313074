"""What a running process does for its database from time to time: keys that turn, and rows that have grown old."""

import asyncio
import logging
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy.exc import SQLAlchemyError

from cds_service.domain.errors import Misconfigured
from cds_service.storage.database import Database
from cds_service.storage.keyring import RingPlace
from cds_service.storage.retention import Periods, forget
from cds_service.storage.start import load_keys

KEYS_S = 10.0
"""How soon a running process seals with a key that another one made: `rotate` waits a little longer."""
FORGET_EVERY = timedelta(hours=1)
log = logging.getLogger("cds_service")


@dataclass(slots=True, kw_only=True)
class Upkeep:
    """Runs beside the service."""

    database: Database
    place: RingPlace
    sites: Callable[[], Iterable[str]]
    now: Callable[[], datetime]
    keep: Periods
    _forgot: datetime | None = None
    _said: str = ""

    async def run(self) -> None:
        """Do it until cancelled; what fails is said once and tried again."""
        while True:
            await asyncio.sleep(KEYS_S)
            try:
                await self.once()
            except (SQLAlchemyError, OSError, Misconfigured) as problem:
                self._say(problem)
            else:
                self._said = ""

    async def once(self) -> None:
        """Load and turn keys; every hour, delete what is old."""
        await self._reload_ring()
        await load_keys(self.database, now=self.now(), sites=self.sites())
        if self._forgot is None or self.now() - self._forgot >= FORGET_EVERY:
            await forget(self.database, now=self.now(), keep=self.keep)
            self._forgot = self.now()

    async def _reload_ring(self) -> None:
        """Take a rotated ring from its file; a command is run at the start only."""
        if self.place.file is not None:
            self.database.seals.ring = await asyncio.to_thread(self.place.load)

    def _say(self, problem: Exception) -> None:
        told = problem.detail if isinstance(problem, Misconfigured) else type(problem).__name__
        if told != self._said:
            self._said = told
            log.warning("upkeep of the database: %s", told)
