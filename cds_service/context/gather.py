"""From a verified call to a Context: what was prefetched, then reads for what was not.

The decision table is the one of CDS Hooks 2.0.1, "Providing FHIR Resources to a CDS Service":

    received                      with access            without
    resource, Bundle              use                    use
    Bundle with a next link       follow it              partial
    empty Bundle, null            none                   none   (null for the patient: as if absent)
    OperationOutcome              failed, never re-asked failed
    absent (or not FHIR at all)   read                   not requested; 412 when it is the patient
"""

import asyncio
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from http import HTTPStatus
from typing import Literal

from cds_service.context.access import Access
from cds_service.context.ledger import Collected, build_ledger
from cds_service.context.results import Results, unpack
from cds_service.domain.call import HookRequest
from cds_service.domain.errors import MissingContext
from cds_service.domain.evidence import Context, Ledger, SearchState, Source
from cds_service.domain.needs import NEEDS
from cds_service.fhir.client import Answer, FhirServer
from cds_service.fhir.elements import code, obj, objs, reference
from cds_service.hook import HookService
from cds_service.sites import Site
from cds_service.vendors import Profile, Query, queries

_MAX_REFERENCED = 20
_MEDICATION = re.compile(r"Medication/(?!\.{1,2}$)[A-Za-z0-9\-.]{1,64}")


