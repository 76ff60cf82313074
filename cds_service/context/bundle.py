"""Makes a Context from one FHIR Bundle of any type, offline: a Bundle is what it holds and nothing more.

In order: (1) every resource gets its identity, from its id or its fullUrl; (2) of duplicates the newest
stays; (3) references by fullUrl, by `urn:uuid` and by condition are resolved inside the Bundle; (4) what is
the patient's stays, with what belongs to nobody; the rest is dropped and counted.
"""

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from hashlib import blake2b
from urllib.parse import unquote
from zoneinfo import ZoneInfo

from cds_service.domain.errors import BadCall
from cds_service.domain.evidence import Context, Evidence, Gap, GapReason, Ledger, Search
from cds_service.domain.json import JsonObject, encode
from cds_service.domain.needs import NEEDS, NeedName
from cds_service.domain.tables import Tables
from cds_service.fhir.compartment import patient_of
from cds_service.fhir.elements import code, has_code, obj, objs, version
from cds_service.rulebook import DEFAULT

_IDENTITY = re.compile(r"[^\s/?#|]{1,200}")
_TYPE = re.compile(r"[A-Z][A-Za-z]{1,63}")
_REF = re.compile(r"(?:.*/)?([A-Z][A-Za-z]+)/([^\s/?#|]+?)(?:/_history/[^/]+)?")
_CONDITION = re.compile(r"([A-Z][A-Za-z]+)\?identifier=(?:([^|]*)\|)?([^|&]+)")

_CATEGORIES: tuple[tuple[str, NeedName], ...] = (
    ("vital-signs", "vitals"),
    ("social-history", "social"),
)


def bundle_context(
    bundle: JsonObject,
    *,
    patient: str | None,
    now: datetime,
    zone: ZoneInfo,
    tables: Tables = DEFAULT,
) -> Context:
    """Return the Context of one patient of a Bundle.

    `patient` is an id or `Patient/<id>`; it may be None where the Bundle holds one Patient. Raises
    `BadCall`, with one sentence, when this is no Bundle or it is not clear whose record is meant.
    """
    if code(bundle, "resourceType") != "Bundle":
        raise BadCall("This is not a FHIR Bundle: its resourceType is not Bundle.")
    opened = _open(bundle)
    chosen = _choose(opened, patient)
    return Context(
        site="bundle",
        hook="patient-view",
        patient=chosen,
        encounter=None,
        now=now,
        zone=zone,
        tables=tables,
        ledger=_ledger(opened, chosen, now),
    )


@dataclass(frozen=True, slots=True)
class _Opened:
    """The resources of a Bundle by `Type/id`, references resolved, and what could not be used."""

    resources: Mapping[str, JsonObject] = field(repr=False)
    unusable: Counter[str]


def _open(bundle: JsonObject) -> _Opened:
    kept: dict[str, JsonObject] = {}
    known: dict[str, str] = {}
    unusable: Counter[str] = Counter()
    for full_url, resource in _entries(bundle):
        ref = _identity(resource, full_url)
        if not ref:
            unusable[_need(resource)] += 1
            continue
        if full_url:
            known[full_url] = ref
        kept[ref] = _newer(kept[ref], resource) if ref in kept else resource
    based = frozenset(ref for url, ref in known.items() if "://" in url)
    links = _Links(known, _identifiers(kept), frozenset(kept), based)
    ordered = {ref: links.resolved(kept[ref]) for ref in sorted(kept)}
    return _Opened(ordered, unusable)


def _entries(bundle: JsonObject) -> Iterator[tuple[str, JsonObject]]:
    """Yield (fullUrl, resource) of every entry, also of Bundles inside; junk comes as an empty resource."""
    waiting = [bundle]
    while waiting:
        entries = waiting.pop().get("entry")
        for entry in entries if isinstance(entries, list) else ():
            resource = obj(entry, "resource")
            if code(resource, "resourceType") == "Bundle":
                waiting.append(resource)
            elif not _is_deletion(entry, resource):
                yield code(entry, "fullUrl"), resource


def _is_deletion(entry: object, resource: JsonObject) -> bool:
    """Return whether an entry carries no resource on purpose (a DELETE or a GET, an outcome)."""
    told = code(obj(entry, "request"), "method") or code(obj(entry, "response"), "status")
    return code(resource, "resourceType") == "OperationOutcome" or (not resource and bool(told))


def _identity(resource: JsonObject, full_url: str) -> str:
    kind = code(resource, "resourceType")
    identity = code(resource, "id")
    if not _IDENTITY.fullmatch(identity):
        identity = full_url.removeprefix("urn:uuid:").removeprefix("urn:oid:").rpartition("/")[2]
    usable = _TYPE.fullmatch(kind) and _IDENTITY.fullmatch(identity)
    return f"{kind}/{identity}" if usable else ""


def _newer(one: JsonObject, other: JsonObject) -> JsonObject:
    """Return the newer of two versions: by versionId, then by lastUpdated, then by content."""
    return max(one, other, key=_age)


def _age(resource: JsonObject) -> tuple[int, str, bytes]:
    stamp = version(resource)
    number = int(stamp) if stamp.isdecimal() and len(stamp) < _MANY_DIGITS else -1
    return number, code(obj(resource, "meta"), "lastUpdated"), encode(resource)


_MANY_DIGITS = 20


def _identifiers(kept: Mapping[str, JsonObject]) -> dict[tuple[str, str, str], set[str]]:
    """Return the refs by (type, system, value), with "" as the system that was not asked for."""
    found: dict[tuple[str, str, str], set[str]] = {}
    for ref, resource in kept.items():
        kind = ref.partition("/")[0]
        for identifier in objs(resource, "identifier"):
            value = code(identifier, "value")
            for system in {code(identifier, "system"), ""} if value else ():
                found.setdefault((kind, system, value), set()).add(ref)
    return found


