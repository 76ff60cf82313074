"""The stop switches as running processes see them: read once a second, asked on every call without waiting."""

import asyncio
import logging
from dataclasses import dataclass

from cds_service.domain.errors import NothingToSay
from cds_service.sites import Site
from cds_service.storage import Database
from cds_service.storage.switches import WHOLE_SITE, Off, switched_off

READ_EVERY_S = 1.0
log = logging.getLogger("cds_service")


@dataclass(slots=True, kw_only=True)
class Switches:
    """What is off. One for each process; all read the same rows."""

    database: Database
    off: Off = frozenset()
    fault: str = ""
    """Why the newest state could not be read; the last one known stays in force."""

    def is_off(self, site: str, what: str) -> bool:
        """Return whether a service, or `agent`, of a site is off, by itself or with its site."""
        return (site, what) in self.off or (site, WHOLE_SITE) in self.off

    def is_on(self, site: Site) -> bool:
        """Return whether neither its file nor an operator has everything of a site switched off."""
        return site.file.mode != "off" and not self.is_off(site.name, WHOLE_SITE)

    def may_prepare(self, site: Site) -> bool:
        """Return whether a site's file wants work ahead, and nobody has switched the site off."""
        return site.may_prepare and self.is_on(site)

    def check(self, site: str, service: str) -> None:
        """Raise `NothingToSay` when this service is off: the EHR gets a correct, empty answer."""
        if self.is_off(site, service):
            raise NothingToSay("switched_off")

    async def read(self) -> None:
        """Read the newest state; while the database is away, what was known last stays in force."""
        off = await switched_off(self.database)
        if off is None:
            self.fault = "cannot be read; those known last are in force"
            return
        for site, what in sorted(off ^ self.off):
            state = "off" if (site, what) in off else "on"
            log.warning("site %s: %s is switched %s", site, what or "everything", state)
        self.off, self.fault = off, ""

    async def run(self) -> None:
        """Read until cancelled."""
        while True:
            await asyncio.sleep(READ_EVERY_S)
            await self.read()
