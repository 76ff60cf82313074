"""Gathers a whole record ahead of a visit: everything that may be read, every page, at the pace of its site.

Nobody waits for it, so that it can do what a hook call cannot: go to the last page, wait out an EHR that is busy, and
go on after a restart with what it had. What stays unreadable is a named gap, as in any record.
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Protocol

from cds_service.context.access import Access
from cds_service.context.around import Around
from cds_service.context.enough import check_enough
from cds_service.context.gather import referenced
from cds_service.context.ledger import Collected, record_ledger
from cds_service.context.reads import Reading, read_all
from cds_service.domain.errors import MissingContext
from cds_service.domain.evidence import Context, Ledger
from cds_service.domain.json import decode, encode
from cds_service.domain.needs import NEEDS, NeedName
from cds_service.domain.steps import Permanent, Temporary
from cds_service.domain.visit import Visit
from cds_service.fhir.client import FhirServer
from cds_service.fhir.elements import code, objs, reference
from cds_service.sites import Site
from cds_service.vendors import Query

SAVE_EVERY_S = 2.0
"""What came in meanwhile is kept, so that a restart asks for it no more."""
LONGEST_S = 900.0
KEPT = timedelta(minutes=30)
"""What was read longer ago is read again: a chart changes meanwhile, and "none found" would be told of another day."""
_MAX_MERGES = 3
_MAX_REFERENCED = 200
_PASSING = frozenset({"connection", "held", "not_json", "401", "429", "500", "502", "503", "504"})
"""Reasons of a failed read that may be gone in a moment; a code that the vendor calls permanent is none of them."""
_GONE = frozenset({"404", "410"})
REFUSED = "patient_refused"
"""Why a brief failed whose very patient is denied to us, by a code of the vendor's that is never asked again."""


PathOf = Callable[[Query], str | None]
"""What a query is for this patient, today."""


DeniedOf = Callable[[str], Awaitable[Mapping[str, str]]]
"""What was denied before of a patient (a bare id): by the query's key, with the code."""


