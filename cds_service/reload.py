"""Takes changed site files into service without a restart: each as a whole, or not at all.

The folder is looked at once a second. A file that cannot be accepted leaves its site as it was, and readiness
and the log say why; the other files are not held up by it, so that `mode = "off"` in one file works while another
is being edited. A folder that has no site file at all is taken for one that is not mounted: all sites stay.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path

from cds_service.domain.errors import Misconfigured
from cds_service.sites import Site, Sites, check_apart, load_site, not_taken

LOOK_EVERY_S = 1.0
log = logging.getLogger("cds_service")


@dataclass(slots=True, kw_only=True)
class Reload:
    """Watches the folder of site files. One for each process; all that look at one folder agree."""

    sites: Sites
    folder: Path
    services: frozenset[str]
    demo: bool
    check: Callable[[Site], object]
    """Raises `Misconfigured` where a file is well written and cannot be acted on: certificates that are not there, a
    model that nobody attests."""
    warm: Callable[[Site], Awaitable[None]]
    """Fetches what the first call to a site would wait for."""
    _seen: dict[Path, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Remember the files as they were when the sites were first read."""
        self._seen = self._digests()

    async def run(self) -> None:
        """Look until cancelled."""
        for name, why in self.sites.refused.items():
            log.warning("site %s: %s", name, why)
        while True:
            await asyncio.sleep(LOOK_EVERY_S)
            for site in await asyncio.to_thread(self.look):
                await self.warm(site)

    def look(self) -> list[Site]:
        """Compare the folder with what is in force; return the sites that were accepted anew."""
        now = self._digests()
        if now == self._seen:
            return []
        changed = [file for file in now if now[file] != self._seen.get(file)]
        self._seen = now
        if not now:
            self.sites.refused = {
                **self.sites.refused,
                **_told("all", "There is no site file.", before=True),
            }
            return []
        return self._accept(changed, {file.stem for file in now})

    def _accept(self, changed: list[Path], present: set[str]) -> list[Site]:
        """Put a new set in force, in one assignment: a call sees the old one or the new one."""
        standing = {name: site for name, site in self.sites.by_name.items() if name in present}
        refused = {name: why for name, why in self.sites.refused.items() if name in present}
        accepted = []
        for file in changed:
            refused.pop(file.stem, None)
            try:
                site = load_site(file, services=self.services, demo=self.demo)
                check_apart({**standing, site.name: site}.values())
                self.check(site)
            except Misconfigured as problem:
                refused |= _told(file.stem, problem.detail, before=file.stem in standing)
            else:
                standing[site.name] = site
                accepted.append(site)
                log.warning("site %s: its file has changed and is in force", site.name)
        self.sites.by_name, self.sites.refused = standing, refused
        return accepted

    def _digests(self) -> dict[Path, str]:
        return dict(self._read())

    def _read(self) -> Mapping[Path, str]:
        found = {}
        for file in sorted(self.folder.glob("*.toml")) if self.folder.is_dir() else ():
            try:
                found[file] = sha256(file.read_bytes()).hexdigest()
            except OSError:
                found[file] = ""
        return found


def _told(name: str, why: str, *, before: bool) -> dict[str, str]:
    """Tell the log why a file is not in force; return it for readiness."""
    told = not_taken(why, before=before)
    log.error("site %s: %s", name, told)
    return {name: told}
