"""One patient's record, indexed once for the rules: newest first, without what was entered in error."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, tzinfo
from operator import attrgetter
from typing import Any, TypeVar

import msgspec
from typing_extensions import override

from cds_service.domain.evidence import Context
from cds_service.domain.json import EMPTY, JsonObject
from cds_service.domain.needs import NEEDS, NeedName
from cds_service.domain.tables import Tables
from cds_service.fhir.dates import Moment, moment_of, parse
from cds_service.fhir.elements import clean, code, is_error, obj, objs

T = TypeVar("T")

_WHEN: Mapping[str, tuple[str, ...]] = {
    "AllergyIntolerance": ("recordedDate", "onsetDateTime"),
    "Appointment": ("start", "requestedPeriod.start"),
    "CareTeam": ("period.start",),
    "Condition": ("onsetDateTime", "onsetPeriod.start", "recordedDate"),
    "Consent": ("dateTime",),
    "DiagnosticReport": ("effectiveDateTime", "effectivePeriod.start", "issued"),
    "DocumentReference": ("date", "context.period.start"),
    "Encounter": ("period.start", "period.end"),
    "Flag": ("period.start",),
    "Immunization": ("occurrenceDateTime",),
    "MedicationRequest": ("authoredOn",),
    "MedicationStatement": ("dateAsserted", "effectiveDateTime", "effectivePeriod.start"),
    "Observation": ("effectiveDateTime", "effectiveInstant", "effectivePeriod.start", "issued"),
    "Procedure": ("performedDateTime", "performedPeriod.start"),
    "ServiceRequest": ("authoredOn", "occurrenceDateTime", "occurrencePeriod.start"),
    "Task": ("authoredOn", "lastModified"),
}
"""Where each type says when: the first that can be read is its date."""

_PATHS: Mapping[str, tuple[tuple[str, str], ...]] = {
    kind: tuple((path.partition(".")[0], path.partition(".")[2]) for path in paths)
    for kind, paths in _WHEN.items()
}


_UNDATED = float("inf")
_NOT_MADE: Any = object()
"""Stands for what was not made yet: None is a thing that a function may make."""


class Dates(dict[str, Moment | None]):
    """The dates of one record as they are read, by what is stored: each string is parsed once."""

    def __init__(self, zone: tzinfo) -> None:
        super().__init__()
        self._zone = zone

    def __missing__(self, stored: str) -> Moment | None:
        """Read a date that was not asked for yet."""
        found = self[stored] = parse(stored, self._zone)
        return found


class Item(msgspec.Struct, frozen=True, eq=False):
    """One resource of the record with its reference and date: a struct, because a record has thousands."""

    ref: str
    type: str
    resource: JsonObject
    when: Moment | None
    status: str
    place: tuple[float, str]
    """Where it stands among others: newest first, undated last, equal dates by reference."""
    odd_date: str
    """What stands where a date should be and cannot be read as one."""

    @override
    def __repr__(self) -> str:
        return f"Item({self.type})"


@dataclass(frozen=True, eq=False)
class Record:
    """The record as rules read it. `of` gives a type newest first, undated last, equal dates by reference."""

    context: Context = field(repr=False)
    tables: Tables = field(repr=False)
    """What the rules of this site look up."""
    today: date
    """The day at the site."""
    now: Moment
    items: Mapping[str, Item] = field(repr=False)
    _types: Mapping[str, tuple[Item, ...]] = field(repr=False)
    _dates: Dates = field(repr=False)
    _made: dict[object, Any] = field(repr=False, default_factory=dict)
    _merged: dict[tuple[str, ...], tuple[Item, ...]] = field(repr=False, default_factory=dict)

    def of(self, *types: str) -> tuple[Item, ...]:
        """Return the resources of these types that were not entered in error."""
        if len(types) == 1:
            return self._types.get(types[0], ())
        if types not in self._merged:
            found = (item for kind in types for item in self._types.get(kind, ()))
            self._merged[types] = tuple(newest_first(found))
        return self._merged[types]

    def get(self, reference: str) -> Item | None:
        """Return what a reference leads to in the record, or None."""
        found = self.items.get(reference)
        if found is None and reference:
            evidence = self.context.ledger.get(reference)
            found = self.items.get(evidence.ref) if evidence else None
        return found

    def target(self, holder: JsonObject, named: JsonObject) -> JsonObject:
        """Return the resource that a Reference names: contained in `holder`, in the ledger, or empty."""
        literal = code(named, "reference")
        if literal.startswith("#"):
            inside = objs(holder, "contained")
            return next((each for each in inside if code(each, "id") == literal[1:]), EMPTY)
        found = self.context.ledger.get(literal) if literal else None
        return found.resource if found else EMPTY

    def moment(self, value: object) -> Moment | None:
        """Read a date of this record; each stored string is parsed once."""
        return self._dates[value] if isinstance(value, str) else None

    def days_ago(self, when: Moment) -> int:
        """Return how many days before today something is dated; negative when it lies ahead."""
        return (self.today - when.date).days

    def is_future(self, when: Moment) -> bool:
        """Return whether something is dated after the moment of the brief, by more than a clock's error."""
        return when.at > self.now.at + 86400

    def once(self, make: "Callable[[Record], T]") -> T:
        """Return what a function makes of this record, making it once."""
        made: T = self._made.get(make, _NOT_MADE)
        if made is _NOT_MADE:
            made = self._made[make] = make(self)
        return made

    def each(self, make: "Callable[[Record, Item], T]", item: Item) -> T:
        """Return what a function makes of one resource of this record, making it once."""
        key = make, item.ref
        made: T = self._made.get(key, _NOT_MADE)
        if made is _NOT_MADE:
            made = self._made[key] = make(self, item)
        return made

    def proves_absence(self, needs: Iterable[NeedName]) -> bool:
        """Return whether searches were complete for all these needs, with nothing dropped unread."""
        ledger = self.context.ledger
        spoiled = {gap.need for gap in ledger.dropped}
        return all(ledger.is_complete(need) and need not in spoiled for need in needs)

    def is_bundle(self, needs: Iterable[NeedName]) -> bool:
        """Return whether a Bundle stands in for the searches of these needs, with nothing dropped unread."""
        ledger = self.context.ledger
        spoiled = {gap.need for gap in ledger.dropped if gap.reason != "other_patient"}
        return all(ledger.states(need) == {"bundle"} and need not in spoiled for need in needs)

    def holds_any(self, need: NeedName) -> bool:
        """Return whether the ledger holds any resource of a need's type, whatever its status."""
        return bool(self.context.ledger.of_type(NEEDS[need].type))