class Parts(Protocol):
    """Where finished queries of one brief are kept until the record is whole."""

    async def load(self) -> Mapping[str, bytes]:
        """Return what is kept, by the query's key."""
        ...

    async def save(self, parts: Mapping[str, bytes]) -> None:
        """Keep more of it."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Gathered:
    """A record, and whose it turned out to be."""

    ledger: Ledger = field(repr=False)
    patient: str = field(repr=False)
    """The bare id; another than was asked for when the charts were merged."""
    passing: tuple[str, ...]
    """Keys of queries that failed for a reason that may pass."""


@dataclass(frozen=True, slots=True)
class _Ehr:
    """Whom we ask, and until when."""

    server: FhirServer
    access: Access
    site: Site
    deadline: float

    async def read(self, readings: list[Reading]) -> None:
        """Run queries at once. Raises `HadEnough`."""
        await read_all(readings, self.server, self.access, self.site.profile, self.deadline)
        check_enough(readings, self.site)

    async def read_whole(self, reading: Reading, path_of: PathOf) -> None:
        """Run one query to its last page: anew when its paging session was lost, around what cannot be sent."""
        path, rules = reading.path, self.site.profile.search
        await self._read_one(reading)
        if reading.code in rules.restart_codes:
            reading.pages.clear()
            reading.path, reading.ended, reading.code = path, "timeout", ""
            await self._read_one(reading)
        if reading.code in rules.stored_data_codes:
            await Around(reading=reading, read=self._read_one, path_of=path_of, rules=rules)()

    async def _read_one(self, reading: Reading) -> None:
        await self.read([reading])

    def may_pass(self, reading: Reading) -> bool:
        """Return whether asking again may bring what this query lacks."""
        if reading.code in self.site.profile.search.stored_data_codes:
            return False
        return reading.ended == "timeout" or (
            reading.ended in {"failed", "denied"} and reading.code in _PASSING
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class GatherWhole:
    """Gathers whole records. One for each process."""

    server_of: Callable[[Site], FhirServer]
    """The server at the pace that the site allows for work ahead."""
    now: Callable[[], datetime]

    async def __call__(
        self,
        visit: Visit,
        access: Access,
        site: Site,
        parts: Parts,
        *,
        needs: Sequence[NeedName],
        denied: DeniedOf,
    ) -> Gathered:
        """Return the record of a visit's patient, with what failed named in it.

        Queries that were `denied` before are not sent again; of a merged chart, under either name. Raises `Temporary`
        when the patient cannot be read now, `HadEnough`, and `Permanent` when there is no such patient for us.
        """
        server, now = self.server_of(site), self.now()
        ehr = _Ehr(server, access, site, server.clock() + LONGEST_S)
        before = await denied(visit.patient)
        patient, first = await self._patient(visit.patient, ehr)
        if patient != visit.patient:
            before = {**before, **await denied(patient)}
        plan = {q.key: q for need in needs for q in site.queries[need]}
        kept = _not_asked(before, plan, now)
        if patient == visit.patient:
            kept = _unpacked(await parts.load(), plan, ehr, now) | kept
        ids = {"patientId": patient, "encounterId": visit.encounter or ""}
        today, most = now.astimezone(site.zone).date(), site.profile.search.max_pages_ahead

        def path_of(query: Query) -> str | None:
            return query.path(ids, today)

        readings = [
            Reading(query=q, source="read", path=path, at=now, max_pages=most)
            for key, q in plan.items()
            if q.need != "patient" and key not in kept and (path := path_of(q))
        ]
        await _run(readings, ehr, parts, path_of)
        collected = [first, *kept.values(), *(each.collected() for each in readings)]
        ledger = record_ledger(patient, needs, site, collected, now)
        medications = referenced(ledger, server.base_url, now, _MAX_REFERENCED)
        await ehr.read(medications)
        collected += [each.collected() for each in medications if each.pages]
        return Gathered(
            ledger=record_ledger(patient, needs, site, collected, now),
            patient=patient,
            passing=tuple(each.query.key for each in readings if ehr.may_pass(each)),
        )

    async def _patient(self, patient: str, ehr: _Ehr) -> tuple[str, Collected]:
        """Read the patient, and follow merged charts to the one that is kept."""
        [query] = ehr.site.queries["patient"]
        for _ in range(_MAX_MERGES):
            reading = Reading(query=query, source="read", path=f"Patient/{patient}", at=self.now())
            await ehr.read([reading])
            if not reading.pages or not reading.pages[0].resources:
                raise _unreadable(reading, ehr)
            heir = _heir(reading.pages[0].resources[0], ehr.server.base_url)
            if heir is None:
                return patient, reading.collected()
            patient = heir
        raise Permanent("merged_in_a_circle")


def oldest_read(ledger: Ledger) -> datetime:
    """Return since when a record may have changed: it is as old as the oldest search that it stands on."""
    return min(search.at for search in ledger.searches)


def whole_context(gathered: Gathered, visit: Visit, site: Site) -> Context:
    """Return the Context of a gathered record, whose moment is that of its oldest read, whenever it is written.

    Raises `MissingContext` when it lacks the patient.
    """
    if gathered.ledger.get(gathered.ledger.patient) is None:
        raise MissingContext
    return Context(
        site=site.name,
        hook="prepare",
        patient=gathered.patient,
        encounter=visit.encounter,
        now=oldest_read(gathered.ledger),
        zone=site.zone,
        tables=site.tables,
        ledger=gathered.ledger,
    )


def wanted(needs: Iterable[NeedName], access: Access, site: Site) -> tuple[NeedName, ...]:
    """Return these needs, and all others that the token may read as well."""
    asked = frozenset(needs)
    return tuple(
        name
        for name, need in NEEDS.items()
        if name in asked or access.covers(need.type, site.profile, verb="s")
    )


async def _run(readings: list[Reading], ehr: _Ehr, parts: Parts, path_of: PathOf) -> None:
    """Run the queries; every few seconds, keep what is finished. Raises `HadEnough`."""
    tasks = {asyncio.create_task(ehr.read_whole(each, path_of)): each for each in readings}
    waiting: set[asyncio.Task[None]] = set(tasks)
    unsaved: list[Reading] = []
    try:
        while waiting:
            done, waiting = await asyncio.wait(waiting, timeout=SAVE_EVERY_S)
            # One that raised was stopped, by a daily limit say: it is no outcome, whatever it brought.
            ended = (tasks[task] for task in done if task.exception() is None)
            unsaved += [each for each in ended if not ehr.may_pass(each)]
            if waiting or any(ehr.may_pass(each) for each in readings):
                await parts.save({each.query.key: _packed(each.collected()) for each in unsaved})
                unsaved.clear()
            for task in done:
                task.result()
    finally:
        for task in waiting:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


def _unreadable(reading: Reading, ehr: _Ehr) -> Exception:
    if ehr.may_pass(reading):
        return Temporary(f"patient_{reading.code or reading.ended}")
    if reading.code in ehr.site.profile.search.denied_codes:
        return Permanent(REFUSED)
    return Permanent("no_such_patient" if reading.code in _GONE else f"patient_{reading.ended}")


def _heir(patient: Mapping[str, object], base_url: str) -> str | None:
    """Return the id of the chart that replaces this one (FHIR R4, Patient.link), or None."""
    for link in objs(patient, "link"):
        if code(link, "type") == "replaced-by":
            kind, _, identity = (
                reference(link, "other").removeprefix(f"{base_url}/").partition("/")
            )
            if kind == "Patient" and identity and "/" not in identity:
                return identity
            raise Permanent("merged_elsewhere")
    return None


def _packed(found: Collected) -> bytes:
    told = {
        "key": found.query.key,
        "state": found.state,
        "code": found.code,
        "unusable": found.unusable,
        "at": found.at.isoformat(),
        "resources": found.resources,
    }
    return encode(told)


def _unpacked(
    parts: Mapping[str, bytes], plan: Mapping[str, Query], ehr: _Ehr, now: datetime
) -> dict[str, Collected]:
    """Return what is kept of the queries of this plan: what was read lately, and what was denied for good."""
    found = [_collected(decode(parts[key]), query) for key, query in plan.items() if key in parts]
    codes = ehr.site.profile.search.denied_codes
    denied = {e.query.key: e.code for e in found if e.state == "denied" and e.code in codes}
    lately = {each.query.key: each for each in found if each.at >= now - KEPT}
    return lately | _not_asked(denied, plan, now)


def _not_asked(
    denied: Mapping[str, str], plan: Mapping[str, Query], now: datetime
) -> dict[str, Collected]:
    """Return what stands for queries that were denied before and are not sent."""
    return {
        key: Collected(
            query=plan[key],
            source="read",
            state="denied",
            resources=(),
            unusable=0,
            code=code,
            at=now,
        )
        for key, code in denied.items()
        if key in plan
    }


def _collected(told: Any, query: Query) -> Collected:  # noqa: ANN401  # decoded JSON
    return Collected(
        query=query,
        source="read",
        state=told["state"],
        resources=tuple(told["resources"]),
        unusable=told["unusable"],
        code=told["code"],
        at=datetime.fromisoformat(told["at"]),
    )
