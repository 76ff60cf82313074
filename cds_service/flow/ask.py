"""Asks for briefs ahead of visits. Whatever asks, and however often: one visit and moment is one row.

A row's id is made from what it is for, so that a hook, a poll and a person who ask for the same brief name the same
row, without looking first; a row that is there already stays as it is. A hook tells of a booking before its Appointment
has an id, so that a visit's first rows are called by patient and time. Where those are another visit's, or have ended
although the visit is still to come, the next ones are called by the Appointment, too, and numbered.
"""

import logging
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, time, timedelta
from itertools import count
from typing import Any
from uuid import UUID, uuid5

from cds_service.audit import Audit
from cds_service.domain.errors import Misconfigured
from cds_service.domain.json import decode, encode
from cds_service.domain.visit import GRACE, Visit
from cds_service.sites import Site
from cds_service.storage import Connection, Database, briefs, visits

_NAMESPACE = UUID("6f1c2f4e-7f0f-5d0a-9c83-0d6f8f7e2a11")
_EVENING = time(18, 0)
_WITHOUT_VISIT = timedelta(hours=36)
"""How long a brief serves that was prepared because a chart was opened."""
_LENGTH = timedelta(hours=1)
"""Of a visit that does not say when it ends."""
log = logging.getLogger("cds_service")
_AGAIN = timedelta(minutes=15)
BY_HAND: Mapping[str, Any] = {"asked": "by hand"}
"""What stands among the versions of a brief that a person asked for, and of none that it asks for in turn."""
TRIED_AGAIN = "tried_again"
"""Where a brief keeps the revision with which a person had it tried again: breaks before it do not count."""
_ITS_OWN = frozenset({*BY_HAND, TRIED_AGAIN})


