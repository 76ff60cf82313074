"""Follows a schedule: asks for the briefs of the visits that it has, and stops work on those that will not be."""

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from cds_service.domain.states import State
from cds_service.domain.visit import Visit
from cds_service.feeds.appointments import Seen
from cds_service.flow.ask import Ask, expires, known_occasion
from cds_service.flow.change import Change
from cds_service.sites import Site
from cds_service.storage import Database, briefs

STORED_WITHIN = timedelta(minutes=30)
"""A booking is told of before it is made: for so long, an EHR that has no such visit says nothing."""

_WAITS: frozenset[State] = frozenset({"requested", "failed"})
"""States of a brief that nobody makes: it waits for its time, its EHR or a person."""
_NOT_READY: frozenset[State] = _WAITS | {"preparing"}

Known = tuple[briefs.Row, Visit]
"""A brief, and whose and which visit's it is."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Follow:
    """Applies what a schedule says. One for each process."""

    database: Database
    ask: Ask
    change: Change
    now: Callable[[], datetime]

    async def __call__(self, site: Site, visits: Iterable[Seen]) -> int:
        """Ask for the briefs of these visits and stop work on those called off; returns how many changed."""
        changed, all_seen = 0, list(visits)
        patients = _patients(all_seen)
        for seen in all_seen:
            if seen.standing == "off":
                changed += await self.cancel(site, seen.visit, reason="visit_cancelled")
            elif seen.standing == "nobodys":
                changed += await self.cancel(site, seen.visit, reason="patient_changed")
            elif seen.standing == "declined":
                changed += await self._declined(site, seen.visit)
            elif seen.standing == "booked":
                changed += await self._booked(site, seen.visit, patients[seen.visit.key])
            else:
                changed += await self._not_booked(site, seen)
        return changed

    async def cancel(self, site: Site, visit: Visit, *, reason: str) -> int:
        """Stop all work on a visit that will not happen."""
        rows = await self._rows(site, visit)
        return sum([await self._stop(row, reason) for row in rows])

    async def _stop(self, row: briefs.Row, reason: str) -> bool:
        """Stop work on a brief; one that failed keeps why: a visit that is booked again is not asked about it twice."""
        if row.state == "failed":
            return await self.change(
                row, "cancelled", reason=row.reason, facts={"because": reason}
            )
        return await self.change(row, "cancelled", reason=reason)

    async def let_go(self, announced: Iterable[Known], there: Collection[Seen]) -> int:
        """Stop work for bookings whose visit is not there, though it would be by now; returns how many changed.

        `there` is all that a schedule has of these patients, on these days.
        """
        changed = 0
        for row, visit in announced:
            if self._is_new(row) or visit.start is None:
                continue
            found = {
                seen.standing
                for seen in there
                if seen.visit.patient in visit.patients and seen.visit.start == visit.start
            }
            if found <= {"off", "declined"}:
                reason = "visit_cancelled" if found else "visit_not_found"
                changed += await self._stop(row, reason)
        return changed

    def is_in_doubt(self, row: briefs.Row, visit: Visit) -> bool:
        """Return whether a booking told of a visit that an EHR had time to store, and nobody has seen it yet."""
        return row.visit is None and visit.start is not None and not self._is_new(row)

    def is_over(self, visit: Visit) -> bool:
        """Return whether a visit has been."""
        return visit.start is not None and (visit.end or visit.start) < self.now()

    def _is_new(self, row: briefs.Row) -> bool:
        """Return whether a booking may not be stored yet; one of a clock that was ahead is not new for ever."""
        return timedelta() <= self.now() - row.created < STORED_WITHIN

    async def _declined(self, site: Site, visit: Visit) -> int:
        """Stop work for a patient who will not come; the visit may be of others as well."""
        changed = 0
        for row in await self._rows(site, visit):
            known = await known_occasion(self.database, row)
            if known is not None and visit.patient in known.patients:
                changed += await self._stop(row, "patient_declined")
        return changed

    async def _not_booked(self, site: Site, seen: Seen) -> int:
        """Stop work on a visit that nobody books any more, or that has begun; what is ready serves on.

        What is being made when it begins is finished: somebody opens that chart now.
        """
        stops = _WAITS if seen.standing == "begun" else _NOT_READY
        changed = 0
        for row in await self._rows(site, seen.visit):
            if row.state in stops:
                changed += await self._stop(row, f"visit_{seen.standing}")
        return changed

    async def _booked(self, site: Site, visit: Visit, patients: Collection[str]) -> int:
        """Ask for a visit's briefs, unless it has been; what was for its former time or patients is wanted no more."""
        changed = 0
        for row in await self._rows(site, visit):
            before = await known_occasion(self.database, row)
            if before is None:
                continue
            if before.patients.isdisjoint(patients):
                changed += await self._stop(row, "patient_changed")
            elif visit.patient in before.patients and before.start != visit.start:
                changed += await self._moved(row, visit)
        if not self.is_over(visit):
            await self.ask.for_booked(visit, site)
        return changed

    async def _moved(self, row: briefs.Row, visit: Visit) -> int:
        """Follow a visit to its new time: work that waits is asked for anew, a ready brief serves on."""
        if row.state in _NOT_READY:
            return await self._stop(row, "visit_moved")
        async with self.database.transaction() as connection:
            await briefs.set_columns(connection, row.id, expires_at=expires(visit, self.now()))
        return 0

    async def _rows(self, site: Site, visit: Visit) -> list[briefs.Row]:
        blind = self.database.blind(visit.key, site=site.name)
        async with self.database.reading() as connection:
            return await briefs.of_visit(connection, site.name, blind, self.now())


def _patients(visits: Iterable[Seen]) -> Mapping[str, Collection[str]]:
    """Return whom each appointment names: a visit of several patients is one of each."""
    named: dict[str, set[str]] = {}
    for seen in visits:
        named.setdefault(seen.visit.key, set()).add(seen.visit.patient)
    return named