@dataclass(frozen=True, slots=True)
class _Links:
    """What the references of a Bundle lead to."""

    full_urls: Mapping[str, str]
    identifiers: Mapping[tuple[str, str, str], set[str]]
    refs: frozenset[str]
    based: frozenset[str]
    """Refs whose fullUrl is an address: an absolute reference has to be exactly that."""

    def resolved(self, resource: JsonObject) -> JsonObject:
        """Return a copy of a resource whose references are `Type/id` wherever they lead somewhere."""
        return {name: self._value(value) for name, value in resource.items()}

    def _value(self, value: object) -> object:
        if isinstance(value, dict):
            copy = {name: self._value(each) for name, each in value.items()}
            target = self._target(copy)
            return {**copy, "reference": target} if target else copy
        return [self._value(each) for each in value] if isinstance(value, list) else value

    def _target(self, holder: JsonObject) -> str | None:
        """Return the `Type/id` of a Reference, by literal, condition or identifier; None to leave it."""
        literal = holder.get("reference")
        if isinstance(literal, str):
            return (
                self.full_urls.get(literal) or self._conditional(literal) or self._plain(literal)
            )
        kind, identifier = code(holder, "type"), obj(holder, "identifier")
        if kind and code(identifier, "value"):
            return self._one(kind, code(identifier, "system"), code(identifier, "value"))
        return None

    def _conditional(self, literal: str) -> str | None:
        found = _CONDITION.fullmatch(unquote(literal)) if "?" in literal else None
        return self._one(found[1], found[2] or "", found[3]) if found else None

    def _plain(self, literal: str) -> str | None:
        """Return the target of `Type/id`; an address on another base than the target's own is not it."""
        found = None if literal.startswith("#") else _REF.fullmatch(literal)
        ref = f"{found[1]}/{found[2]}" if found else ""
        elsewhere = "://" in literal and ref in self.based
        return ref if ref in self.refs and not elsewhere else None

    def _one(self, kind: str, system: str, value: str) -> str | None:
        """Return the one resource with that identifier; two or none are no answer."""
        found = self.identifiers.get((kind, system, value), set())
        return min(found) if len(found) == 1 else None


def _choose(opened: _Opened, patient: str | None) -> str:
    """Return the id of the patient that is meant."""
    held = [ref.partition("/")[2] for ref in opened.resources if ref.startswith("Patient/")]
    if patient is not None:
        wanted = patient.removeprefix("Patient/")
        if wanted not in held:
            raise BadCall(f"The Bundle holds no Patient {wanted}; it holds: {_listed(held)}.")
        return wanted
    if not held:
        raise BadCall("The Bundle holds no Patient.")
    if len(held) > 1:
        raise BadCall(f"The Bundle holds several Patients, choose one of them: {_listed(held)}.")
    return held[0]


def _listed(ids: Iterable[str], limit: int = 20) -> str:
    names = list(ids)
    more = f" and {len(names) - limit} more" if len(names) > limit else ""
    return (", ".join(names[:limit]) or "none") + more


def _ledger(opened: _Opened, patient: str, now: datetime) -> Ledger:
    evidence: dict[str, Evidence] = {}
    dropped: Counter[tuple[str, GapReason]] = Counter()
    only = sum(ref.startswith("Patient/") for ref in opened.resources) == 1
    for ref, resource in opened.resources.items():
        reason = _why_not(resource, f"Patient/{patient}", only=only)
        if reason is None:
            evidence[ref] = _evidence(ref, resource, now)
        else:
            dropped[_need(resource) if reason == "unresolved" else "bundle", reason] += 1
    for need, count in opened.unusable.items():
        dropped[need, "unusable"] += count
    found = Counter(_need(each.resource) for each in evidence.values())
    return Ledger(
        patient=f"Patient/{patient}",
        evidence=evidence,
        searches=tuple(
            Search(need=n, key=n, state="bundle", found=found[n], source="bundle", at=now)
            for n in NEEDS
        ),
        dropped=tuple(
            Gap(need=need, reason=reason, count=n) for (need, reason), n in sorted(dropped.items())
        ),
    )


def _why_not(resource: JsonObject, ours: str, *, only: bool) -> GapReason | None:
    """Return why a resource is not this patient's, or None when it is, or is nobody's."""
    named = patient_of(resource)
    if named is None or ours in named or (only and not named and _is_silent(resource)):
        return None
    if not named or any(not each.startswith("Patient/") for each in named):
        return "unresolved"
    return "other_patient"


def _is_silent(resource: JsonObject) -> bool:
    """Return whether a resource says nothing at all of whom it is about."""
    return not any(name in resource for name in ("subject", "patient", "beneficiary", "for"))


def _evidence(ref: str, resource: JsonObject, now: datetime) -> Evidence:
    stamp = version(resource)
    return Evidence(
        ref=ref,
        resource=resource,
        version=stamp or "blake2b:" + blake2b(encode(resource), digest_size=12).hexdigest(),
        source="bundle",
        need=None,
        at=now,
    )


def _need(resource: JsonObject) -> str:
    """Return the need that would have brought a resource; `bundle` for what no need asks for."""
    kind = code(resource, "resourceType")
    if kind != "Observation":
        return _NEED_OF.get(kind, "bundle")
    categories = objs(resource, "category")
    return next((n for c, n in _CATEGORIES if any(has_code(k, c) for k in categories)), "results")


_NEED_OF: Mapping[str, str] = {
    **{need.type: need.name for need in NEEDS.values() if need.type != "Observation"},
    "Patient": "patient",
    "Encounter": "encounters",
}
