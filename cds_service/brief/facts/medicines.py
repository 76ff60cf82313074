"""Medicines of a record: what is active, merged by ingredient."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import NamedTuple

import msgspec

from cds_service.brief.facts.visits import setting, until
from cds_service.brief.record import Item, Record
from cds_service.domain.json import JsonObject
from cds_service.domain.tables import Ingredient, words
from cds_service.fhir.dates import Moment
from cds_service.fhir.elements import (
    code,
    codes,
    codings,
    has_code,
    is_true,
    medication,
    name,
    obj,
    objs,
    reference,
    text,
)
from cds_service.rulebook import DEFAULT

ORDER, REPORT = "MedicationRequest", "MedicationStatement"
_ACTIVE = {
    ORDER: frozenset({"active", "on-hold", "unknown", ""}),
    REPORT: frozenset({"active", "intended", "on-hold", "unknown", ""}),
}


_WARD, _HOME = (frozenset(DEFAULT.terms["medication_category"][each]) for each in ("ward", "home"))


class Medicine(msgspec.Struct, frozen=True, eq=False):
    """Every active entry of one medicine: orders first, then reports, each newest first."""

    items: tuple[Item, ...]
    ingredients: frozenset[Ingredient]
    title: str
    """Its place in the alphabet."""
    alerts: tuple[str, ...]
    """The high-alert groups it belongs to."""


def concept(record: Record, item: Item) -> JsonObject:
    """Return the CodeableConcept of what is ordered or taken, through a reference where there is one."""
    return record.each(_concept, item)


def _concept(record: Record, item: Item) -> JsonObject:
    coded, named = medication(item.resource)
    if coded:
        return coded
    target = obj(record.target(item.resource, named), "code")
    return target or {"text": code(named, "display")}


def title(record: Record, item: Item) -> str:
    """Return the name of a medicine as written, else by what it contains, else ""."""
    return record.each(_title, item)


def _title(record: Record, item: Item) -> str:
    return name(concept(record, item)) or _unwritten(record, item)


def _unwritten(record: Record, item: Item) -> str:
    _, named = medication(item.resource)
    inside = objs(record.target(item.resource, named), "ingredient")
    contained = [name(obj(each, "itemCodeableConcept")) for each in inside]
    known = [each for each in codes(concept(record, item)) if each in record.tables.rxnorm]
    return (
        text(named, "display")
        or " / ".join(each for each in contained if each)
        or next((record.tables.rxnorm[each].name for each in known), "")
    )


def ingredients_of(record: Record, item: Item) -> frozenset[Ingredient]:
    """Return the ingredients that we know in a medicine: by RxNorm code, else by its names."""
    return record.each(_ingredients, item)


def _ingredients(record: Record, item: Item) -> frozenset[Ingredient]:
    rxnorm = record.tables.rxnorm
    return record.tables.ingredients(names(record, item)) or frozenset(
        rxnorm[value]
        for each in concepts(record, item)
        for system, value in codings(each)
        if value in rxnorm and _is_rx(system)
    )


def concepts(record: Record, item: Item) -> tuple[JsonObject, ...]:
    """Return the concepts of a medicine: what is ordered or taken, then what that contains."""
    return record.each(_concepts, item)


def _concepts(record: Record, item: Item) -> tuple[JsonObject, ...]:
    _, named = medication(item.resource)
    parts = objs(record.target(item.resource, named), "ingredient") if named else ()
    return (concept(record, item), *(obj(part, "itemCodeableConcept") for part in parts))


def names(record: Record, item: Item) -> tuple[str, ...]:
    """Return the words of every name that a medicine and its parts go by."""
    return record.each(_names, item)


def _names(record: Record, item: Item) -> tuple[str, ...]:
    _, named = medication(item.resource)
    said = dict.fromkeys(_words(concepts(record, item), named))
    return words(" . ".join(said))


def _is_rx(system: str) -> bool:
    return not system or system.endswith("rxnorm")


def _words(found: Iterable[JsonObject], named: JsonObject) -> Iterator[str]:
    yield text(named, "display")
    for each in found:
        yield text(each, "text")
        yield from (text(coding, "display") for coding in objs(each, "coding"))


def is_active(item: Item) -> bool:
    """Return whether an order or a report stands: active, on hold, intended, or of unknown status."""
    said = item.resource
    if item.type == ORDER and code(said, "intent") == "option":
        return False
    return item.status in _ACTIVE.get(item.type, ()) and not is_true(said, "doNotPerform")


def is_planned(item: Item) -> bool:
    """Return whether an order is a plan or a proposal: nobody has ordered it yet."""
    return item.type == ORDER and code(item.resource, "intent") in {"plan", "proposal"}


def is_in_force(record: Record, item: Item) -> bool:
    """Return whether an active entry is to be taken now: not on hold, planned, for later, or past its end or stay."""
    return record.each(_is_in_force, item)


def _is_in_force(record: Record, item: Item) -> bool:
    return not (
        item.status in {"on-hold", "intended"}
        or is_planned(item)
        or is_for_later(record, item)
        or is_past_end(record, item)
        or is_of_past_stay(record, item)
    )


def is_of_past_stay(record: Record, item: Item) -> bool:
    """Return whether an order was for a stay in hospital that is over, and never a medicine of home.

    Its category tells it. Where it has none its encounter does, if the order ended no later than the stay: what is
    prescribed at discharge outlives it.
    """
    return item.type == ORDER and record.each(_is_of_past_stay, item)


def _is_of_past_stay(record: Record, item: Item) -> bool:
    kinds = _kinds(item)
    if kinds & _HOME:
        return False
    over = stay_ended(record, item)
    if over and over.at >= record.now.at:
        return False
    if kinds & _WARD:
        return True
    stopped = None if is_active(item) else stopped_at(record, item)
    return over is not None and stopped is not None and stopped.date <= over.date


def past_stay(record: Record, item: Item) -> Moment | None:
    """Return when the stay was over in which an order was written, unless its category says that it was for home."""
    over = None if _kinds(item) & _HOME else stay_ended(record, item)
    return over if over and over.at < record.now.at else None


def _kinds(item: Item) -> set[str]:
    kinds: set[str] = set()
    for category in objs(item.resource, "category"):
        kinds.update(codes(category))
        kinds.add(name(category).casefold())
    return kinds


def stay_ended(record: Record, item: Item) -> Moment | None:
    """Return when the emergency or stay was over in which an order was written: now for one that goes on."""
    stay = record.get(reference(item.resource, "encounter"))
    return until(record, stay) if stay and setting(record, stay) else None


def stopped_at(record: Record, item: Item) -> Moment | None:
    """Return when a stopped order says it ended, else when its record was last changed."""
    return ended(record, item) or changed_at(record, item)


def changed_at(record: Record, item: Item) -> Moment | None:
    """Return when the record of an entry was last changed."""
    return record.moment(obj(item.resource, "meta").get("lastUpdated"))


def foremost(record: Record, items: Sequence[Item]) -> Item:
    """Return the entry by which a medicine is told: the first that is in force, else the first."""
    return next((item for item in items if is_in_force(record, item)), items[0])


def is_past_end(record: Record, item: Item) -> bool:
    """Return whether the end that is written in an entry has passed."""
    end = ended(record, item)
    return end is not None and record.days_ago(end) > 0


def is_reported(item: Item) -> bool:
    """Return whether an entry is what somebody said, not what was ordered."""
    said = item.resource
    if item.type == REPORT or said.get("reportedBoolean") is True:
        return True
    return "reportedReference" in said


def is_said_none(record: Record, item: Item) -> bool:
    """Return whether an entry says that no medicine is known or that nothing is known of medicines."""
    return record.each(_is_said_none, item)


def _is_said_none(record: Record, item: Item) -> bool:
    return has_code(concept(record, item), *record.once(_none_codes))


def _none_codes(record: Record) -> tuple[str, ...]:
    terms = record.tables.terms["none"]
    return (*terms["medications"], *terms["unknown"])


def medicines(record: Record) -> tuple[Medicine, ...]:
    """Return the active medicines: high-alert ones first, then by name."""
    found: dict[object, list[Item]] = {}
    for item in (*record.of(ORDER), *record.of(REPORT)):
        if is_active(item) and not is_said_none(record, item):
            found.setdefault(key(record, item), []).append(item)
    made = [_medicine(record, items) for items in found.values()]
    return tuple(sorted(made, key=lambda m: (not m.alerts, m.title, m.items[0].ref)))


def _medicine(record: Record, items: list[Item]) -> Medicine:
    items.sort(key=lambda item: place(record, item))
    known = ingredients_of(record, items[0])
    return Medicine(tuple(items), known, title(record, items[0]).casefold(), alert_groups(known))


def place(record: Record, item: Item) -> tuple[bool, bool]:
    """Return the place of an entry among those of its medicine: orders of home, ward orders, then reports."""
    return is_reported(item), is_of_past_stay(record, item)


def alert_groups(ingredients: Iterable[Ingredient]) -> tuple[str, ...]:
    """Return the high-alert groups that ingredients belong to."""
    return tuple(sorted({each.high_alert for each in ingredients} - {""}))


def key(record: Record, item: Item) -> object:
    """Return what entries of one medicine share: its ingredients, else its words, else itself."""
    return ingredients_of(record, item) or title(record, item).casefold() or item.ref


class Course(NamedTuple):
    """When an entry says that a medicine is to be taken; None for what it does not say."""

    begin: Moment | None
    end: Moment | None
    supply: Moment | None
    """Until when it may be dispensed: of an order without an end, the last that it says."""


_NO_COURSE = Course(None, None, None)


def course(record: Record, item: Item) -> Course:
    """Return when a medicine is to be taken: by its period, else by its dosages, else by its supply.

    Of several dosages, one after the other, the first begins and the last ends it, where each says so.
    """
    return record.each(_course, item)


def _course(record: Record, item: Item) -> Course:
    said = item.resource
    own, supply = obj(said, "effectivePeriod"), obj(obj(said, "dispenseRequest"), "validityPeriod")
    repeats = [obj(obj(each, "timing"), "repeat") for each in dosages(item)]
    bounds = [obj(each, "boundsPeriod") for each in repeats]
    if not own and not supply and not any(bounds):
        return _NO_COURSE
    begins = [record.moment(each.get("start")) for each in bounds]
    ends = [record.moment(each.get("end")) for each in bounds]
    return Course(
        record.moment(own.get("start"))
        or _each(begins, min)
        or record.moment(supply.get("start")),
        record.moment(own.get("end")) or _each(ends, max),
        record.moment(supply.get("end")),
    )


def _each(
    found: Sequence[Moment | None], choose: Callable[[Iterable[Moment]], Moment]
) -> Moment | None:
    known = [each for each in found if each]
    return choose(known) if known and len(known) == len(found) else None


def ended(record: Record, item: Item) -> Moment | None:
    """Return when an entry says that it ends: its period, its dosages or its supply, whichever it gives."""
    said = course(record, item)
    return said.end or said.supply


def is_for_later(record: Record, item: Item) -> bool:
    """Return whether an entry says that it begins on a day to come."""
    begin = course(record, item).begin
    return begin is not None and record.days_ago(begin) < 0


def dosages(item: Item) -> tuple[JsonObject, ...]:
    """Return the dosages of an order or a report."""
    return (*objs(item.resource, "dosageInstruction"), *objs(item.resource, "dosage"))


def is_aged(record: Record, item: Item) -> bool:
    """Return whether an entry is older than a list entry should be."""
    return (
        item.when is not None
        and record.days_ago(item.when) > record.tables.days["medication_list"]
    )


def alerts_of(record: Record, item: Item) -> frozenset[Ingredient]:
    """Return the high-alert ingredients of an entry."""
    return frozenset(each for each in ingredients_of(record, item) if each.high_alert)


def dose(record: Record, item: Item) -> str:
    """Return the dose in the words it was written in, else "" (see `wording.medicines` for the rest)."""
    return record.each(_dose, item)


def _dose(_: Record, item: Item) -> str:
    return "; ".join(said for each in dosages(item) if (said := text(each, "text")))


def unresolved(record: Record) -> int:
    """Return how many active entries refer to a medicine that is not in the record and do not name it."""
    return sum(
        not title(record, item) and bool(medication(item.resource)[1])
        for medicine in record.once(medicines)
        for item in medicine.items
    )
