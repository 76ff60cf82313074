"""Who keeps a copy of a ready brief hears when it has changed: by a call in this process, by NOTIFY in others."""

import asyncio
import logging
from collections.abc import Callable
from dataclasses import dataclass, field

import psycopg
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from cds_service.storage.database import Database

_CHANNEL = "cds_brief"
_AGAIN_S = 2.0
log = logging.getLogger("cds_service")

Dropped = Callable[[str, str], None]
"""Called with (site, blind index of the patient); two empty strings: everything may have changed."""


@dataclass(slots=True, kw_only=True)
class Notices:
    """Tells and hears of changed briefs. One for each process."""

    database: Database
    listeners: list[Dropped] = field(default_factory=list)

    async def tell(self, connection: AsyncConnection, site: str, patient: str) -> None:
        """Tell other processes, when and only when the caller's transaction commits."""
        if not self.database.is_embedded:
            payload = {"channel": _CHANNEL, "payload": f"{site} {patient}"}
            await connection.execute(text("SELECT pg_notify(:channel, :payload)"), payload)

    def drop(self, site: str, patient: str) -> None:
        """Tell this process."""
        for each in self.listeners:
            each(site, patient)

    async def run(self) -> None:
        """Hear what other processes tell, until cancelled; there are none beside embedded SQLite."""
        while not self.database.is_embedded:
            try:
                await self._listen()
            except (psycopg.Error, OSError) as problem:
                log.warning("the database's notices: %s", type(problem).__name__)
            await asyncio.sleep(_AGAIN_S)

    async def _listen(self) -> None:
        url = self.database.engine.url.set(drivername="postgresql")
        connection = await psycopg.AsyncConnection.connect(
            url.render_as_string(hide_password=False), autocommit=True
        )
        async with connection:
            await connection.execute(f"LISTEN {_CHANNEL}")
            self.drop("", "")  # what changed while nobody listened is unknown
            async for notice in connection.notifies():
                site, _, patient = notice.payload.partition(" ")
                self.drop(site, patient)
