"""Asks a site's server what it takes, once in a while, and says what would stop a note."""

from collections.abc import Callable
from dataclasses import dataclass, field

from cds_service.domain.note import Note
from cds_service.domain.session import LaunchSession
from cds_service.fhir.client import FhirServer
from cds_service.sites import Site
from cds_service.writeback.preflight import Capability, Finding, capability, preflight

_KEPT_S = 600.0
_READ_S = 5.0
_OK = 200


@dataclass(slots=True, kw_only=True)
class Preflight:
    """Keeps each server's CapabilityStatement for ten minutes. One for each process."""

    server_of: Callable[[Site], FhirServer]
    clock: Callable[[], float]
    _known: dict[str, tuple[float, Capability]] = field(default_factory=dict)

    async def __call__(
        self, note: Note, site: Site, session: LaunchSession
    ) -> tuple[Finding, ...]:
        """Return what is wrong with filing this note at this site with this session's scopes."""
        scope = " ".join(sorted(session.scopes))
        return preflight(note, site, scope=scope, server=await self.capability(site))

    async def capability(self, site: Site) -> Capability:
        """Return what the server says that it takes; nothing where it cannot be read."""
        base = site.file.fhir.base_url
        read_at, known = self._known.get(base, (-_KEPT_S, Capability()))
        now = self.clock()
        if now - read_at < _KEPT_S:
            return known
        server = self.server_of(site)
        answer = await server.get(f"{base}/metadata", token="", deadline=now + _READ_S)
        if answer.status != _OK or not isinstance(answer.body, dict):
            return known
        found = capability(answer.body)
        self._known[base] = (now, found)
        return found
