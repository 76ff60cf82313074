"""Whether a call brought all that the chart holds of a need, by what its searchsets say of themselves.

In doubt it did not: an answer with a next page, cut short, filled to the last place of a page, with an entry that
cannot be used, or made before a given moment, proves of nothing that it is gone.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import pairwise
from math import inf

from cds_service.context.results import INCLUDED
from cds_service.domain.call import HookRequest
from cds_service.domain.json import JsonObject
from cds_service.domain.needs import NEEDS, NeedName
from cds_service.domain.prefetch import Envelope, Glimpse
from cds_service.fhir.client import next_link
from cds_service.fhir.dates import parse
from cds_service.fhir.elements import code
from cds_service.sites import Site
from cds_service.vendors import Query

_DAY_S = 86400
_DATED: Mapping[str, tuple[str, ...]] = {
    "Observation": ("effectiveDateTime", "effectiveInstant"),
    "DiagnosticReport": ("effectiveDateTime",),
}
"""What servers sort these types by (FHIR R4, search parameter `date`); a period has two ends to sort by."""


def dated(resource: JsonObject) -> str:
    """Return the date by which a server sorts a resource, as stored; "" for what has none."""
    names = _DATED.get(code(resource, "resourceType"), ())
    return next((told for name in names if (told := code(resource, name))), "")


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
    _pages: dict[str, list[Glimpse]] = field(default_factory=dict)
    _last: dict[str, float] = field(default_factory=dict)
    _sorted: dict[str, bool] = field(default_factory=dict)

    def of_need(self, need: NeedName) -> bool:
        """Return whether every search of a need came whole; a read of one resource is no search."""
        asked = [query for query in self.plan if query.need == need and not query.read]
        return bool(asked) and all(map(self._is_whole, asked))

    def lacks(self, need: NeedName, when: str) -> bool:
        """Return whether a resource of a need and date would have been sent if it were still there.

        Of a search that came page by page, newest first, the first page says so for its own days.
        """
        asked = [query for query in self.plan if query.need == need and not query.read]
        return bool(asked) and all(self._is_whole(q) or self._reaches(q, when) for q in asked)

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
        matches = self._matches(told, query)
        if matches is None or next_link({"link": told.link}):
            return False
        if isinstance(told.total, int) and not isinstance(told.total, bool):
            return told.total <= len(matches)
        return len(matches) < self.site.profile.search.page_size

    def _matches(self, told: Envelope, query: Query) -> list[Glimpse] | None:
        """Return what a searchset found; None for one that is older than the brief or holds what cannot be used."""
        made = parse(code(told.meta, "lastUpdated"), self.site.zone)
        is_earlier = made is not None and made.at < self.since.timestamp()
        found = list(self.request.prefetch.glimpses(query.key))
        matches = [each for each in found if each.type not in INCLUDED]
        usable = len(found) >= len(told.entry) and all(
            each.id and each.type == query.type for each in matches
        )
        return matches if told.type == "searchset" and not is_earlier and usable else None

    def _reaches(self, query: Query, when: str) -> bool:
        """Return whether a page that is sorted, as asked for, goes back beyond a date by more than a day."""
        wanted = parse(when, self.site.zone)
        if wanted is None or self._oldest(query) >= wanted.at - _DAY_S:
            return False
        if query.key not in self._sorted:  # a server that does not sort is found out
            moments = list(map(self._at, self._pages[query.key]))
            self._sorted[query.key] = all(one >= other for one, other in pairwise(moments))
        return self._sorted[query.key]

    def _oldest(self, query: Query) -> float:
        """Return what the last entry of a page is dated that was asked for newest first; no moment: infinity."""
        if query.key not in self._pages:
            told = self.request.prefetch.envelope(query.key)
            is_asked = told is not None and any(name == "_sort" for name, _ in query.hook_params)
            self._pages[query.key] = (is_asked and told and self._matches(told, query)) or []
            page = self._pages[query.key]
            self._last[query.key] = self._at(page[-1]) if page else inf
        return self._last[query.key]

    def _at(self, glimpse: Glimpse) -> float:
        when = parse(dated(glimpse.whole()), self.site.zone)
        return when.at if when else inf
