"""Medicines of a record: what is active, merged by ingredient, and which ones contradict each other."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from cds_service.brief.facts.visits import is_since_last_visit
from cds_service.brief.record import Item, Record
from cds_service.brief.tables import DAYS, RXNORM, TERMS, Ingredient, ingredients
from cds_service.domain.brief import Flag, Statement
from cds_service.domain.json import JsonObject
from cds_service.fhir.dates import Moment
from cds_service.fhir.elements import (
    code,
    codings,
    has_code,
    is_true,
    name,
    obj,
    objs,
    reference,
    text,
)

ORDER, REPORT = "MedicationRequest", "MedicationStatement"
_ACTIVE = {
    ORDER: frozenset({"active", "on-hold", "unknown", ""}),
    REPORT: frozenset({"active", "intended", "on-hold", "unknown", ""}),
}
_NUMBER = re.compile(r"\d+(?:[.,]\d+)*")
_STOPPED = frozenset({"stopped", "cancelled", "completed", "not-taken"})


@dataclass(frozen=True, slots=True, eq=False)
class Medicine:
    """Every active entry of one medicine: orders first, then reports, each newest first."""

    items: tuple[Item, ...]
    ingredients: frozenset[Ingredient]
    title: str
    """Its place in the alphabet."""

    @property
    def alerts(self) -> tuple[str, ...]:
        """Return the high-alert groups it belongs to."""
        return tuple(sorted({each.high_alert for each in self.ingredients} - {""}))


def concept(record: Record, item: Item) -> JsonObject:
    """Return the CodeableConcept of what is ordered or taken, through a reference where there is one."""
    coded = obj(item.resource, "medicationCodeableConcept")
    if coded:
        return coded
    named = obj(item.resource, "medicationReference")
    target = obj(record.target(item.resource, named), "code")
    return target or {"text": code(named, "display")}


def title(record: Record, item: Item) -> str:
    """Return the name of a medicine as written, else by what it contains, else ""."""
    written = name(concept(record, item))
    if written:
        return written
    named = obj(item.resource, "medicationReference")
    inside = objs(record.target(item.resource, named), "ingredient")
    contained = [name(obj(each, "itemCodeableConcept")) for each in inside]
    known = [each for _, each in codings(concept(record, item)) if each in RXNORM]
    return (
        text(named, "display")
        or " / ".join(each for each in contained if each)
        or next((RXNORM[each].name for each in known), "")
    )


def ingredients_of(record: Record, item: Item) -> frozenset[Ingredient]:
    """Return the ingredients that we know in a medicine: by RxNorm code, else by its names."""
    known = record.once(_known_ingredients)
    if item.ref not in known:
        known[item.ref] = _ingredients(record, item)
    return known[item.ref]


def _known_ingredients(_: Record) -> dict[str, frozenset[Ingredient]]:
    return {}


def _ingredients(record: Record, item: Item) -> frozenset[Ingredient]:
    written = concept(record, item)
    named = obj(item.resource, "medicationReference")
    parts = objs(record.target(item.resource, named), "ingredient") if named else []
    concepts = [written, *(obj(part, "itemCodeableConcept") for part in parts)]
    coded = {RXNORM[c] for each in concepts for s, c in codings(each) if c in RXNORM and _is_rx(s)}
    return ingredients(" . ".join(_words(concepts, named))) or frozenset(coded)


def _is_rx(system: str) -> bool:
    return not system or system.endswith("rxnorm")


def _words(concepts: list[JsonObject], named: JsonObject) -> Iterator[str]:
    yield text(named, "display")
    for each in concepts:
        yield text(each, "text")
        yield from (text(coding, "display") for coding in objs(each, "coding"))


def is_active(item: Item) -> bool:
    """Return whether an order or a report stands: active, on hold, intended, or of unknown status."""
    said = item.resource
    if item.type == ORDER and code(said, "intent") == "option":
        return False
    return item.status in _ACTIVE.get(item.type, ()) and not is_true(said, "doNotPerform")


def is_reported(item: Item) -> bool:
    """Return whether an entry is what somebody said, not what was ordered."""
    said = item.resource
    return item.type == REPORT or is_true(said, "reportedBoolean") or "reportedReference" in said


def is_said_none(record: Record, item: Item) -> bool:
    """Return whether an entry says that no medicine is known or that nothing is known of medicines."""
    terms = TERMS["none"]
    return has_code(concept(record, item), *terms["medications"], *terms["unknown"])


def medicines(record: Record) -> tuple[Medicine, ...]:
    """Return the active medicines: high-alert ones first, then by name."""
    found: dict[object, list[Item]] = {}
    for item in (*record.of(ORDER), *record.of(REPORT)):
        if is_active(item) and not is_said_none(record, item):
            found.setdefault(_key(record, item), []).append(item)
    made = [_medicine(record, items) for items in found.values()]
    return tuple(sorted(made, key=lambda m: (not m.alerts, m.title, m.items[0].ref)))


def _medicine(record: Record, items: list[Item]) -> Medicine:
    items.sort(key=is_reported)
    return Medicine(
        tuple(items), ingredients_of(record, items[0]), title(record, items[0]).casefold()
    )


def _key(record: Record, item: Item) -> object:
    """Return what entries of one medicine share: its ingredients, else its words, else itself."""
    return ingredients_of(record, item) or title(record, item).casefold() or item.ref


def ended(record: Record, item: Item) -> Moment | None:
    """Return when an entry says that it ends: its period, its supply or its dosage, whichever it gives."""
    said = item.resource
    periods = [obj(said, "effectivePeriod"), obj(obj(said, "dispenseRequest"), "validityPeriod")]
    dosages = (*objs(said, "dosageInstruction"), *objs(said, "dosage"))
    periods += [obj(obj(obj(each, "timing"), "repeat"), "boundsPeriod") for each in dosages]
    return next((m for p in periods if p and (m := record.moment(p.get("end")))), None)


def statement(record: Record, medicine: Medicine, *more: Flag) -> Statement:
    """Return the statement of a medicine and of everything that was merged into it."""
    return Statement(
        kind="medication",
        refs=tuple(item.ref for item in medicine.items),
        flags=tuple(dict.fromkeys((*more, *_flags(record, medicine)))),
    )


def _flags(record: Record, medicine: Medicine) -> Iterator[Flag]:
    items = medicine.items
    if medicine.alerts:
        yield from ("must_show", "high_alert")
    if len(items) > 1:
        yield "merged"
    if all(is_reported(item) for item in items):
        yield "reported"
    if all(item.status == "on-hold" for item in items):
        yield "on_hold"
    if any(is_since_last_visit(record, item) for item in items):
        yield "new"
    newest = max((item.when for item in items if item.when), default=None)
    if newest is None:
        yield "undated"
    elif record.days_ago(newest) > DAYS["medication_list"]:
        yield "stale"


def dose(item: Item) -> str:
    """Return the dose in the words it was written in, else "" (see `wording.medicines` for the rest)."""
    dosages = (*objs(item.resource, "dosageInstruction"), *objs(item.resource, "dosage"))
    return "; ".join(said for each in dosages if (said := text(each, "text")))


def unresolved(record: Record) -> int:
    """Return how many active entries refer to a medicine that is not in the record and do not name it."""
    return sum(
        "medicationReference" in item.resource and not title(record, item)
        for medicine in record.once(medicines)
        for item in medicine.items
    )


def doubles(record: Record) -> tuple[tuple[Item, ...], ...]:
    """Return the sets of active entries that share an ingredient and do not agree.

    Two orders never agree unless one replaces the other; an order and a report agree when their doses and
    strengths are written alike. Two brands, or a combination and its part, count as one ingredient.
    """
    shared: dict[str, list[Item]] = {}
    for medicine in record.once(medicines):
        for item in medicine.items:
            for each in ingredients_of(record, item):
                shared.setdefault(each.name, []).append(item)
    sets = {tuple(items) for items in shared.values() if _disagree(record, items)}
    return tuple(sorted(sets, key=lambda items: [item.ref for item in items]))


def _disagree(record: Record, items: list[Item]) -> bool:
    if len(items) == 1:
        return False
    replaced = {reference(item.resource, "priorPrescription") for item in items}
    orders = [i for i in items if not is_reported(i) and i.ref not in replaced]
    doses = {dose(item).casefold() for item in items} - {""}
    strengths = {tuple(_NUMBER.findall(title(record, item))) for item in items} - {()}
    return len(orders) > 1 or len(doses) > 1 or len(strengths) > 1


def contradictions(record: Record) -> tuple[tuple[Item, Item], ...]:
    """Return active orders beside a newer report that the same medicine is no longer taken."""
    denied: dict[Ingredient, Item] = {}
    for item in record.of(REPORT):
        if item.status in {"stopped", "not-taken"}:
            for each in ingredients_of(record, item):
                denied.setdefault(each, item)
    found = {}
    for medicine in record.once(medicines):
        order, said = medicine.items[0], medicine.items
        report = next((denied[each] for each in medicine.ingredients if each in denied), None)
        if report and not any(is_reported(i) and _later(i, report) for i in said):
            found[order.ref] = (order, report)
    return tuple(pair for _, pair in sorted(found.items()) if not _later(pair[0], pair[1]))


def _later(one: Item, other: Item) -> bool:
    return one.when is not None and other.when is not None and one.when > other.when


def changes(record: Record) -> Iterator[Statement]:
    """Yield what was ordered, changed or stopped since the last visit."""
    earlier: dict[object, list[Item]] = {}
    for item in record.of(ORDER):
        if not is_true(item.resource, "doNotPerform"):
            earlier.setdefault(_key(record, item), []).append(item)
    for items in earlier.values():
        yield from _change(record, items)


def _change(record: Record, items: list[Item]) -> Iterator[Statement]:
    newest = items[0]
    if is_active(newest):
        if is_since_last_visit(record, newest):
            yield from _ordered(record, newest, items[1:])
    elif newest.status in _STOPPED and not any(is_active(item) for item in items):
        when = stopped_at(record, newest)
        seen = Item(newest.ref, newest.type, newest.resource, when, newest.status)
        if is_since_last_visit(record, seen):
            yield Statement(kind="medication_change", refs=(newest.ref,), flags=("stopped",))


def _ordered(record: Record, newest: Item, rest: list[Item]) -> Iterator[Statement]:
    """Yield that an order is new or changed; a renewal of the same dose is neither.

    It is compared with the order that it replaces, else with the last one that ended. Beside an order that
    still stands it is new, whatever ended before.
    """
    replaced = record.get(reference(newest.resource, "priorPrescription"))
    before = replaced or next((item for item in rest if not is_active(item)), None)
    if before and _written(record, before) == _written(record, newest):
        return
    if before is None or (replaced is None and any(is_active(item) for item in rest)):
        yield Statement(kind="medication_change", refs=(newest.ref,), flags=("new",))
    elif before.type == ORDER:
        refs = (newest.ref, before.ref)
        yield Statement(kind="medication_change", refs=refs, flags=("changed",))


def _written(record: Record, item: Item) -> tuple[str, str]:
    return title(record, item), dose(item)


def stopped_at(record: Record, item: Item) -> Moment | None:
    """Return when a stopped order says it ended, else when its record was last changed."""
    return ended(record, item) or record.moment(obj(item.resource, "meta").get("lastUpdated"))
