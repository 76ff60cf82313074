"""The orders and reports of medicines, each with what rules ask of it again and again."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import NamedTuple

from cds_service.brief.facts.places import EVERYWHERE, ON_THE_SURFACE, acts_on
from cds_service.brief.facts.visits import setting, until
from cds_service.brief.record import Item, Record
from cds_service.domain.json import EMPTY, JsonObject
from cds_service.domain.tables import Ingredient, words
from cds_service.fhir.dates import Moment
from cds_service.fhir.elements import (
    code,
    codes,
    codings,
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


class Course(NamedTuple):
    """When an entry says that a medicine is to be taken; None for what it does not say."""

    begin: Moment | None
    end: Moment | None
    supply: Moment | None
    """Until when it may be dispensed: of an order without an end, the last that it says."""


_NO_COURSE = Course(None, None, None)


class Entry(Item, frozen=True, eq=False, kw_only=True):
    """One order or report of a medicine, whatever its status, with what rules ask of it again and again."""

    concepts: tuple[JsonObject, ...]
    """What is ordered or taken, through a reference where there is one; then what that contains."""
    title: str
    """The name of the medicine as written, else by what it contains, else ""."""
    names: tuple[str, ...]
    """The words of every name that the medicine and its parts go by, where they name what is in it."""
    ingredients: frozenset[Ingredient]
    """Those that we know in the medicine: by its names, else by RxNorm code."""
    alerts: Sequence[Ingredient]
    """The high-alert ones: none of what stays on the surface of the body."""
    key: object
    """What entries of one medicine share: its ingredients, else its words, else itself."""
    dosages: Sequence[JsonObject]
    dose: str
    """The dose in the words it was written in, else "" (see `wording.medicines` for the rest)."""
    course: Course
    ended: Moment | None
    """When it says that it ends: by its period, its dosages or its supply, whichever it gives."""
    is_active: bool
    """Whether it stands: active, on hold, intended, or of unknown status."""
    is_planned: bool
    """Whether it is a plan or a proposal: nobody has ordered it yet. What a patient takes may be filed as a plan."""
    is_reported: bool
    """Whether it is what somebody said, not what was ordered."""
    is_said_none: bool
    """Whether it says that no medicine is known or that nothing is known of medicines."""
    is_of_past_stay: bool
    """Whether it was ordered for a stay in hospital that is over, and is no medicine of home."""
    is_for_later: bool
    """Whether it says that it begins on a day to come."""
    is_past_end: bool
    """Whether the end that is written in it has passed."""

    @property
    def concept(self) -> JsonObject:
        """The CodeableConcept of what is ordered or taken."""
        return self.concepts[0]

    @property
    def is_in_force(self) -> bool:
        """Whether an active entry is to be taken now: not on hold, planned, for later, or past its end or stay."""
        return not (
            self.status in {"on-hold", "intended"}
            or self.is_planned
            or self.is_for_later
            or self.is_past_end
            or self.is_of_past_stay
        )


def entries(record: Record) -> Mapping[str, Entry]:
    """Return the orders of a record, then its reports, by reference, each newest first."""
    terms = record.tables.terms["none"]
    none_known = frozenset((*terms["medications"], *terms["unknown"]))
    return {
        item.ref: _entry(record, item, none_known)
        for kind in (ORDER, REPORT)
        for item in record.of(kind)
    }


def orders(record: Record) -> list[Entry]:
    """Return the orders of a record, newest first."""
    return [each for each in record.once(entries).values() if each.type == ORDER]


def reports(record: Record) -> list[Entry]:
    """Return the reports of a record, newest first."""
    return [each for each in record.once(entries).values() if each.type == REPORT]


def _entry(record: Record, item: Item, none_known: frozenset[str]) -> Entry:
    said = item.resource
    is_order = item.type == ORDER
    coded, named = medication(said)
    target = record.target(said, named) if named else EMPTY
    concept = coded or obj(target, "code") or {"text": code(named, "display")}
    concepts = (concept, *_contained(target)) if target else (concept,)
    title = name(concept) or _unwritten(record, concepts, named)
    names = record.tables.without_misnomers(words(" . ".join(_names(concepts, named))))
    ingredients = record.tables.ingredients(names) or _by_code(record, concepts)
    dosages = (*objs(said, "dosageInstruction"), *objs(said, "dosage"))
    dose = _dose(dosages)
    course = _course(record, said, dosages)
    ended = course.end or course.supply
    intent = code(said, "intent")
    is_active = _is_active(item, intent)
    is_reported = (
        not is_order or said.get("reportedBoolean") is True or "reportedReference" in said
    )
    return Entry(
        item.ref,
        item.type,
        said,
        item.when,
        item.status,
        item.place,
        item.odd_date,
        concepts=concepts,
        title=title,
        names=names,
        ingredients=ingredients,
        alerts=_alerts(ingredients, names, dosages, dose),
        key=ingredients or title.casefold() or item.ref,
        dosages=dosages,
        dose=dose,
        course=course,
        ended=ended,
        is_active=is_active,
        is_planned=is_order and not is_reported and intent in {"plan", "proposal"},
        is_reported=is_reported,
        is_said_none=not none_known.isdisjoint(codes(concept)),
        is_of_past_stay=is_order and _is_of_past_stay(record, item, is_active, ended),
        is_for_later=course.begin is not None and record.days_ago(course.begin) < 0,
        is_past_end=ended is not None and record.days_ago(ended) > 0,
    )


def _dose(dosages: Sequence[JsonObject]) -> str:
    if len(dosages) == 1:  # as most
        return text(dosages[0], "text")
    return "; ".join([told for each in dosages if (told := text(each, "text"))])


def _alerts(
    ingredients: Iterable[Ingredient],
    names: Iterable[str],
    dosages: Iterable[JsonObject],
    dose: str,
) -> list[Ingredient]:
    alerts = [each for each in ingredients if each.high_alert]
    if alerts and acts_on(names, dosages, dose) in ON_THE_SURFACE:
        return [each for each in alerts if each.name in EVERYWHERE]
    return alerts


def _contained(target: JsonObject) -> list[JsonObject]:
    return [obj(each, "itemCodeableConcept") for each in objs(target, "ingredient")]


def _unwritten(record: Record, concepts: Sequence[JsonObject], named: JsonObject) -> str:
    """Return what a medicine without a name of its own is called."""
    concept, *inside = concepts
    rxnorm = record.tables.rxnorm
    contained = [name(each) for each in inside]
    known = [each for _, each in codings(concept) if each in rxnorm]
    return (
        text(named, "display")
        or " / ".join(each for each in contained if each)
        or (rxnorm[known[0]].name if known else "")
    )


def _names(concepts: Iterable[JsonObject], named: JsonObject) -> Iterable[str]:
    said = [text(named, "display")] if named else []
    for each in concepts:
        said.append(text(each, "text"))
        said += [text(coding, "display") for coding in objs(each, "coding")]
    return dict.fromkeys(said)


def _by_code(record: Record, concepts: Iterable[JsonObject]) -> frozenset[Ingredient]:
    rxnorm = record.tables.rxnorm
    return frozenset(
        rxnorm[value]
        for each in concepts
        for system, value in codings(each)
        if value in rxnorm and _is_rx(system)
    )


def _is_rx(system: str) -> bool:
    return not system or system.endswith("rxnorm")


def _course(record: Record, said: JsonObject, dosages: Sequence[JsonObject]) -> Course:
    """Return when a medicine is to be taken: by its period, else by its dosages, else by its supply.

    Of several dosages, one after the other, the first begins and the last ends it, where each says so.
    """
    own, supply = obj(said, "effectivePeriod"), obj(obj(said, "dispenseRequest"), "validityPeriod")
    bounds = _bounds(dosages)
    if not (own or supply or bounds):
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


def _bounds(dosages: Sequence[JsonObject]) -> list[JsonObject]:
    """Return when each dosage is to be taken, none where no one says."""
    for each in dosages:
        if "boundsPeriod" in _repeat(each):
            return [obj(_repeat(each), "boundsPeriod") for each in dosages]
    return []


def _repeat(dosage: JsonObject) -> JsonObject:
    return obj(obj(dosage, "timing"), "repeat")


def _each(
    found: Sequence[Moment | None], choose: Callable[[Iterable[Moment]], Moment]
) -> Moment | None:
    known = [each for each in found if each]
    return choose(known) if known and len(known) == len(found) else None


def _is_active(item: Item, intent: str) -> bool:
    said = item.resource
    if item.type == ORDER and intent == "option":
        return False
    return item.status in _ACTIVE[item.type] and not is_true(said, "doNotPerform")


def _is_of_past_stay(record: Record, item: Item, is_active: bool, ended: Moment | None) -> bool:
    """Return whether an order was for a stay in hospital that is over, and never a medicine of home.

    Its category tells it. Where it has none its encounter does, if the order ended no later than the stay: what is
    prescribed at discharge outlives it.
    """
    if _is_for(_HOME, item):
        return False
    over = stay_ended(record, item)
    if over and over.at >= record.now.at:
        return False
    if _is_for(_WARD, item):
        return True
    stopped = None if is_active else ended or changed_at(record, item)
    return over is not None and stopped is not None and stopped.date <= over.date


def _is_for(place: frozenset[str], item: Item) -> bool:
    """Return whether a category of an order says, by code or in words, that it is for a place."""
    for each in objs(item.resource, "category"):  # asked of every order
        if not place.isdisjoint(codes(each)) or name(each).casefold() in place:
            return True
    return False


def past_stay(record: Record, item: Item) -> Moment | None:
    """Return when the stay was over in which an order was written, unless its category says that it was for home."""
    over = None if _is_for(_HOME, item) else stay_ended(record, item)
    return over if over and over.at < record.now.at else None


def stay_ended(record: Record, item: Item) -> Moment | None:
    """Return when the emergency or stay was over in which an order was written: now for one that goes on."""
    stay = record.get(reference(item.resource, "encounter"))
    return until(record, stay) if stay and setting(record, stay) else None


def changed_at(record: Record, item: Item) -> Moment | None:
    """Return when the record of an entry was last changed."""
    return record.moment(obj(item.resource, "meta").get("lastUpdated"))


def stopped_at(record: Record, entry: Entry) -> Moment | None:
    """Return when a stopped order says it ended, else when its record was last changed."""
    return entry.ended or changed_at(record, entry)


def is_aged(record: Record, item: Item) -> bool:
    """Return whether an entry is older than a list entry should be."""
    return (
        item.when is not None
        and record.days_ago(item.when) > record.tables.days["medication_list"]
    )
