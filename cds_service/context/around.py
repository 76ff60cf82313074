"""Reads around a stored record that an EHR cannot send: it answers the whole page with an error, each time.

First one by one, up to that record; then, where the search has a date, by periods, each that fails halved down to a
single day. What is missing then, that record and what the server lists after it on its day, keeps the search "partial",
so that nobody takes it for the whole.

Source: Oracle Health Millennium, documentation of 2024: a 500 with the issue code `required` is a stored record that
lacks a mandatory element, and stays so.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace

from cds_service.context.reads import Reading
from cds_service.domain.needs import NEEDS
from cds_service.vendors import Query
from cds_service.vendors.profile import SearchRules

MOST_PAGES = 100
"""Pages of a single entry that are read of one search."""
MOST_PERIODS = 60
"""Periods that are read of one search: enough for a record or two among those of a lifetime."""
_LIFETIME_DAYS = 120 * 366
_AHEAD_DAYS = 3 * 366


@dataclass(slots=True, kw_only=True)
class Around:
    """Completes one search that ended at such a record."""

    reading: Reading
    read: Callable[[Reading], Awaitable[None]]
    path_of: Callable[[Query], str | None]
    rules: SearchRules
    left: int = MOST_PERIODS

    async def __call__(self) -> None:
        """Add to the reading what can be had; a search that is whole by now says so."""
        single = await self._part(self._single(self.reading.query), MOST_PAGES)
        if single.ended == "complete":
            self.reading.ended, self.reading.code = single.ended, single.code
            return
        query = self.reading.query
        name = (NEEDS[query.need].newest_first or "").removeprefix("-")
        if query.window:
            await self._period(*query.window)
        elif name:
            await self._period(name, _LIFETIME_DAYS, _AHEAD_DAYS)

    def _single(self, query: Query) -> Query:
        size = self.rules.count_param
        others = tuple(each for each in query.hook_params if each[0] != size)
        return replace(query, hook_params=(*others, (size, "1")))

    async def _period(self, name: str, before: int, after: int) -> None:
        """Read from so many days before today to so many after it; in halves when that fails."""
        if self.left <= 0:
            return
        self.left -= 1
        query = replace(self.reading.query, window=(name, before, after))
        part = await self._part(query, self.reading.max_pages)
        if part.code not in self.rules.stored_data_codes:
            return
        if before + after <= 1:
            self.left -= 1
            await self._part(self._single(query), MOST_PAGES)
        else:
            middle = (after - before) // 2
            await self._period(name, before, middle)
            await self._period(name, -middle, after)

    async def _part(self, query: Query, most: int) -> Reading:
        part = Reading(
            query=query,
            source=self.reading.source,
            path=self.path_of(query),
            at=self.reading.at,
            max_pages=most,
        )
        await self.read(part)
        self.reading.pages += part.pages
        return part
