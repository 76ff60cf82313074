"""Medicines of a record: what is active, merged by ingredient."""

from collections.abc import Iterable, Sequence

import msgspec

from cds_service.brief.facts.medicine_entries import Entry, entries
from cds_service.brief.record import Record
from cds_service.domain.tables import Ingredient
from cds_service.fhir.elements import medication


class Medicine(msgspec.Struct, frozen=True, eq=False):
    """Every active entry of one medicine: orders first, then reports, each newest first."""

    items: tuple[Entry, ...]
    ingredients: frozenset[Ingredient]
    title: str
    """Its place in the alphabet."""
    alerts: tuple[str, ...]
    """The high-alert groups it belongs to."""


def medicines(record: Record) -> tuple[Medicine, ...]:
    """Return the active medicines: high-alert ones first, then by name."""
    found: dict[object, list[Entry]] = {}
    for each in record.once(entries).values():
        if each.is_active and not each.is_said_none:
            found.setdefault(each.key, []).append(each)
    made = [_medicine(items) for items in found.values()]
    return tuple(sorted(made, key=lambda m: (not m.alerts, m.title, m.items[0].ref)))


def _medicine(items: list[Entry]) -> Medicine:
    items.sort(key=place)
    first = items[0]
    return Medicine(tuple(items), first.ingredients, first.title.casefold(), alert_groups(items))


def place(entry: Entry) -> tuple[bool, bool]:
    """Return the place of an entry among those of its medicine: orders of home, ward orders, then reports."""
    return entry.is_reported, entry.is_of_past_stay


def foremost(found: Sequence[Entry]) -> Entry:
    """Return the entry by which a medicine is told: the first that is in force, else the first."""
    return next((each for each in found if each.is_in_force), found[0])


def alert_groups(found: Iterable[Entry]) -> tuple[str, ...]:
    """Return the high-alert groups that entries belong to."""
    groups = {each.high_alert for entry in found for each in entry.alerts}
    return tuple(sorted(groups)) if groups else ()


def unresolved(record: Record) -> int:
    """Return how many active entries refer to a medicine that is not in the record and do not name it."""
    return sum(
        not each.title and bool(medication(each.resource)[1])
        for medicine in record.once(medicines)
        for each in medicine.items
    )
