"""Whether the chart still says what a brief was made from: its sources, read again with the clinician's token."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field

from cds_service.context.ledger import fingerprint
from cds_service.domain.evidence import Evidence
from cds_service.fhir.client import FhirServer
from cds_service.flow.opened import Opened
from cds_service.review.source import view
from cds_service.sites import Site
from cds_service.writeback.file import Tokens

_MOST = 120
_BUDGET_S = 3.0
_OK = 200
_GONE = frozenset({404, 410})


@dataclass(frozen=True, slots=True)
class Compared:
    """What comparing brought: names of sources that changed, and how many could not be compared."""

    changed: tuple[str, ...] = field(default=(), repr=False)
    unread: int = 0
    asked: int = 0
    """How many sources the chart was asked for."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Changes:
    """Reads again what each kept line is about, within a few seconds; earlier values it leaves alone."""

    server_of: Callable[[Site], FhirServer]
    tokens_of: Callable[[Site, str], Tokens] = field(repr=False)

    async def __call__(self, opened: Opened) -> Compared:
        """Return what is no longer as it was. What cannot be read is counted, never called unchanged."""
        subjects = {line.refs[0] for line in opened.sheet.lines() if line.is_kept and line.refs}
        held = [item for ref, item in opened.ledger.evidence.items() if ref in subjects]
        token = await self.tokens_of(opened.site, opened.session.id).token()
        if token is None:
            return Compared(unread=len(held))
        server = self.server_of(opened.site)
        deadline = server.clock() + _BUDGET_S
        found = await asyncio.gather(
            *(_is_as_it_was(server, item, token, deadline) for item in held[:_MOST])
        )
        pairs = list(zip(held, found, strict=False))
        names = [view(item, opened.ledger) for item, same in pairs if same is False]
        return Compared(
            changed=tuple(f"{each.kind}: {each.title}" for each in names),
            unread=sum(same is None for _, same in pairs) + max(0, len(held) - _MOST),
            asked=len(found),
        )


async def _is_as_it_was(
    server: FhirServer, item: Evidence, token: str, deadline: float
) -> bool | None:
    answer = await server.get(f"{server.base_url}/{item.ref}", token=token, deadline=deadline)
    if answer.status in _GONE:
        return False
    if answer.status != _OK or not isinstance(answer.body, dict):
        return None
    return fingerprint(answer.body) == item.version
