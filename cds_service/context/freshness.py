"""How far a prepared brief is from the record of this moment: the versions that it has seen, against a call's prefetch.

What is compared is identity and version, not content: nothing else of a resource is decoded. Absence from a prefetch
is removal only where every search that could bring a resource was sent whole.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from typing import Any, Literal

from cds_service.context.ledger import Collected, fingerprint, is_theirs, record_ledger
from cds_service.context.results import INCLUDED
from cds_service.context.sent_whole import SentWhole, dated
from cds_service.domain.brief import Brief
from cds_service.domain.call import HookRequest
from cds_service.domain.evidence import SEARCH_GAPS, Context, Ledger
from cds_service.domain.json import JsonObject
from cds_service.domain.needs import NEEDS, NeedName
from cds_service.domain.prefetch import Glimpse
from cds_service.fhir.elements import code, is_error, type_and_id
from cds_service.hook import HookService
from cds_service.sites import Site
from cds_service.vendors import Query

_MANY_DIGITS = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Compared:
    """What a call's own prefetch says of a prepared brief."""

    sent: Mapping[str, tuple[Query, Glimpse]] = field(repr=False)
    """Every resource that this call brought, by `Type/id`, and the query that brought it."""
    fresh: frozenset[str]
    """Those that the brief has not seen in this version."""
    gone: frozenset[str]
    """What the brief cites and the chart no longer lists: deleted, entered in error, or another patient's."""
    beside: frozenset[str]
    """What lines that cite something gone cite as well, and this call brought."""
    unread: frozenset[NeedName]
    """Needs that the brief could not read, or not whole: what is sent of them may be older than the brief."""
    whole: frozenset[NeedName]
    """Those of them that this call brought whole."""
    seen: Mapping[str, Any] = field(repr=False)

    def is_news(self, ref: str) -> bool:
        """Return whether something was not there, or not in this version, when the brief was made."""
        known = ref in self.seen or self.sent[ref][0].need not in self.unread
        return ref in self.fresh and known


@dataclass(frozen=True, slots=True, kw_only=True)
class News:
    """What is told of a call's own record beside a prepared brief."""

    context: Context
    """A fragment of a record, from which no absence follows."""
    hidden: frozenset[str]
    """What the brief has seen and the site's policy hides by now."""


def versions_of(ledger: Ledger, brief: Brief) -> dict[str, object]:
    """Return the version of every resource of a ledger, by `Type/id`, and where those that a brief cites were found."""
    found = {ref: ledger.evidence[ref] for ref in _cited(brief) if ref in ledger.evidence}
    places = {ref: [each.need, dated(each.resource)] for ref, each in found.items()}
    return {ref: each.version for ref, each in ledger.evidence.items()} | {PLACES: places}


PLACES = "places"
"""No `Type/id`: a release that does not know it reads what was seen as before."""


def _cited(brief: Brief) -> frozenset[str]:
    return frozenset(ref for line in brief.lines() for ref in line.statement.refs)


def compare(
    seen: Mapping[str, Any], brief: Brief, request: HookRequest, service: HookService, site: Site
) -> Compared:
    """Compare what was sent with what a brief has seen.

    What lies outside the days that were searched then is not new: a prefetch knows no such bounds.
    """
    plan = [query for need in service.needs for query in site.queries[need]]
    cited = _cited(brief)
    found = _Found(
        seen=seen,
        cited=cited,
        ours=_ours(request, site),
        day=brief.as_of.astimezone(site.zone).date(),
    )
    for query, glimpse in _sent(request, plan):
        found.add(query, glimpse)
    sent, fresh, gone = found.sent, found.fresh, found.gone
    whole = SentWhole(request=request, plan=plan, site=site, since=brief.as_of)
    if not found.is_older:  # else the EHR kept this prefetch from before
        gone.update(_missing((cited & seen.keys()) - sent.keys(), seen, whole))
    unread = _unread(brief)
    return Compared(
        sent=sent,
        fresh=frozenset(fresh),
        gone=frozenset(gone),
        beside=(_beside(brief, gone) & sent.keys()) - gone - fresh if gone else _NONE,
        unread=unread,
        whole=frozenset(filter(whole.of_need, unread)),
        seen=seen,
    )


def _ours(request: HookRequest, site: Site) -> frozenset[str]:
    mine = f"Patient/{request.patient_id}"
    return frozenset({mine, f"{site.file.fhir.base_url}/{mine}"})


@dataclass(slots=True, kw_only=True)
class _Found:
    """What was found in a prefetch so far."""

    seen: Mapping[str, Any]
    cited: frozenset[str]
    ours: frozenset[str]
    day: date
    """Of the searches behind the brief."""
    sent: dict[str, tuple[Query, Glimpse]] = field(default_factory=dict)
    fresh: set[str] = field(default_factory=set)
    gone: set[str] = field(default_factory=set)
    is_older: bool = False

    def add(self, query: Query, glimpse: Glimpse) -> None:
        """Look at one resource that was sent."""
        ref = f"{glimpse.type}/{glimpse.id}"
        if ref in self.sent:
            return
        version = self.seen.get(ref)
        if (
            version is None or version != glimpse.version
        ):  # of a whole record, most are as they were
            known = _against(version, glimpse)
            if known == "other" and not self._is_to_be_told(ref, query, glimpse.whole()):
                return
            self.is_older = self.is_older or known == "older"
        self.sent[ref] = (query, glimpse)

    def _is_to_be_told(self, ref: str, query: Query, resource: JsonObject) -> bool:
        """Sort a resource in that the brief has not seen in this version; False when it is none of this chart's.

        What the brief has seen is the patient's own; the rest has to be looked at.
        """
        if not (all(type_and_id(resource)) and is_theirs(resource, self.ours)):
            self.gone |= self.cited & {ref}
            return False
        if ref not in self.seen and not _was_searched(query, resource, self.day):
            return False
        (self.gone if ref in self.cited and is_error(resource) else self.fresh).add(ref)
        return True