@dataclass(frozen=True, slots=True, kw_only=True)
class Ask:
    """Makes the rows that ask for briefs. One for each process."""

    database: Database
    audit: Audit
    now: Callable[[], datetime]

    def for_visit(self, visit: Visit, site: Site) -> list[dict[str, Any]]:
        """Return a row for each moment at which this site wants a visit's brief made or refreshed."""
        return [
            self._row(visit, site, _first_name(visit, moment), due)
            for moment, due in _moments(visit, site, self.now())
        ]

    async def for_booked(self, visit: Visit, site: Site) -> None:
        """Ask for a visit's briefs as its schedule has it now; what ended before the visit is asked for anew."""
        async with self.database.transaction() as connection:
            for moment, due in _moments(visit, site, self.now()):
                await self._ask_once(connection, visit, site, moment, due)

    async def _ask_once(
        self, connection: Connection, visit: Visit, site: Site, moment: str, due: datetime
    ) -> None:
        """Add the first row for a moment that no row stands for yet, unless one serves this visit."""
        key = self.database.blind(visit.key, site=site.name)
        for name in _names(visit, moment, key):
            there = await briefs.get(connection, self._id(visit, site, name))
            if there is None:
                await self.add(connection, [self._row(visit, site, name, due)])
                return
            if there.state in briefs.ENDED or there.visit not in {None, key}:
                continue
            if there.visit == key or await self._bind(connection, there, visit, site):
                return

    async def _bind(
        self, connection: Connection, row: briefs.Row, visit: Visit, site: Site
    ) -> bool:
        """Say which visit a row is for that a booking asked for; False when nobody can tell whose it is.

        The chart may have been merged since.
        """
        whose = await known_occasion(self.database, row)
        if whose is None:
            return False
        named = replace(visit, patient=whose.patient, merged_from=whose.merged_from)
        told = self.occasion(row.id, site, named)
        await briefs.name_visit(connection, row.id, told["visit"], told["occasion"])
        return True

    def for_chart(
        self, visit: Visit, site: Site, not_shown: str = "", number: int = 1
    ) -> dict[str, Any]:
        """Return the row that asks for a brief because a chart was opened and there was none that may be shown.

        It is the same for every click within an hour, as long as what is `not_shown` (the id of a brief, or none)
        stays the same. A `number` has it called anew where one has come to nothing.
        """
        what_for = f"chart|{self.now():%Y-%m-%dT%H}|{not_shown}"
        return self._row(visit, site, _numbered(what_for, number), self.now())

    async def has_visit_waiting(self, row: briefs.Row) -> bool:
        """Return whether the patient of a chart that was opened has been booked since: that visit's brief serves both.

        A person who asked gets the brief that was asked for.
        """
        visit = await known_occasion(self.database, row)
        if visit is None or visit.start is not None or is_by_hand(row):
            return False
        async with self.database.reading() as connection:
            found = await visits.waiting(connection, row.site, row.patient, self.now())
        others = [await known_occasion(self.database, each) for each in found]
        return any(each is not None and each.start is not None for each in others)

    def refresh(self, visit: Visit, site: Site, stale: str, number: int = 1) -> dict[str, Any]:
        """Return the row that asks for a newer brief than a stale one: the same for every click within an hour.

        One that could not be made is asked for again after it.
        """
        what_for = f"stale|{stale}|{self.now():%Y-%m-%dT%H}"
        return self._row(visit, site, _numbered(what_for, number), self.now())

    async def by_hand(self, visit: Visit, site: Site, *, by: str) -> str:
        """Ask for a brief now, unless one waits or is being made; returns its id. The audit keeps who asked."""
        row = self._row(visit, site, f"hand|{self.now().isoformat()}", self.now())
        async with self.database.transaction() as connection:
            found = await visits.waiting(connection, site.name, row["patient"], row["due"])
            same = [r.id for r in found if r.visit == row["visit"] and is_by_hand(r)]
            if not same:
                await self.add(connection, [row | {"versions": dict(BY_HAND)}])
            brief = same[0] if same else str(row["id"])
            await self.audit.append(
                connection,
                site=site.name,
                action="ask",
                outcome="waits" if same else "requested",
                at=self.now(),
                facts={"by": "hand"},
                actor=by,
                patient=f"Patient/{visit.patient}",
                brief=brief,
            )
        return brief

    def again(
        self, row: briefs.Row, site: Site, visit: Visit, *, most: int
    ) -> list[dict[str, Any]]:
        """Return the row that asks for a better brief than one whose record could be read only in part, a few times."""
        number = int(row.versions.get("again", 0)) + 1
        if number > most:
            return []
        wanted = self._row(visit, site, f"again|{row.id}", self.now() + _AGAIN * number)
        own = _ITS_OWN | site.versions.keys()
        asked = {name: told for name, told in row.versions.items() if name not in own}
        return [wanted | {"versions": {**asked, "again": number}}]

    async def store(self, rows: list[dict[str, Any]]) -> None:
        """Store rows; what was asked for before stays as it is."""
        async with self.database.transaction() as connection:
            await self.add(connection, rows)

    async def add(self, connection: Connection, rows: list[dict[str, Any]]) -> None:
        """Store rows within the caller's transaction."""
        await briefs.add(connection, self.database, rows)
        for row in rows:
            if row["visit"] is not None:
                await briefs.name_visit(connection, row["id"], row["visit"], row["occasion"])

    def occasion(self, brief_id: str, site: Site, visit: Visit) -> dict[str, Any]:
        """Return the columns that say whose brief it is, and for which visit; only the seal can be read back."""
        told = {
            "patient": visit.patient,
            "merged_from": visit.merged_from,
            "appointment": visit.appointment,
            "encounter": visit.encounter,
            "start": visit.start.isoformat() if visit.start else None,
            "end": visit.end.isoformat() if visit.end else None,
        }
        has_visit = visit.appointment is not None or visit.encounter is not None
        blind, seal = self.database.blind, self.database.seal
        return {
            "patient": blind(f"Patient/{visit.patient}", site=site.name),
            "visit": blind(visit.key, site=site.name) if has_visit else None,
            "occasion": seal(encode(told), place=f"brief|occasion|{brief_id}|{site.name}"),
        }

    def _id(self, visit: Visit, site: Site, what_for: str) -> str:
        whose = self.database.blind(f"Patient/{visit.patient}", site=site.name)
        return str(uuid5(_NAMESPACE, f"{site.name}|{whose}|{what_for}"))

    def _row(self, visit: Visit, site: Site, what_for: str, due: datetime) -> dict[str, Any]:
        now, brief_id = self.now(), self._id(visit, site, what_for)
        return {
            "id": brief_id,
            "site": site.name,
            "state": "requested",
            "source": "prepare",
            "revision": 1,
            "created": now,
            "changed": now,
            "due": due,
            "expires_at": expires(visit, now),
            "rules_version": "",
            "versions": {},
            **self.occasion(brief_id, site, visit),
        }