def index(context: Context) -> Record:
    """Index the ledger of a Context."""
    dates = Dates(context.zone)
    types: defaultdict[str, list[Item]] = defaultdict(list)
    for ref, evidence in context.ledger.evidence.items():
        resource = evidence.resource
        if is_error(resource):
            continue
        kind = ref.partition("/")[0]
        when, odd = _when(kind, resource, dates)
        place = -when.at if when else _UNDATED, ref
        item = Item(ref, kind, resource, when, code(resource, "status"), place, odd)
        types[kind].append(item)
    ordered = {kind: tuple(newest_first(items)) for kind, items in types.items()}
    return Record(
        context=context,
        tables=context.tables,
        today=context.now.astimezone(context.zone).date(),
        now=moment_of(context.now),
        items={item.ref: item for items in ordered.values() for item in items},
        _types=ordered,
        _dates=dates,
    )


def newest_first(items: Iterable[Item]) -> list[Item]:
    """Return items newest first, undated last; a total order, whatever order they came in."""
    return sorted(items, key=_PLACE)


_PLACE = attrgetter("place")


def _when(kind: str, resource: JsonObject, dates: Dates) -> tuple[Moment | None, str]:
    odd = ""
    for outer, inner in _PATHS.get(kind, ()):
        value = resource.get(outer)
        if value is None:
            continue
        if inner:
            value = obj(resource, outer).get(inner)
        if isinstance(value, str):
            found = dates[value]
            if found:
                return found, ""
            odd = odd or clean(value)
    return None, odd
