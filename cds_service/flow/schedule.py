"""Keeps work ahead in step with a site's schedule: new visits, moved ones, and those that will not happen.

Each poll covers the whole look-ahead. A known visit that it does not find any more is asked for by itself, so that
one which was moved beyond the horizon is not taken for one which was called off.
"""

import logging
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from cds_service.audit.log import Fact
from cds_service.context.access import Access
from cds_service.context.enough import HadEnough, check_enough
from cds_service.context.reads import Reading, read_all
from cds_service.domain.errors import BadCall, NoToken
from cds_service.domain.visit import Visit
from cds_service.feeds.appointments import Seen, Way, searches, visits, way_of
from cds_service.fhir.client import FhirServer
from cds_service.flow.ask import Ask, expires, known_occasion
from cds_service.flow.change import Change
from cds_service.flow.pauses import Pauses
from cds_service.flow.prepare import Tokens
from cds_service.sites import Site
from cds_service.storage import Connection, Database, briefs, feeds
from cds_service.vendors import Query

_LONGEST_S = 300.0
_READ_EACH = 20
_GONE = frozenset({"404", "410"})
_AGAIN_S = 120
"""A poll that failed is tried again after so long, or at its usual time when that is sooner."""
log = logging.getLogger("cds_service")


@dataclass(frozen=True, slots=True, kw_only=True)
class Schedule:
    """Polls schedules and applies what they say. One for each process."""

    database: Database
    tokens: Tokens
    server_of: Callable[[Site], FhirServer]
    ask: Ask
    change: Change
    pauses: Pauses
    now: Callable[[], datetime]

    async def __call__(self, site: Site) -> None:
        """Poll one site, when it is due and no other process does; what goes wrong is kept for the operator."""
        way, prepare = way_of(site), site.file.prepare
        if prepare is None or not prepare.poll or way is None:
            return
        now = self.now()
        every = timedelta(minutes=prepare.poll_every_minutes)
        async with self.database.transaction() as connection:
            if not await feeds.claim(connection, self.database, site.name, now, now + every):
                return
        counted: dict[str, Fact] = {}
        problem = await self._polled(site, way, counted)
        told: dict[str, datetime] = {}
        if problem:
            told["next_poll"] = now + min(every, timedelta(seconds=_AGAIN_S))
            log.warning("site %s: the poll of its schedule failed: %s", site.name, problem)
        else:
            told["polled_at"] = now
        async with self.database.transaction() as connection:
            await feeds.note_poll(
                connection, self.database, site.name, self.now(), reason=problem or None, **told
            )
            await self._tell(connection, site, problem, counted)

    async def _tell(
        self, connection: Connection, site: Site, problem: str, counted: Mapping[str, Fact]
    ) -> None:
        """Keep one entry for each time that a schedule was read, or could not be."""
        await self.change.audit.append(
            connection,
            site=site.name,
            action="poll",
            outcome=problem or "ok",
            at=self.now(),
            facts=counted,
        )

    async def _polled(self, site: Site, way: Way, counted: dict[str, Fact]) -> str:
        """Poll and apply; returns what went wrong, or "". What was found is `counted`."""
        try:
            return await self._read_through(site, way, counted)
        except NoToken as refused:
            return f"token_{refused.detail}"[:64]
        except HadEnough as limit:
            return (await self.pauses.begin(site, limit)).reason

    async def _read_through(self, site: Site, way: Way, counted: dict[str, Fact]) -> str:
        known, access = await self._known(site), await self._access(site)
        days = site.file.prepare.look_ahead_days + 1 if site.file.prepare else 1
        paths = searches(site, _ids(site, way, known), way, self._today(site), days)
        found, without, problem = await self._search(site, access, paths)
        moved = await self.apply(site, found)
        if not problem:
            moved += await self._look_for(site, access, known, found)
        counted |= {"visits": len(found), "changed": moved, "without_patient": without}
        return problem

    async def visits_of(self, site: Site, day: date) -> list[Visit]:
        """Return the booked visits of one day. Raises `BadCall` when this schedule cannot be asked for."""
        way = way_of(site)
        if way is None:
            raise BadCall(f"site {site.name}: the schedule of this vendor cannot be polled.")
        if pause := await self.pauses.of(site):
            until = f"{pause.until.astimezone(site.zone):%Y-%m-%d %H:%M}"
            raise BadCall(
                f"site {site.name}: nothing is read ahead before {until} there: {pause.reason}."
            )
        known, access = await self._known(site), await self._access(site)
        paths = searches(site, _ids(site, way, known), way, day, 1)
        counted: dict[str, Fact] = {"day": day.isoformat()}
        try:
            found, without, problem = await self._search(site, access, paths)
            counted |= {"visits": len(found), "without_patient": without}
        except HadEnough as limit:
            found, problem = [], (await self.pauses.begin(site, limit)).reason
        async with self.database.transaction() as connection:
            await self._tell(connection, site, problem, counted)
        if problem:
            raise BadCall(f"site {site.name}: its schedule could not be read: {problem}.")
        return [seen.visit for seen in found if seen.standing == "booked"]

    async def _search(
        self, site: Site, access: Access, paths: Iterable[str]
    ) -> tuple[list[Seen], int, str]:
        """Return a schedule's visits, how many entries name no patient, and why it is not complete, or ""."""
        readings = [self._reading(path, site) for path in paths]
        await self._read(site, access, readings)
        found, without = visits(r for each in readings for p in each.pages for r in p.resources)
        problems = {each.code or each.ended for each in readings if each.ended != "complete"}
        return found, without, min(problems, default="")

    def _reading(self, path: str, site: Site) -> Reading:
        query = Query(need="appointment", key="appointment", type="Appointment", read=None)
        most = site.profile.search.max_pages_ahead
        return Reading(query=query, source="read", path=path, at=self.now(), max_pages=most)

    async def _read(self, site: Site, access: Access, readings: list[Reading]) -> None:
        """Read some at a time, so that an EHR which refuses us is not asked for all of them. Raises `HadEnough`."""
        server = self.server_of(site)
        deadline = server.clock() + _LONGEST_S
        for first in range(0, len(readings), _READ_EACH):
            some = readings[first : first + _READ_EACH]
            await read_all(some, server, access, site.profile, deadline)
            check_enough(some, site)

    def _today(self, site: Site) -> date:
        return self.now().astimezone(site.zone).date()

    async def _access(self, site: Site) -> Access:
        token = await self.tokens.token(site)
        return Access(token=token.value, scope=" ".join(sorted(token.scopes)))

    async def apply(self, site: Site, visits: Iterable[Seen]) -> int:
        """Ask for the briefs of these visits and stop work on those called off; returns how many changed."""
        changed, all_seen = 0, list(visits)
        patients = _patients(all_seen)
        for seen in all_seen:
            if seen.standing == "off":
                changed += await self.cancel(site, seen.visit, reason="visit_cancelled")
            elif seen.standing == "booked" and not self._is_over(seen.visit):
                changed += await self._booked(site, seen.visit, patients[seen.visit.key])
        return changed

    async def cancel(self, site: Site, visit: Visit, *, reason: str) -> int:
        """Stop all work on a visit that will not happen."""
        return sum(
            [
                await self.change(row, "cancelled", reason=reason)
                for row in await self._rows(site, visit)
            ]
        )

    async def _booked(self, site: Site, visit: Visit, patients: Collection[str]) -> int:
        """Ask for a visit's briefs; what was asked for its former time or patients is not wanted any more."""
        changed = 0
        for row in await self._rows(site, visit):
            before = await known_occasion(self.database, row)
            if before is None:
                continue
            if before.patients.isdisjoint(patients):
                changed += await self.change(row, "cancelled", reason="patient_changed")
            elif visit.patient in before.patients and before.start != visit.start:
                changed += await self._moved(row, visit)
        await self.ask.for_booked(visit, site)
        return changed

    async def _moved(self, row: briefs.Row, visit: Visit) -> int:
        """Follow a visit to its new time: work that waits is asked for anew, a ready brief serves on."""
        if row.state in {"requested", "preparing"}:
            return await self.change(row, "cancelled", reason="visit_moved")
        async with self.database.transaction() as connection:
            await briefs.set_columns(connection, row.id, expires_at=expires(visit, self.now()))
        return 0

    async def _look_for(
        self, site: Site, access: Access, known: Iterable[Visit], found: Iterable[Seen]
    ) -> int:
        """Ask for each known visit by itself that a complete poll did not find."""
        there = {each.visit.appointment for each in found}
        changed = 0
        for visit in known:
            if visit.appointment is None or visit.appointment in there or self._is_over(visit):
                continue
            reading = self._reading(f"Appointment/{visit.appointment}", site)
            await self._read(site, access, [reading])
            if reading.code in _GONE:
                changed += await self.cancel(site, visit, reason="visit_gone")
            still_there, _ = visits(r for page in reading.pages for r in page.resources)
            changed += await self.apply(site, still_there)
        return changed

    async def _known(self, site: Site) -> list[Visit]:
        async with self.database.reading() as connection:
            rows = await briefs.known_visits(connection, site.name, self.now())
        found = [await known_occasion(self.database, row) for row in rows]
        return [visit for visit in found if visit is not None]

    async def _rows(self, site: Site, visit: Visit) -> list[briefs.Row]:
        blind = self.database.blind(visit.key, site=site.name)
        async with self.database.reading() as connection:
            return await briefs.of_visit(connection, site.name, blind)

    def _is_over(self, visit: Visit) -> bool:
        return visit.start is not None and (visit.end or visit.start) < self.now()


def _patients(visits: Iterable[Seen]) -> Mapping[str, Collection[str]]:
    """Return whom each appointment names: a visit of several patients is one of each."""
    named: dict[str, set[str]] = {}
    for seen in visits:
        named.setdefault(seen.visit.key, set()).add(seen.visit.patient)
    return named


def _ids(site: Site, way: Way, known: Iterable[Visit]) -> list[str]:
    """Return what a search is by: ids of the site file, or the patients that we know of."""
    prepare = site.file.prepare
    if prepare is None or way == "date":
        return []
    if way == "patient":
        return list(dict.fromkeys(visit.patient for visit in known))
    return list(prepare.locations if way == "location" else prepare.practitioners)