def is_by_hand(row: briefs.Row) -> bool:
    """Return whether a person asked for a brief, or had one tried again that had failed."""
    return BY_HAND.items() <= row.versions.items()


def expires(visit: Visit, now: datetime) -> datetime:
    """Return when a visit's brief is of no more use."""
    if visit.start is None:
        return now + _WITHOUT_VISIT
    return (visit.end or visit.start + _LENGTH) + GRACE


async def open_occasion(database: Database, row: briefs.Row) -> Visit:
    """Return whose brief a row is and for which visit."""
    if row.occasion is None:
        return Visit(patient="")
    plain = await database.open(row.occasion, place=f"brief|occasion|{row.id}|{row.site}")
    told: Any = decode(plain)
    start, end = (datetime.fromisoformat(told[n]) if told[n] else None for n in ("start", "end"))
    return Visit(
        patient=told["patient"],
        merged_from=told.get("merged_from"),  # an earlier release did not keep it
        appointment=told["appointment"],
        encounter=told["encounter"],
        start=start,
        end=end,
    )


async def known_occasion(database: Database, row: briefs.Row) -> Visit | None:
    """Return the same, or None where it does not open: its key is lost, or it was changed. The log tells of it."""
    try:
        return await open_occasion(database, row)
    except Misconfigured:
        log.warning(
            "brief %s: what it is for does not open: its key is lost, or it was changed", row.id
        )
        return None


def _moments(visit: Visit, site: Site, now: datetime) -> Iterator[tuple[str, datetime]]:
    """Yield (name, when) of each refresh that this site wants; what would have been earlier is wanted now."""
    wanted = site.file.prepare.refresh if site.file.prepare else ()
    found = dict(_times(visit, site, now))
    times = {name: found[name] for name in wanted if name in found}
    ahead = {name: moment for name, moment in times.items() if moment > now}
    if "booking" in wanted:
        yield "booking", now
    elif not ahead:  # the last of them stands for itself: made at its time, it is there already
        yield max(times, key=times.__getitem__, default="booking"), now
    yield from ahead.items()


def _times(visit: Visit, site: Site, now: datetime) -> Iterator[tuple[str, datetime]]:
    yield "booking", now
    if visit.start is not None:
        day = visit.start.astimezone(site.zone).date() - timedelta(days=1)
        yield "evening-before", datetime.combine(day, _EVENING, site.zone)
        yield "1h-before", visit.start - timedelta(hours=1)


def _names(visit: Visit, moment: str, key: str) -> Iterator[str]:
    """Yield what a visit's rows for one moment are called, in their order; `key` is the visit's blind index."""
    first = _first_name(visit, moment)
    yield first
    if visit.start is not None:  # else nobody can say that it is still to come
        yield from (f"{first}|{key}|{number}" for number in count(2))


def _numbered(what_for: str, number: int) -> str:
    return what_for if number == 1 else f"{what_for}|{number}"


def _first_name(visit: Visit, moment: str) -> str:
    return f"visit|{_instant(visit.start)}|{moment}"


def _instant(moment: datetime | None) -> str:
    return moment.astimezone(UTC).isoformat() if moment else ""
