"""Medicines that do not agree: one ingredient twice, or an order beside a report that it is not taken."""

import re
from collections.abc import Collection, Iterable, Sequence
from typing import Literal

from cds_service.brief.facts.doses import Dose, dose, plain_numbers
from cds_service.brief.facts.medicine_entries import Entry, entries, is_aged, reports
from cds_service.brief.facts.medicines import Medicine, foremost, medicines
from cds_service.brief.facts.places import EVERYWHERE, acts_on
from cds_service.brief.record import Item, Record
from cds_service.domain.tables import Ingredient, words
from cds_service.fhir.elements import code, is_true, medication, name, obj, reference, text
from cds_service.rulebook import DEFAULT

_NUMBER = re.compile(r"\.?\d+(?:[.,]\d+)*")
_NEEDED = re.compile(r"as needed|as required|\bprn\b", re.IGNORECASE)
_RELEASES = frozenset(DEFAULT.terms["dose"]["release"])
_FORMS = {word: form for form, said in DEFAULT.terms["dose_form"].items() for word in said}


def doubles(record: Record) -> tuple[tuple[Entry, ...], ...]:
    """Return the sets of active entries that share an ingredient and do not agree.

    Two orders never agree unless one replaces the other; an order and a report agree when their doses and
    strengths are written alike. Two brands, or a combination and its part, count as one ingredient.
    Orders that are on hold, planned or past their written end stand beside one in force without a conflict, and what
    acts on one place beside what acts on another: a spray for the nose beside an inhaler.
    """
    shared: dict[Ingredient, list[Entry]] = {}
    for medicine in record.once(medicines):
        for each in _counted(record, medicine):
            shared.setdefault(each, []).extend(medicine.items)
    sets = {
        tuple(items)
        for ingredient, found in shared.items()
        if len(found) > 1
        for items in _by_place(ingredient, found)
        if len(items) > 1 and _disagree(record, _judged(items))
    }
    return tuple(sorted(sets, key=lambda items: [item.ref for item in items]))


def _by_place(ingredient: Ingredient, found: list[Entry]) -> Collection[list[Entry]]:
    """Return entries by the place on which they act; all together where one does not say, or it may act everywhere."""
    if ingredient.high_alert or ingredient.name in EVERYWHERE:
        return [found]
    places: dict[str, list[Entry]] = {}
    for each in found:
        places.setdefault(acts_on(each.names, each.dosages, each.dose), []).append(each)
    return [found] if "" in places else places.values()


def _counted(record: Record, medicine: Medicine) -> Collection[Ingredient]:
    """Return the ingredients that a medicine may double: not what a combination holds for another's sake."""
    if len(medicine.ingredients) == 1:
        return medicine.ingredients
    return [each for each in medicine.ingredients if each.name not in record.tables.companions]


def regimens(record: Record) -> tuple[tuple[Entry, ...], ...]:
    """Return those of these sets that are parts of one plan."""
    return tuple(items for items in record.once(doubles) if is_regimen(items))


def unplanned(record: Record) -> tuple[tuple[Entry, ...], ...]:
    """Return the others."""
    planned = record.once(regimens)
    return tuple(items for items in record.once(doubles) if items not in planned)


def _judged(items: list[Entry]) -> list[Entry]:
    """Return the entries that have to agree: those in force; all, where somebody says that it is taken.

    A report that a medicine is taken, beside an order on hold, is worth knowing.
    """
    taken = [item for item in items if item.is_in_force]
    return items if any(item.is_reported for item in taken) else taken


def _disagree(record: Record, items: list[Entry]) -> bool:
    if len(items) <= 1:
        return False
    if _are_forms_as_needed(record, items) or _are_renewals(record, items):
        return False
    replaced = {reference(item.resource, "priorPrescription") for item in items}
    orders = [i for i in items if not i.is_reported and i.ref not in replaced]
    return len(orders) > 1 or differ(record, items) != "alike"


def differ(record: Record, items: Iterable[Entry]) -> Literal["alike", "worded", "unlike"]:
    """Return whether entries are of one strength and dose; "worded" where words alone differ and are not understood."""
    found = [item for item in items if item.dose or strength(item)]
    if len({strength(item) for item in found} - {()}) > 1:
        return "unlike"
    written = {item.dose.casefold(): item for item in found if item.dose}
    if len(written) <= 1:
        return "alike"
    understood = {record.each(_dose, item) for item in written.values()}
    if None in understood:
        return "worded"
    if len(understood) > 1:
        return "unlike"
    return (
        "alike" if len({_RELEASES.intersection(item.names) for item in found}) == 1 else "worded"
    )


