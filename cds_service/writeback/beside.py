"""Stores beside a filed note what a site wants there. The note is in the chart whatever becomes of it."""

from dataclasses import dataclass, field
from datetime import datetime
from urllib.parse import urlencode

from cds_service.domain.filing import ApprovedBrief
from cds_service.domain.json import EMPTY
from cds_service.fhir.beside import BESIDE, US
from cds_service.fhir.client import FhirServer
from cds_service.fhir.create import create
from cds_service.fhir.elements import obj, objs, text

_OK = 200
_TIMEOUT_S = 15.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Beside:
    """Stores one resource of each wanted type, unless it is there."""

    approved: ApprovedBrief
    location: str
    server: FhirServer = field(repr=False)
    token: str = field(repr=False)
    at: datetime

    async def __call__(self, kind: str) -> str:
        """Store one; this will return `there`, `stored`, `no_answer` or the status of a refusal."""
        make, parameter = BESIDE[kind]
        if await self._is_there(kind, parameter):
            return "there"
        resource = make(self.approved, self.location, self.at)
        posted = await create(self.server, resource, token=self.token, timeout_s=_TIMEOUT_S)
        if 200 <= posted.status < 300:  # noqa: PLR2004
            return "stored"
        return str(posted.status or "no_answer")

    async def _is_there(self, kind: str, parameter: str) -> bool:
        """Return whether an earlier try of this step stored it; where nobody may search it is tried once more."""
        url = f"{self.server.base_url}/{kind}?{urlencode({parameter: self.location})}"
        deadline = self.server.clock() + _TIMEOUT_S
        answer = await self.server.get(url, token=self.token, deadline=deadline)
        page = answer.body if answer.status == _OK and isinstance(answer.body, dict) else EMPTY
        agents = [
            agent
            for entry in objs(page, "entry")
            for agent in objs(obj(entry, "resource"), "agent")
        ]
        return any(text(obj(agent, "who"), "display") == US for agent in agents)
