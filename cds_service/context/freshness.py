"""How far a prepared brief is from the record of this moment: the versions that it has seen, against a call's prefetch.

What is compared is identity and version, not content: nothing else of a resource is decoded. Absence
from a prefetch that is narrower than the whole record is no removal.
"""

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from hashlib import blake2b

from cds_service.context.ledger import Collected, fingerprint, is_theirs, record_ledger
from cds_service.context.results import INCLUDED
from cds_service.domain.call import HookRequest
from cds_service.domain.evidence import Context, Ledger
from cds_service.domain.json import JsonObject
from cds_service.domain.needs import NEEDS, NeedName
from cds_service.domain.prefetch import Glimpse
from cds_service.fhir.elements import code, type_and_id
from cds_service.hook import HookService
from cds_service.sites import Site
from cds_service.vendors import Query, queries


@dataclass(frozen=True, slots=True, kw_only=True)
class Compared:
    """What a call's own prefetch says of a prepared brief."""

    sent: Mapping[str, tuple[Query, Glimpse]] = field(repr=False)
    """Every resource that this call brought, by `Type/id`, and the query that brought it."""
    fresh: frozenset[str]
    """Those that the brief has not seen in this version."""
    seen: Mapping[str, str] = field(repr=False)


def policy_version(site: Site) -> str:
    """Return what tells one policy from another: a brief made under one is not shown under another.

    Our own lists of what belongs to a category are a part of it: they change with a release.
    """
    told = f"{site.file.policy.model_dump_json()}|{site.marks.version}".encode()
    return blake2b(told, digest_size=6).hexdigest()


def versions_of(ledger: Ledger) -> dict[str, str]:
    """Return the version of every resource of a ledger, by `Type/id`."""
    return {ref: each.version for ref, each in ledger.evidence.items()}


def compare(
    seen: Mapping[str, str],
    as_of: datetime,
    request: HookRequest,
    service: HookService,
    site: Site,
) -> Compared:
    """Compare what was sent with what the brief has seen, whose record is `as_of`.

    What lies outside the days that were searched then is not new: a prefetch knows no such bounds.
    """
    today = as_of.astimezone(site.zone).date()
    mine = f"Patient/{request.patient_id}"
    ours = frozenset({mine, f"{site.file.fhir.base_url}/{mine}"})
    sent: dict[str, tuple[Query, Glimpse]] = {}
    fresh = set()
    for query, glimpse in _sent(request, service, site):
        ref = f"{glimpse.type}/{glimpse.id}"
        if ref in sent:
            continue
        if not _is_seen(seen.get(ref), glimpse):
            # What the brief has seen is the patient's own; the rest has to be looked at.
            resource = glimpse.whole()
            known = all(type_and_id(resource)) and is_theirs(resource, ours)
            if not (known and _was_searched(query, resource, today)):
                continue
            fresh.add(ref)
        sent[ref] = (query, glimpse)
    return Compared(sent=sent, fresh=frozenset(fresh), seen=seen)


def _is_seen(version: str | None, glimpse: Glimpse) -> bool:
    """Return whether a brief has seen this very version; where a server keeps none, this content."""
    if version is None:
        return False
    return version == (glimpse.version or fingerprint(glimpse.whole()))


def _sent(
    request: HookRequest, service: HookService, site: Site
) -> Iterator[tuple[Query, Glimpse]]:
    """Yield what was sent for each query; whether a search is complete does not matter here."""
    for need in service.needs:
        for query in queries(need, site.profile):
            for glimpse in request.prefetch.glimpses(query.key):
                if glimpse.id and (glimpse.type == query.type or glimpse.type in INCLUDED):
                    yield query, glimpse


def _was_searched(query: Query, resource: JsonObject, today: date) -> bool:
    """Return whether a search of that day would have looked where this resource lies."""
    day = code(resource, "start")[:10]
    if query.window is None or not day:
        return True
    _, before, after = query.window
    return f"{today - timedelta(days=before)}" <= day < f"{today + timedelta(days=after)}"


def fresh_context(compared: Compared, request: HookRequest, site: Site, now: datetime) -> Context:
    """Return the Context of what is new: a fragment of a record, from which no absence follows.

    Where a site hides categories, what is hidden is judged by all that was sent: a resource is hidden for what
    others say of it, too.
    """
    judged = compared.sent if site.marks.hides else compared.fresh
    collected = [
        Collected(
            query=compared.sent[ref][0],
            source="prefetch",
            state="partial",
            resources=(compared.sent[ref][1].whole(),),
            unusable=0,
            code="",
            at=now,
        )
        for ref in compared.sent
        if ref in judged
    ]
    ledger = record_ledger(request.patient_id, (), site, collected, now)
    fresh = {ref: each for ref, each in ledger.evidence.items() if ref in compared.fresh}
    return Context(
        site=site.name,
        hook=request.hook,
        patient=request.patient_id,
        encounter=request.encounter_id,
        now=now,
        zone=site.zone,
        tables=site.tables,
        ledger=replace(ledger, evidence=fresh),
    )


def changes(compared: Compared, fresh: Context) -> tuple[str, ...]:
    """Return what has changed, in words (`2 new results`); the visit that is being opened is no change."""
    counts: Counter[tuple[str, NeedName]] = Counter()
    for ref in fresh.ledger.evidence:
        if ref != f"Encounter/{fresh.encounter}" and ref.partition("/")[0] not in INCLUDED:
            word = "changed" if ref in compared.seen else "new"
            counts[word, compared.sent[ref][0].need] += 1
    return tuple(
        f"{number} {word} {NEEDS[need].counted(number)}" for (word, need), number in counts.items()
    )
