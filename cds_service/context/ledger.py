"""Builds the ledger: keeps what is this patient's, drops and counts what is not."""

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from datetime import datetime
from hashlib import blake2b

from cds_service.context.policy import withhold
from cds_service.domain.call import HookRequest
from cds_service.domain.evidence import (
    Evidence,
    Gap,
    GapReason,
    Ledger,
    Search,
    SearchState,
    Source,
)
from cds_service.domain.json import JsonObject, encode
from cds_service.domain.needs import NeedName
from cds_service.fhir.compartment import patient_of
from cds_service.fhir.elements import code, obj, objs, type_and_id, version
from cds_service.hook import HookService
from cds_service.sites import Site
from cds_service.vendors import Query

_WHY = frozenset(
    {"reasonCode", "reasonReference", "serviceType", "appointmentType", "description"}
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Collected:
    """What one query brought, over all its pages."""

    query: Query
    source: Source
    state: SearchState
    resources: tuple[JsonObject, ...] = field(repr=False)
    unusable: int
    code: str
    at: datetime


def build_ledger(
    request: HookRequest,
    service: HookService,
    site: Site,
    collected: Iterable[Collected],
    now: datetime,
) -> Ledger:
    """Build the ledger of one call. Resources of another patient are dropped and counted by need."""
    ours = _ours(request.patient_id, site)
    ledger = record_ledger(request.patient_id, service.needs, site, collected, now)
    return replace(ledger, dropped=(*ledger.dropped, *_unsaid(request, ours)))


def _ours(patient: str, site: Site) -> frozenset[str]:
    return frozenset({f"Patient/{patient}", f"{site.file.fhir.base_url}/Patient/{patient}"})


def record_ledger(
    patient: str,
    needs: Iterable[NeedName],
    site: Site,
    collected: Iterable[Collected],
    now: datetime,
) -> Ledger:
    """Build the ledger of one patient (a bare id) from what the queries of these needs brought."""
    ours = _ours(patient, site)
    evidence: dict[str, Evidence] = {}
    dropped: Counter[tuple[str, GapReason]] = Counter()
    searches = []
    for each in collected:
        need = each.query.need
        kept = [resource for resource in each.resources if is_theirs(resource, ours)]
        dropped[need, "other_patient"] += len(each.resources) - len(kept)
        dropped[need, "unusable"] += each.unusable
        for resource in kept:
            _keep(evidence, resource, each)
        if each.query.type != "Medication":
            searches.append(_search(each, len(kept)))
    searches += [
        Search(need=need, key=need, state="unavailable", source="read", at=now)
        for need in needs
        if not site.queries[need]
    ]
    ledger = Ledger(
        patient=f"Patient/{patient}",
        base_url=site.file.fhir.base_url,
        evidence=evidence,
        searches=tuple(searches),
        dropped=tuple(
            Gap(need=need, reason=reason, count=n) for (need, reason), n in dropped.items() if n
        ),
    )
    return withhold(ledger, site.marks)


def _unsaid(request: HookRequest, ours: frozenset[str]) -> Iterator[Gap]:
    """Yield a gap when a visit of this patient is being booked without a word of why."""
    entries = objs(obj(request.context, "appointments"), "entry")
    drafts = [obj(each, "resource") for each in entries]
    mine = [draft for draft in drafts if ours & (patient_of(draft) or set())]
    silent = [draft for draft in mine if not _WHY & draft.keys()]
    if silent:
        yield Gap(need="appointment", reason="not_given", count=len(silent))


def is_theirs(resource: JsonObject, ours: frozenset[str]) -> bool:
    """Return whether a resource is this patient's, or nobody's (a Medication, a Practitioner).

    `ours` are the patient's references: relative, and absolute on this site's base. One that names no
    patient at all is kept: it came from a query for this patient.
    """
    named = patient_of(resource)
    if named and not named.isdisjoint(ours):
        return True
    if not named:
        return code(resource, "resourceType") != "Patient"
    return any(ref.partition("/_history/")[0] in ours for ref in named)


def fingerprint(resource: JsonObject) -> str:
    """Return the server's version of a resource, or a hash of its content where the server keeps none."""
    known = version(resource)
    return known or "blake2b:" + blake2b(encode(resource), digest_size=12).hexdigest()


def _keep(evidence: dict[str, Evidence], resource: JsonObject, each: Collected) -> None:
    """Keep a resource once: of two versions the one with the higher `versionId`, else the first."""
    ref = "/".join(type_and_id(resource))
    known = evidence.get(ref)
    stamp = fingerprint(resource)
    if known is not None and not (
        stamp.isdecimal() and known.version.isdecimal() and int(stamp) > int(known.version)
    ):
        return
    evidence[ref] = Evidence(
        ref=ref,
        resource=resource,
        version=stamp,
        source=each.source,
        need=each.query.need,
        at=each.at,
    )


def _search(each: Collected, found: int) -> Search:
    return Search(
        need=each.query.need,
        key=each.query.key,
        state=each.state,
        found=found,
        source=each.source,
        at=each.at,
        code=each.code,
    )
