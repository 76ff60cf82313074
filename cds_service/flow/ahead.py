"""What a hook call asks of work ahead: a booked visit's briefs, a brief for a chart that had none, or a newer one."""

from collections import OrderedDict
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial
from typing import Any

from cds_service.context.gather import proposed
from cds_service.domain.call import HookRequest
from cds_service.domain.visit import Visit
from cds_service.feeds.appointments import visit_of
from cds_service.flow.ask import Ask
from cds_service.flow.ready import ASKED_FOR, Found, Refresh
from cds_service.sites import Site
from cds_service.storage import Writer

_REMEMBERED = 10_000
_FOR = timedelta(minutes=1)
"""A wish is handed on once in so long: what came of it, storage knows."""


@dataclass(slots=True, kw_only=True)
class Ahead:
    """Hands what a call asks for to storage, off its path: each wish once, however often a chart is opened."""

    ask: Ask
    writer: Writer
    _asked: OrderedDict[str, datetime] = field(default_factory=OrderedDict)

    def __call__(self, request: HookRequest, found: Found, site: Site) -> int:
        """Queue what this call asks for; returns how many briefs that is."""
        if not site.may_prepare:
            return 0
        if booked := proposed(request, site):  # a visit that is being booked has briefs of its own
            visits = [visit_of(resource, request.patient_id) for resource in booked]
            rows = [row for visit in visits for row in self.ask.for_visit(visit, site)]
            wanted = [row for row in rows if self._is_new(row)]
            for row in wanted:
                self.writer.ask(row)
            return len(wanted)
        return self._once(request, found, site)

    def _once(self, request: HookRequest, found: Found, site: Site) -> int:
        """Queue a brief of a chart, which is read once, whatever asks for it."""
        visit = Visit(patient=request.patient_id, encounter=request.encounter_id)
        if found.refresh:
            numbered = partial(self._newer, visit, site, found.refresh)
        elif not found.brief:
            numbered = partial(self.ask.for_chart, visit, site, found.not_shown)
        else:
            return 0
        row = numbered(1)
        if not self._is_new(row):
            return 0
        self.writer.ask_once(row, numbered)
        return 1

    def _newer(self, visit: Visit, site: Site, wanted: Refresh, number: int) -> dict[str, Any]:
        row = self.ask.refresh(visit, site, wanted.of, number)
        return row | {"versions": {ASKED_FOR: list(wanted.told)}}

    def _is_new(self, row: dict[str, Any]) -> bool:
        """Return whether a wish was not handed on just now, and remember it."""
        now, before = self.ask.now(), self._asked.get(row["id"])
        if before is not None and now - before < _FOR:
            return False
        self._asked[row["id"]] = now
        self._asked.move_to_end(row["id"])
        while len(self._asked) > _REMEMBERED:
            self._asked.popitem(last=False)
        return True
