"""Whether a call brought all that the chart holds of a need, by what its searchsets say of themselves.

In doubt it did not: an answer with a next page, cut short, filled to the last place of a page, with an entry that
cannot be used, or made before a given moment, proves of nothing that it is gone.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime

from cds_service.context.results import INCLUDED
from cds_service.domain.call import HookRequest
from cds_service.domain.needs import NEEDS, NeedName
from cds_service.domain.prefetch import Envelope
from cds_service.fhir.client import next_link
from cds_service.fhir.dates import parse
from cds_service.fhir.elements import code
from cds_service.sites import Site
from cds_service.vendors import Query


@dataclass(slots=True, kw_only=True)
class SentWhole:
    """Looks at the prefetch of one call, at each of its searches once and only when it is asked."""

    request: HookRequest
    plan: Sequence[Query]
    """What the service asks for."""
    site: Site
    since: datetime
    """What was searched before then says nothing of later."""
    _known: dict[str, bool] = field(default_factory=dict)

    def of_need(self, need: NeedName) -> bool:
        """Return whether every search of a need came whole; a read of one resource is no search."""
        asked = [query for query in self.plan if query.need == need and not query.read]
        return bool(asked) and all(map(self._is_whole, asked))

    def of_type(self, kind: str) -> bool:
        """Return whether every search that could bring a resource of this type came whole."""
        able = [
            need.name
            for need in NEEDS.values()
            if need.type == kind and not need.read and self.site.profile.rule(need.name).available
        ]
        return bool(able) and all(map(self.of_need, able))

    def _is_whole(self, query: Query) -> bool:
        if query.key not in self._known:
            told = self.request.prefetch.envelope(query.key)
            self._known[query.key] = told is not None and self._has_all(told, query)
        return self._known[query.key]

    def _has_all(self, told: Envelope, query: Query) -> bool:
        if told.type != "searchset" or next_link({"link": told.link}) or self._is_earlier(told):
            return False
        found = list(self.request.prefetch.glimpses(query.key))
        matches = [each for each in found if each.type not in INCLUDED]
        if len(found) < len(told.entry) or not all(m.id and m.type == query.type for m in matches):
            return False
        if isinstance(told.total, int) and not isinstance(told.total, bool):
            return told.total <= len(matches)
        return len(matches) < self.site.profile.search.page_size

    def _is_earlier(self, told: Envelope) -> bool:
        made = parse(code(told.meta, "lastUpdated"), self.site.zone)
        return made is not None and made.at < self.since.timestamp()
