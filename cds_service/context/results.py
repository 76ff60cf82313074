"""Reads one answer to a query, from prefetch or from a server: what it holds and how complete it is."""

from collections.abc import Iterator
from dataclasses import dataclass, field

from cds_service.domain.evidence import SearchState
from cds_service.domain.json import EMPTY, JsonObject
from cds_service.fhir.client import next_link
from cds_service.fhir.elements import code, codes, obj, objs, type_and_id
from cds_service.vendors import Profile, Query
from cds_service.vendors.profile import SearchRules

INCLUDED = frozenset(
    {"Medication", "Practitioner", "PractitionerRole", "Organization", "Location"}
)
"""Types that come along with a search and belong to no patient."""

_MAX_CODE = 40


@dataclass(frozen=True, slots=True, kw_only=True)
class Results:
    """The usable resources of one answer or page."""

    resources: tuple[JsonObject, ...] = field(default=(), repr=False)
    state: SearchState = "complete"
    code: str = ""
    next: str | None = field(default=None, repr=False)
    unusable: int = 0
    """Entries that are no resource, have no identity or are of another type than was asked for."""
    total: int = 0
    """What the server says that the search found, over all pages; 0 where it does not say."""

    @property
    def matches(self) -> int:
        """Return how many entries count towards `total`: all but what was merely included."""
        included = sum(code(each, "resourceType") in INCLUDED for each in self.resources)
        return len(self.resources) - included + self.unusable


def unpack(value: object, query: Query, profile: Profile) -> Results | None:
    """Read a prefetch value or a response body; None when it is nothing that FHIR knows.

    Takes a search that arrives as a bare resource and a read that arrives as a Bundle.
    """
    if value is None:
        return Results()
    if not isinstance(value, dict):
        return None
    kind = code(value, "resourceType")
    if kind == "OperationOutcome":
        return _outcome([value], profile) or Results(state="failed")
    if kind == "Bundle":
        return _bundle(value, query, profile)
    usable = kind == query.type and all(type_and_id(value))
    return Results(resources=(value,)) if usable else None


def _bundle(bundle: JsonObject, query: Query, profile: Profile) -> Results:
    entries = bundle.get("entry")
    if not isinstance(entries, list):
        entries = [] if entries is None else [entries]
    found = [_resource(entry) for entry in entries]
    total = bundle.get("total")
    outcomes = [each for each in found if code(each, "resourceType") == "OperationOutcome"]
    usable = tuple(each for each in found if _is_usable(each, query))
    unusable = len(found) - len(usable) - len(outcomes)
    told = _outcome(outcomes, profile) or _warned(outcomes, usable)
    state: SearchState = "complete"
    if told:
        state = told.state if not usable or told.state == "complete" else "partial"
    if unusable and state == "complete":
        state = "partial" if usable else "failed"
    return Results(
        resources=usable,
        state=state,
        code=told.code if told else "",
        next=next_link(bundle),
        unusable=unusable,
        total=total if isinstance(total, int) and not isinstance(total, bool) else 0,
    )


def _resource(entry: object) -> JsonObject:
    """Return the resource of an entry; a list of them is none, for nobody knows which was meant."""
    value = entry.get("resource") if isinstance(entry, dict) else None
    return value if isinstance(value, dict) else EMPTY


def _is_usable(resource: JsonObject, query: Query) -> bool:
    kind, identity = type_and_id(resource)
    return bool(identity) and (kind == query.type or kind in INCLUDED)


def _outcome(outcomes: list[JsonObject], profile: Profile) -> Results | None:
    """Tell what OperationOutcomes mean for a search, by the vendor's codes and then by severity.

    One that says neither how bad it is nor why counts as an error: "none" is never read out of silence.
    """
    told: dict[SearchState | None, str] = {}
    for severity, issue_codes in (issue for outcome in outcomes for issue in _issues(outcome)):
        state = _meaning(severity, issue_codes, profile.search)
        told.setdefault(state, min(issue_codes, default=""))
    return next(
        (Results(state=state, code=told[state]) for state in _WORST if state in told), None
    )


def _meaning(severity: str, codes: frozenset[str], rules: SearchRules) -> SearchState | None:
    """Say what one issue means; None for a word in passing."""
    by_code: tuple[tuple[SearchState, tuple[str, ...]], ...] = (
        ("denied", rules.denied_codes),
        ("complete", rules.empty_codes),
        ("partial", rules.partial_codes),
    )
    for state, known in by_code:
        if not codes.isdisjoint(known):
            return state
    return None if severity in _NO_ERROR else "failed"


def _warned(outcomes: list[JsonObject], usable: tuple[JsonObject, ...]) -> Results | None:
    """Tell of a warning that no vendor's code explains: it may be the reason why nothing was found."""
    for severity, issue_codes in (issue for outcome in outcomes for issue in _issues(outcome)):
        if severity == "warning" and not usable:
            return Results(state="partial", code=min(issue_codes, default=""))
    return None


def told_code(body: object, profile: Profile) -> str:
    """Return the code of an OperationOutcome that this vendor gives a meaning of its own; "" for others."""
    rules = profile.search
    known = {*rules.restart_codes, *rules.stored_data_codes, *rules.daily_limit_codes}
    if not known or not isinstance(body, dict):
        return ""
    told = {each for _, codes_ in _issues(body) for each in codes_}
    return min(told & known, default="")


_NO_ERROR = frozenset({"warning", "information", "success"})
_WORST: tuple[SearchState, ...] = ("denied", "failed", "partial", "complete")


def _issues(outcome: JsonObject) -> Iterator[tuple[str, frozenset[str]]]:
    """Yield (severity, codes) of each issue; codes that are no short token are left out."""
    for issue in objs(outcome, "issue") or [EMPTY]:
        said = {*codes(obj(issue, "details")), code(issue, "code")}
        yield code(issue, "severity"), frozenset(c for c in said if c and len(c) <= _MAX_CODE)