_NONE: frozenset[str] = frozenset()


def _against(version: str | None, glimpse: Glimpse) -> Literal["same", "older", "other"]:
    """Say how what was sent is to the version that a brief has seen; where a server keeps none, to its content."""
    if version is None:
        return "other"
    sent = glimpse.version or fingerprint(glimpse.whole())
    if version == sent:
        return "same"
    both_count = all(each.isdecimal() and len(each) < _MANY_DIGITS for each in (version, sent))
    return "older" if both_count and int(sent) < int(version) else "other"


def _unread(brief: Brief) -> frozenset[NeedName]:
    told = {gap.need for gap in brief.gaps if gap.reason in SEARCH_GAPS}
    return frozenset(need for need in NEEDS if need in told)


def _missing(refs: Iterable[str], seen: Mapping[str, Any], whole: SentWhole) -> Iterator[str]:
    """Yield what would have been sent if it were still there; a brief of before says no places."""
    places = seen.get(PLACES, {})
    for ref in refs:
        need, when = places.get(ref, (None, ""))
        if whole.lacks(need, when) if need else whole.of_type(ref.partition("/")[0]):
            yield ref


def _beside(brief: Brief, gone: set[str]) -> frozenset[str]:
    """Return all that lines cite which cite something gone."""
    lines = (line.statement.refs for line in brief.lines())
    return frozenset(ref for refs in lines if not gone.isdisjoint(refs) for ref in refs)


def _sent(request: HookRequest, plan: Iterable[Query]) -> Iterator[tuple[Query, Glimpse]]:
    """Yield what was sent for each query; whether a search is complete does not matter here."""
    for query in plan:
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


def news(compared: Compared, request: HookRequest, site: Site, now: datetime) -> News:
    """Return what the call's own record adds to a brief, and what it may no longer show.

    Where a site hides categories, what is hidden is judged by all that was sent: a resource is hidden for what
    others say of it, too.
    """
    told = compared.fresh | compared.beside
    judged = compared.sent if site.marks.hides else told
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
    shown = {ref: each for ref, each in ledger.evidence.items() if ref in told}
    context = Context(
        site=site.name,
        hook=request.hook,
        patient=request.patient_id,
        encounter=request.encounter_id,
        now=now,
        zone=site.zone,
        tables=site.tables,
        ledger=replace(ledger, evidence=shown),
    )
    withheld = compared.sent.keys() - ledger.evidence.keys() if site.marks.hides else _NONE
    return News(context=context, hidden=frozenset(withheld & compared.seen.keys()))


def differences(compared: Compared, fresh: Context | None = None) -> list[str]:
    """Return what a newer brief would tell otherwise, of all that was sent or of these: each time in the same words.

    What the brief could not read is none of them: a newer one may not read it either.
    """
    refs = filter(compared.is_news, compared.fresh if fresh is None else _counted(fresh))
    told = [f"{ref} {_version(compared, ref)}" for ref in refs]
    return sorted((*told, *(f"{ref} -" for ref in compared.gone)))


def _version(compared: Compared, ref: str) -> str:
    glimpse = compared.sent[ref][1]
    return glimpse.version or fingerprint(glimpse.whole())


def changes(compared: Compared, fresh: Context) -> tuple[str, ...]:
    """Return what has changed, in words (`2 new results`); the visit that is being opened is no change."""
    refs = [ref for ref in _counted(fresh) if compared.is_news(ref)]
    counts = Counter(
        ("changed" if ref in compared.seen else "new", compared.sent[ref][0].need) for ref in refs
    )
    told = [f"{n} {word} {NEEDS[need].counted(n)}" for (word, need), n in counts.items()]
    if gone := len(compared.gone):
        told.append(f"{gone} {'entry' if gone == 1 else 'entries'} no longer listed")
    return tuple(told)


def read_now(compared: Compared, fresh: Context) -> tuple[str, ...]:
    """Return what this call brought that the brief could not read, in words: `10 problems`."""
    refs = [ref for ref in _counted(fresh) if ref in compared.fresh and not compared.is_news(ref)]
    counts = Counter(compared.sent[ref][0].need for ref in refs)
    return tuple(f"{n} {NEEDS[need].counted(n)}" for need, n in counts.items())


def closed(compared: Compared, fresh: Context) -> frozenset[NeedName]:
    """Return which needs that the brief could not read are told whole with this call's part of them.

    One of which nothing may be shown stays named: nothing else would be said of it.
    """
    if not compared.whole:
        return frozenset()
    told = {
        query.need
        for ref, (query, _) in compared.sent.items()
        if ref in fresh.ledger.evidence or ref in compared.seen
    }
    return compared.whole & told


def _counted(fresh: Context) -> Iterator[str]:
    for ref in fresh.ledger.evidence:
        if ref != f"Encounter/{fresh.encounter}" and ref.partition("/")[0] not in INCLUDED:
            yield ref
