"""From a verified call to a Context: what was prefetched, then reads for what was not.

The decision table is the one of CDS Hooks 2.0.1, "Providing FHIR Resources to a CDS Service":

    received                      with access            without
    resource, Bundle              use                    use
    Bundle with a next link       follow it              partial
    empty Bundle, null            none                   none   (null for the patient: as if absent)
    OperationOutcome              failed, never re-asked failed
    absent (or not FHIR at all)   read                   not requested; 412 when it is the patient
"""

import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime

from cds_service.context.access import Access
from cds_service.context.enough import HadEnough, reached_limit
from cds_service.context.ledger import build_ledger, is_theirs
from cds_service.context.reads import Reading, read_all
from cds_service.context.results import Results, unpack
from cds_service.domain.call import HookRequest
from cds_service.domain.errors import MissingContext
from cds_service.domain.evidence import Context, Ledger
from cds_service.domain.json import JsonObject
from cds_service.domain.needs import NEEDS
from cds_service.fhir.client import FhirServer
from cds_service.fhir.elements import code, obj, objs, reference
from cds_service.hook import HookService
from cds_service.sites import Site
from cds_service.vendors import Profile, Query

_MAX_REFERENCED = 20
_MEDICATION = re.compile(r"Medication/(?!\.{1,2}$)[A-Za-z0-9\-.]{1,64}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Gather:
    """Gathers the record that a service asks for. One for each process."""

    server_of: Callable[[Site], FhirServer]
    now: Callable[[], datetime]
    met: Callable[[Site, HadEnough], None] = lambda _site, _why: None
    """Is told when a call's reads meet a daily limit; it must not wait for anything."""

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
        now, server = self.now(), self.server_of(site)
        plan = [q for need in service.needs for q in site.queries[need]]
        readings = [r for q in plan if (r := _start(q, request, site, now)) is not None]
        await _finish(readings, server, granted, site.profile, deadline)
        collected = [reading.collected() for reading in readings]
        ledger = build_ledger(request, service, site, collected, now)
        medications = (
            referenced(ledger, server.base_url, now, _MAX_REFERENCED) if granted.is_usable else []
        )
        if medications:
            await read_all(medications, server, granted, site.profile, deadline)
            collected += [each.collected() for each in medications if each.pages]
            ledger = build_ledger(request, service, site, collected, now)
        if (limit := reached_limit([*readings, *medications], site)) is not None:
            self.met(site, limit)
        if ledger.get(ledger.patient) is None:
            raise MissingContext
        return Context(
            site=site.name,
            hook=request.hook,
            patient=request.patient_id,
            encounter=request.encounter_id,
            now=now,
            zone=site.zone,
            tables=site.tables,
            ledger=ledger,
            proposed=proposed(request, site),
        )


def proposed(request: HookRequest, site: Site) -> tuple[JsonObject, ...]:
    """Return the appointments that are being booked (`appointment-book`) for this patient."""
    entries = objs(obj(request.context, "appointments"), "entry")
    drafts = (obj(entry, "resource") for entry in entries)
    mine = f"Patient/{request.patient_id}"
    ours = frozenset({mine, f"{site.file.fhir.base_url}/{mine}"})
    return tuple(draft for draft in drafts if is_theirs(draft, ours))


def _start(query: Query, request: HookRequest, site: Site, now: datetime) -> Reading | None:
    """Begin a query with what was prefetched; None when this call has no such thing to read."""
    ids = {"patientId": request.patient_id, "encounterId": request.encounter_id or ""}
    path = query.path(ids, now.astimezone(site.zone).date())
    if path is None:
        return None
    reading = Reading(query=query, source="prefetch", path=path, at=now)
    if query.key not in request.prefetch:
        return replace(reading, source="read")
    sent = unpack(request.prefetch[query.key], query, site.profile)
    if sent is None or (NEEDS[query.need].vital and _says_none(sent)):
        return replace(reading, source="read")
    reading.pages.append(sent)
    reading.path = sent.next
    reading.ended = "timeout" if sent.next else "complete"
    return reading


def _says_none(sent: Results) -> bool:
    return sent.state == "complete" and not sent.resources


async def _finish(
    readings: list[Reading], server: FhirServer, granted: Access, profile: Profile, deadline: float
) -> None:
    """Read what was not prefetched in full, or say that nobody may."""
    pending = [reading for reading in readings if reading.ended == "timeout"]
    if granted.is_usable:
        await read_all(pending, server, granted, profile, deadline)
        return
    for reading in pending:
        reading.ended = "partial" if reading.pages else "no_access"


def referenced(ledger: Ledger, base_url: str, now: datetime, most: int) -> list[Reading]:
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
        Reading(query=query, source="read", path=target, at=now) for target in list(wanted)[:most]
    ]
