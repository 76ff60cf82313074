"""Keeps work ahead in step with a site's schedule: new visits, moved ones, and those that will not happen.

Each poll covers the whole look-ahead; where a vendor can be searched by patient only, it goes on with those whose turn
is next. A known visit that it does not find any more is asked for by itself, so that one which was moved beyond the
horizon is not taken for one which was called off.
"""

import logging
from bisect import bisect_right
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta

from cds_service.audit import Audit
from cds_service.audit.log import Fact
from cds_service.context.access import Access
from cds_service.context.enough import HadEnough, check_enough
from cds_service.context.reads import Reading, read_all
from cds_service.domain.errors import BadCall, NoToken
from cds_service.domain.visit import Visit
from cds_service.feeds.appointments import Seen, Way, searches, visits, way_of
from cds_service.fhir.client import FhirServer
from cds_service.flow.ask import known_occasion
from cds_service.flow.follow import Follow, Known
from cds_service.flow.pauses import Pauses
from cds_service.flow.prepare import Tokens
from cds_service.sites import Site
from cds_service.storage import Connection, Database, briefs, feeds
from cds_service.storage import visits as stored_visits
from cds_service.vendors import Query

_LONGEST_S = 300.0
"""What some searches may take, which are made at once."""
_ROUND_S = 300.0
"""A poll of one patient after the other begins no further searches after so long."""
_READ_EACH = 20
_GONE = frozenset({"404", "410"})
_HELD = timedelta(minutes=10)
"""A poll is this process's for so long, and longer as it goes on: one that a stop cuts off is made again after it."""
_AGAIN = timedelta(minutes=2)
"""A poll that failed is tried again after so long, or at its usual time when that is sooner."""
log = logging.getLogger("cds_service")


@dataclass(frozen=True, slots=True, kw_only=True)
class _Found:
    """What some searches of a schedule brought."""

    seen: list[Seen] = field(default_factory=list)
    problem: str = ""
    """Why it is not complete."""
    failed: frozenset[str] = frozenset()
    """The patients whose own search is not complete."""

    def counted(self) -> Mapping[str, int]:
        """Return how many visits there are, and how many appointments that name no patient."""
        without = sum(each.standing == "nobodys" for each in self.seen)
        return {"visits": len(self.seen) - without, "without_patient": without}