def _dose(record: Record, item: Item) -> Dose | None:
    return dose(record.once(entries)[item.ref])


def is_regimen(items: Sequence[Entry]) -> bool:
    """Return whether these are parts of one plan: orders of one day by one person or at one encounter, each unlike.

    Where neither is recorded they are taken for one if each has a dose in words of its own; two strengths to be taken
    alike may be one medicine twice.
    """
    if any(item.is_reported or not item.is_in_force for item in items):
        return False
    days = {item.when.day if item.when else "" for item in items}
    if len(days) > 1 or "" in days:
        return False
    doses = {item.dose.casefold() for item in items}
    if len({(strength(item), item.dose.casefold()) for item in items}) < len(items):
        return False
    said = [_named(items, member) for member in ("requester", "encounter")]
    if any(len(each) == 1 and "" not in each for each in said):
        return True
    are_apart = any(len(each - {""}) > 1 for each in said)
    return not are_apart and len(doses - {""}) == len(items)


def _named(items: Sequence[Entry], member: str) -> set[str]:
    """Return whom or what entries refer to, "" for one that does not say."""
    named = [obj(item.resource, member) for item in items]
    return {code(each, "reference") or text(each, "display") for each in named}


def strength(item: Entry) -> tuple[str, ...]:
    """Return the numbers in a medicine's name, () where it has none."""
    return tuple(_NUMBER.findall(plain_numbers(item.title)))


def _are_renewals(record: Record, items: list[Entry]) -> bool:
    """Return whether these are one order, written again over the years, whose older forms nobody closed."""
    alike = {(item.title.casefold(), item.dose.casefold()) for item in items}
    if len(alike) > 1:
        return False
    young = [item for item in items if not is_aged(record, item)]
    orders = all(not item.is_reported and item.when for item in items)
    return orders and len(young) <= 1


def contradictions(record: Record) -> tuple[tuple[Entry, Entry], ...]:
    """Return active orders beside a newer report that the same medicine is no longer taken.

    One that shares a part of it is another: who stopped acetaminophen may still take Percocet.
    """
    denied: dict[frozenset[Ingredient], Entry] = {}
    for item in reports(record):
        if item.status in {"stopped", "not-taken"} and item.ingredients:
            denied.setdefault(item.ingredients, item)
    found = {}
    for medicine in record.once(medicines) if denied else ():
        report = denied.get(medicine.ingredients)
        if report is None:
            continue
        said = medicine.items
        order = foremost([i for i in said if not i.is_reported] or said)
        if not any(i.is_reported and _later(i, report) for i in said):
            found[order.ref] = (order, report)
    return tuple(pair for _, pair in sorted(found.items()) if not _later(pair[0], pair[1]))


def _later(one: Entry, other: Entry) -> bool:
    return one.when is not None and other.when is not None and one.when > other.when


def _are_forms_as_needed(record: Record, items: list[Entry]) -> bool:
    """Return whether these are forms of one medicine for use as needed, each form once: an inhaler and a nebulizer."""
    if not all(_is_as_needed(item) for item in items):
        return False
    forms = [_form(record, item) for item in items]
    return len(set(forms)) == len(forms) and "" not in forms


def _form(record: Record, item: Entry) -> str:
    """Return the dose form of a medicine as its name tells it, "" when it does not."""
    target = record.target(item.resource, medication(item.resource)[1])
    said = f"{item.title} {name(obj(target, 'form'))} {name(item.concept)}"
    return next((_FORMS[word] for word in words(said) if word in _FORMS), "")


def _is_as_needed(item: Entry) -> bool:
    marked = any(
        is_true(each, "asNeededBoolean") or "asNeededCodeableConcept" in each
        for each in item.dosages
    )
    return marked or bool(_NEEDED.search(item.dose))


def alerts_in_common(items: Iterable[Entry]) -> frozenset[Ingredient]:
    """Return the high-alert ingredients that every one of these entries holds."""
    return frozenset.intersection(*(frozenset(item.alerts) for item in items))