@dataclass(slots=True, kw_only=True)
class Reading:
    """One query under way: pages are kept as they come, so that a deadline loses only what was not read."""

    query: Query
    source: Source
    path: str | None
    pages: list[Results] = field(default_factory=list)
    ended: SearchState = "timeout"
    code: str = ""
    at: datetime

    def collected(self) -> Collected:
        """Return what this query brought and how far it got."""
        states = {page.state for page in self.pages} - {"complete"}
        found = tuple(r for page in self.pages for r in page.resources)
        state = self.ended if self.ended != "complete" or not states else min(states)
        if found and state in {"timeout", "failed", "denied"}:
            state = "partial"
        return Collected(
            query=self.query,
            source=self.source,
            state=state,
            resources=found,
            unusable=sum(page.unusable for page in self.pages),
            code=self.code or next((p.code for p in self.pages if p.code), ""),
            at=self.at,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Gather:
    """Gathers the record that a service asks for. One for each process."""

    servers: Mapping[str, FhirServer]
    now: Callable[[], datetime]

    async def __call__(
        self,
        granted: Access,
        request: HookRequest,
        service: HookService,
        site: Site,
        *,
        deadline: float,
    ) -> Context:
        """Return the Context of the call's patient, complete or with its gaps named.

        `deadline` is on the event loop's clock; reads that are not back by then are gaps. Raises
        `MissingContext` when the patient can be had neither from prefetch nor from the server.
        """
        now, server = self.now(), self.servers[site.name]
        plan = [q for need in service.needs for q in queries(need, site.profile)]
        readings = [r for q in plan if (r := _start(q, request, site, now)) is not None]
        pending = [r for r in readings if r.ended == "timeout"]
        if granted.is_usable:
            await _read_all(pending, server, granted, site.profile, deadline)
        else:
            for reading in pending:
                reading.ended = "partial" if reading.pages else "no_access"
        collected = [reading.collected() for reading in readings]
        ledger = build_ledger(request, service, site, collected, now)
        medications = _referenced(ledger, server.base_url, now) if granted.is_usable else []
        if medications:
            await _read_all(medications, server, granted, site.profile, deadline)
            collected += [each.collected() for each in medications if each.pages]
            ledger = build_ledger(request, service, site, collected, now)
        if NEEDS["patient"].vital and ledger.get(ledger.patient) is None:
            raise MissingContext
        return Context(
            site=site.name,
            hook=request.hook,
            patient=request.patient_id,
            encounter=request.encounter_id,
            now=now,
            zone=site.zone,
            ledger=ledger,
            proposed=tuple(
                obj(entry, "resource")
                for entry in objs(obj(request.context, "appointments"), "entry")
            ),
        )


def _start(query: Query, request: HookRequest, site: Site, now: datetime) -> Reading | None:
    """Begin a query with what was prefetched; None when this call has no such thing to read."""
    ids = {"patientId": request.patient_id, "encounterId": request.encounter_id or ""}
    path = query.path(ids, now.astimezone(site.zone).date())
    if path is None:
        return None
    reading = Reading(query=query, source="prefetch", path=path, at=now)
    sent = (
        unpack(request.prefetch[query.key], query, site.profile)
        if query.key in request.prefetch
        else None
    )
    if sent is None or (
        not sent.resources and NEEDS[query.need].vital and sent.state == "complete"
    ):
        reading.source = "read"
        return reading
    reading.pages.append(sent)
    reading.path = sent.next
    reading.ended = "timeout" if sent.next else "complete"
    return reading


async def _read_all(
    readings: list[Reading], server: FhirServer, granted: Access, profile: Profile, deadline: float
) -> None:
    """Run the reads at once until all are back or the deadline has come."""
    loop = asyncio.get_running_loop()
    tasks = [loop.create_task(_read(r, server, granted, profile, deadline)) for r in readings]
    if not tasks:
        return
    try:
        await asyncio.wait(tasks, timeout=max(0.0, deadline - loop.time()))
    finally:  # also when this call is cancelled: no read outlives it
        for task in tasks:
            task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    for task in tasks:
        if not task.cancelled():
            task.result()


async def _read(
    reading: Reading, server: FhirServer, granted: Access, profile: Profile, deadline: float
) -> None:
    """Read one query, page by page, on this server's base only."""
    verb: Literal["r", "s"] = "r" if reading.query.read else "s"
    if not granted.covers(reading.query.type, profile, verb=verb):
        reading.ended, reading.code = "denied", "scope"
        return
    path = reading.path
    for _ in range(profile.search.max_pages):
        url = server.on_base(path) if path else None
        if url is None:
            reading.ended = "partial" if path else "complete"
            reading.code = "foreign_next" if path else ""
            return
        answer = await server.get(url, token=granted.token, deadline=deadline)
        page = _page(answer, reading.query, profile)
        if page is None:
            reading.ended, reading.code = _failure(answer, reading.query, profile)
            return
        reading.pages.append(page)
        path = page.next
    reading.ended, reading.code = ("partial", "more_pages") if path else ("complete", "")


def _page(answer: Answer, query: Query, profile: Profile) -> Results | None:
    """Read a body; an error status still counts when the vendor means "nothing found" by it."""
    page = unpack(answer.body, query, profile) if isinstance(answer.body, dict) else None
    told_empty = page is not None and page.state == "complete" and page.code != ""
    return page if answer.status == HTTPStatus.OK or told_empty else None


def _failure(answer: Answer, query: Query, profile: Profile) -> tuple[SearchState, str]:
    """Say why an answer is none; a vendor's code for "not for you" counts at any status."""
    if answer.fault == "timeout":
        return "timeout", ""
    told = unpack(answer.body, query, profile) if isinstance(answer.body, dict) else None
    if answer.status in {401, 403}:
        return "denied", str(answer.status)
    if told is not None and told.state == "denied":
        return "denied", told.code
    if answer.status not in {0, HTTPStatus.OK}:
        return "failed", str(answer.status)
    return "failed", answer.fault or "not_fhir"


def _referenced(ledger: Ledger, base_url: str, now: datetime) -> list[Reading]:
    """Return reads of the Medications that orders point to without saying their name.

    The chart chooses the id and nothing else of what is read: not the address, the type or the query.
    """
    wanted: dict[str, None] = {}
    for kind in ("MedicationRequest", "MedicationStatement"):
        for item in ledger.of_type(kind):
            target = reference(item.resource, "medicationReference").removeprefix(f"{base_url}/")
            named = code(obj(item.resource, "medicationReference"), "display")
            if _MEDICATION.fullmatch(target) and not named and ledger.get(target) is None:
                wanted[target] = None
    query = Query(need="medications", key="medications", type="Medication", read="id")
    return [
        Reading(query=query, source="read", path=target, at=now)
        for target in list(wanted)[:_MAX_REFERENCED]
    ]