@dataclass(frozen=True, slots=True, kw_only=True)
class Schedule:
    """Polls schedules and applies what they say. One for each process."""

    database: Database
    tokens: Tokens
    server_of: Callable[[Site], FhirServer]
    follow: Follow
    audit: Audit
    pauses: Pauses
    now: Callable[[], datetime]

    async def __call__(self, site: Site) -> None:
        """Poll one site, when it is due and no other process does; what goes wrong is kept for the operator.

        Raises what broke it.
        """
        way, prepare = way_of(site), site.file.prepare
        if prepare is None or not prepare.poll or way is None:
            return
        now, every, until = self.now(), _every(site), self._held(site)
        async with self.database.transaction() as connection:
            if not await feeds.claim(
                connection, self.database, site.name, now, until=until, every=every
            ):
                return
        counted: Counter[str] = Counter()
        try:
            problem = await self._polled(site, way, counted)
        except Exception as broke:
            await self._end(site, now, f"broke_{type(broke).__name__}"[:64], counted)
            raise
        await self._end(site, now, problem, counted)

    def _held(self, site: Site) -> datetime:
        return self.now() + min(_HELD, _every(site))

    async def _hold(self, site: Site, **told: object) -> None:
        """Keep a poll that goes on, and what is told of it."""
        async with self.database.transaction() as connection:
            await feeds.set_feed(
                connection, self.database, site.name, next_poll=self._held(site), **told
            )

    async def _end(self, site: Site, began: datetime, problem: str, counted: Counter[str]) -> None:
        """Keep how a poll ended, and when the next one is."""
        told: dict[str, object] = {"without_patient": counted["without_patient"]}
        if problem:
            told["next_poll"] = began + min(_every(site), _AGAIN)
            log.warning("site %s: the poll of its schedule failed: %s", site.name, problem)
        else:
            told |= {"polled_at": began, "next_poll": began + _every(site)}
        async with self.database.transaction() as connection:
            await feeds.set_feed(
                connection, self.database, site.name, reason=problem or None, **told
            )
            await self._tell(connection, site, problem, counted)

    async def _tell(
        self, connection: Connection, site: Site, problem: str, counted: Mapping[str, Fact]
    ) -> None:
        """Keep one entry for each time that a schedule was read, or could not be."""
        await self.audit.append(
            connection,
            site=site.name,
            action="poll",
            outcome=problem or "ok",
            at=self.now(),
            facts=counted,
        )

    async def _polled(self, site: Site, way: Way, counted: Counter[str]) -> str:
        """Poll and apply; returns what went wrong, or "". What was found is `counted`."""
        try:
            return await self._read_through(site, way, counted)
        except NoToken as refused:
            return f"token_{refused.detail}"[:64]
        except HadEnough as limit:
            return (await self.pauses.begin(site, limit)).reason

    async def _read_through(self, site: Site, way: Way, counted: Counter[str]) -> str:
        """Read a schedule and follow it; returns why it could not be read whole, or ""."""
        access = await self._access(site)
        if way == "patient":
            return await self._read_in_turn(site, access, counted)
        known = await self._known(site)
        found = await self._search(
            site, access, way, _places(site, way), first=self._today(site), days=_days(site)
        )
        counted["changed"] += await self.follow(site, found.seen)
        if not found.problem:
            counted["changed"] += await self._look_for(site, access, known, found.seen)
            if way == "date":  # else a visit may be at another place, or with another person
                in_doubt = _within(known, site, self._today(site), _days(site))
                counted["changed"] += await self.follow.let_go(in_doubt, found.seen)
        counted.update(found.counted())
        return found.problem

    async def _read_in_turn(self, site: Site, access: Access, counted: Counter[str]) -> str:
        """Do the same for one patient after the other, for some minutes; the next poll goes on from there."""
        clock, problem = self.server_of(site).clock, ""
        until = clock() + _ROUND_S
        for some in await self._in_turn(site):
            problem = await self._read_of(site, access, some, counted) or problem
            await self._hold(site, asked_last=some[-1])
            if clock() >= until:
                break
        return problem

    async def _read_of(
        self, site: Site, access: Access, patients: Collection[str], counted: Counter[str]
    ) -> str:
        """Read the schedules of some patients; one that cannot be read now is read in the next round."""
        known, ids = await self._known(site, patients), await self._met(site, patients)
        first, days = self._today(site), _days(site)
        found = await self._search(site, access, "patient", ids, first=first, days=days)
        counted["changed"] += await self.follow(site, found.seen)
        read = [each for each in known if each[1].patient not in found.failed]
        counted["changed"] += await self._look_for(site, access, read, found.seen)
        in_doubt = _within(read, site, first, days)
        counted["changed"] += await self.follow.let_go(in_doubt, found.seen)
        counted.update(found.counted())
        return found.problem

    async def stands(self, row: briefs.Row, site: Site) -> bool:
        """Return whether the visit that a booking told of is to be prepared for, as the EHR has it now.

        Where it cannot be looked for, it is. Raises `NoToken` and `HadEnough`.
        """
        visit, rules = await known_occasion(self.database, row), site.profile.visits
        if visit is None or visit.start is None or not self.follow.is_in_doubt(row, visit):
            return True
        if rules.poll != "fhir" or "patient" not in rules.poll_by:
            return True
        access, today = await self._access(site), self._today(site)
        if not access.covers("Appointment", site.profile, verb="s"):
            return True
        days = max(_days(site), (visit.start.astimezone(site.zone).date() - today).days + 1)
        found = await self._search(
            site, access, "patient", [visit.patient], first=today, days=days
        )
        if found.problem:
            return True
        await self.follow(site, found.seen)
        async with self.database.reading() as connection:
            now = await briefs.get(connection, row.id)
        if now is None or now.visit is not None:
            return now is not None and now.state == row.state
        in_doubt = _within([(now, visit)], site, today, days)
        return not await self.follow.let_go(in_doubt, found.seen)

    async def visits_of(self, site: Site, day: date) -> list[Visit]:
        """Return the booked visits of one day. Raises `BadCall` when this schedule cannot be asked for."""
        way = way_of(site)
        if way is None:
            raise BadCall(f"site {site.name}: the schedule of this vendor cannot be polled.")
        if left_alone := await self.pauses.told(site):
            raise BadCall(left_alone)
        access, ids = await self._access(site), _places(site, way)
        if way == "patient":
            ids = await self._met(site)
        counted: dict[str, Fact] = {"day": day.isoformat()}
        try:
            found = await self._search(site, access, way, ids, first=day, days=1)
            problem = found.problem
            counted |= found.counted()
        except HadEnough as limit:
            found, problem = _Found(), (await self.pauses.begin(site, limit)).reason
        async with self.database.transaction() as connection:
            await self._tell(connection, site, problem, counted)
        if problem:
            raise BadCall(f"site {site.name}: its schedule could not be read: {problem}.")
        return [seen.visit for seen in found.seen if seen.standing == "booked"]

    async def _search(
        self, site: Site, access: Access, way: Way, ids: Sequence[str], *, first: date, days: int
    ) -> "_Found":
        """Return what a schedule has of some days."""
        readings = [self._reading(path, site) for path in searches(site, ids, way, first, days)]
        await self._read(site, access, readings)
        seen = visits(r for each in readings for p in each.pages for r in p.resources)
        problems = [
            each.code or each.ended if each.ended != "complete" else "" for each in readings
        ]
        failed = dict(zip(ids, problems, strict=True)) if way == "patient" else {}
        return _Found(
            seen=seen,
            problem=min(filter(None, problems), default=""),
            failed=frozenset(name for name, problem in failed.items() if problem),
        )

    def _reading(self, path: str, site: Site) -> Reading:
        query = Query(need="appointment", key="appointment", type="Appointment", read=None)
        most = site.profile.search.max_pages_ahead
        return Reading(query=query, source="read", path=path, at=self.now(), max_pages=most)

    async def _read(self, site: Site, access: Access, readings: list[Reading]) -> None:
        """Read some at a time, so that an EHR which refuses us is not asked for all of them. Raises `HadEnough`."""
        server = self.server_of(site)
        for first in range(0, len(readings), _READ_EACH):
            some = readings[first : first + _READ_EACH]
            deadline = server.clock() + _LONGEST_S
            await read_all(some, server, access, site.profile, deadline)
            check_enough(some, site)

    def _today(self, site: Site) -> date:
        return self.now().astimezone(site.zone).date()

    async def _access(self, site: Site) -> Access:
        token = await self.tokens.token(site)
        return Access(token=token.value, scope=" ".join(sorted(token.scopes)))

    async def _look_for(
        self, site: Site, access: Access, known: Iterable[Known], found: Iterable[Seen]
    ) -> int:
        """Ask for each known visit by itself that a complete search did not find."""
        there = {each.visit.appointment for each in found}
        changed = 0
        for _, visit in known:
            if visit.appointment in {None, *there} or self.follow.is_over(visit):
                continue
            await self._hold(site)
            reading = self._reading(f"Appointment/{visit.appointment}", site)
            await self._read(site, access, [reading])
            if reading.code in _GONE:
                changed += await self.follow.cancel(site, visit, reason="visit_gone")
            still_there = visits(r for page in reading.pages for r in page.resources)
            changed += await self.follow(site, still_there)
        return changed

    async def _known(self, site: Site, patients: Collection[str] | None = None) -> list[Known]:
        """Return each visit that is to come, and each brief that has none; of these patients, or of all."""
        async with self.database.reading() as connection:
            rows = [
                row
                for rows in (stored_visits.known, stored_visits.announced)
                for row in await rows(connection, site.name, self.now(), patients=patients)
            ]
        return await self._opened(rows)

    async def _met(self, site: Site, patients: Collection[str] | None = None) -> list[str]:
        """Return the ids of who was met: also of those whose visit was called off, and may stand again."""
        async with self.database.reading() as connection:
            off = await stored_visits.called_off(
                connection, site.name, self.now(), patients=patients
            )
        met = [*await self._known(site, patients), *await self._opened(off)]
        return list(dict.fromkeys(visit.patient for _, visit in met))

    async def _opened(self, rows: Iterable[briefs.Row]) -> list[Known]:
        opened = [(row, await known_occasion(self.database, row)) for row in rows]
        return [(row, visit) for row, visit in opened if visit is not None]

    async def _in_turn(self, site: Site) -> list[list[str]]:
        """Return the patients who were met, some at a time, from where the last poll stopped."""
        async with self.database.reading() as connection:
            patients = await stored_visits.patients_to_come(connection, site.name, self.now())
            feed = (await feeds.feeds(connection)).get(site.name)
        first = bisect_right(patients, (feed and feed.asked_last) or "")
        turn = patients[first:] + patients[:first]
        return [turn[n : n + _READ_EACH] for n in range(0, len(turn), _READ_EACH)]


def _every(site: Site) -> timedelta:
    """Return how often this schedule is polled."""
    return timedelta(minutes=site.file.prepare.poll_every_minutes if site.file.prepare else 0)


def _days(site: Site) -> int:
    """Return how many days a poll covers, today included."""
    return site.file.prepare.look_ahead_days + 1 if site.file.prepare else 1


def _places(site: Site, way: Way) -> list[str]:
    """Return the ids of the site file that a search is by."""
    prepare = site.file.prepare
    if prepare is None or way == "date":
        return []
    return list(prepare.locations if way == "location" else prepare.practitioners)


def _within(known: Iterable[Known], site: Site, first: date, days: int) -> list[Known]:
    """Return the bookings without a visit that start on these days."""
    last = first + timedelta(days=days)
    return [
        (row, visit)
        for row, visit in known
        if row.visit is None
        and visit.start is not None
        and first <= visit.start.astimezone(site.zone).date() < last
    ]
