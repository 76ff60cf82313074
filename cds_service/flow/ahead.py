"""What a hook call asks of work ahead: a booked visit's briefs, a brief for a chart that had none, or a newer one."""

from collections import OrderedDict
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from cds_service.context.gather import proposed
from cds_service.domain.call import HookRequest
from cds_service.domain.visit import Visit
from cds_service.feeds.appointments import visit_of
from cds_service.flow.ask import Ask
from cds_service.flow.ready import ASKED_FOR, Found
from cds_service.sites import Site
from cds_service.storage import Writer

_REMEMBERED = 10_000


@dataclass(slots=True, kw_only=True)
class Ahead:
    """Hands what a call asks for to storage, off its path: each wish once, however often a chart is opened."""

    ask: Ask
    writer: Writer
    _asked: OrderedDict[str, None] = field(default_factory=OrderedDict)

    def __call__(self, request: HookRequest, found: Found, site: Site) -> int:
        """Queue what this call asks for; returns how many briefs that is."""
        if not site.may_prepare:
            return 0
        # A chart is read once, whatever asks for it; a visit that is being booked has its own.
        is_once = not proposed(request, site)
        rows = [row for row in self._wanted(request, found, site) if row["id"] not in self._asked]
        for row in rows:
            self._asked[row["id"]] = None
            self.writer.ask(row, once=is_once)
        while len(self._asked) > _REMEMBERED:
            self._asked.popitem(last=False)
        return len(rows)

    def _wanted(self, request: HookRequest, found: Found, site: Site) -> Iterator[dict[str, Any]]:
        if booked := proposed(request, site):
            for resource in booked:
                yield from self.ask.for_visit(visit_of(resource, request.patient_id), site)
            return
        visit = Visit(patient=request.patient_id, encounter=request.encounter_id)
        if found.refresh:
            row = self.ask.refresh(visit, site, found.refresh.of)
            yield row | {"versions": {ASKED_FOR: list(found.refresh.told)}}
        elif not found.brief:
            yield self.ask.for_chart(visit, site)
