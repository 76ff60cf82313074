"""What became of a patient's medicines since the last visit: new, changed, stopped or held orders."""

import re
from collections.abc import Iterator
from typing import Literal

import msgspec

from cds_service.brief.facts import medicine_reports
from cds_service.brief.facts.medicines import (
    ORDER,
    alerts_of,
    changed_at,
    dosages,
    dose,
    ended,
    is_active,
    is_of_past_stay,
    is_planned,
    key,
    stopped_at,
    title,
)
from cds_service.brief.facts.visits import is_since_last_visit
from cds_service.brief.record import Item, Record
from cds_service.domain.brief import Statement
from cds_service.domain.json import JsonObject
from cds_service.fhir.elements import code, codes, is_true, number, obj, objs, reference

_STOPPED = frozenset({"stopped", "cancelled", "completed", "not-taken"})
_CUT_SHORT = frozenset({"stopped", "cancelled"})
_NUMBER = re.compile(r"\d+(?:[.,]\d+)*")


Word = Literal["new", "changed", "renewed", "stopped", "on_hold", "reported"]


class Change(msgspec.Struct, frozen=True, eq=False):
    """One medicine that is not what it was at the last visit."""

    word: Word
    item: Item
    before: Item | None = None

    @property
    def refs(self) -> tuple[str, ...]:
        """Return the order and the one that it took the place of."""
        return (self.item.ref, self.before.ref) if self.before else (self.item.ref,)

    def statement(self) -> Statement:
        """Return the statement of this change."""
        return Statement(kind="medication_change", refs=self.refs, flags=(self.word,))


def changes(record: Record) -> tuple[Change, ...]:
    """Return what became of medicines since the last visit: high-alert ones first, then stops with a reason."""
    found = [each for items in record.once(_orders).values() for each in _change(record, items)]
    told = {key(record, each.item) for each in found}
    found += [Change(word, item) for word, item in medicine_reports.news(record, told)]
    return tuple(sorted(found, key=lambda each: _place(record, each)))


def _place(record: Record, change: Change) -> tuple[bool, bool]:
    is_over = change.word in {"stopped", "on_hold"}
    is_reasoned = is_over and "statusReason" in change.item.resource
    return not alerts_of(record, change.item), not is_reasoned


def _orders(record: Record) -> dict[object, list[Item]]:
    """Return the orders of each medicine; what was for a stay that is over only while nobody closed it."""
    orders: dict[object, list[Item]] = {}
    for item in record.of(ORDER):
        is_over = not is_active(item) and is_of_past_stay(record, item)
        if not is_over and not is_true(item.resource, "doNotPerform"):
            orders.setdefault(key(record, item), []).append(item)
    return orders


def words_of(record: Record) -> dict[str, Word]:
    """Return what became of each entry, by its reference; a renewal of the same dose is in none, nor one on hold."""
    found = record.once(changes)
    return {each.item.ref: each.word for each in found if each.word not in {"on_hold", "reported"}}


def _change(record: Record, items: list[Item]) -> Iterator[Change]:
    """Yield what became of one medicine's orders; a plan for it and an order for a stay take no order's place."""
    parts: tuple[list[Item], list[Item], list[Item]] = ([], [], [])
    for item in items:
        is_plan = is_planned(item) and is_active(item)
        parts[1 if is_plan else 2 * is_of_past_stay(record, item)].append(item)
    for part in filter(None, parts):
        yield from _newest(record, part)


def _newest(record: Record, items: list[Item]) -> Iterator[Change]:
    """Yield what became of one medicine's orders. While one stands, later ones that came to nothing are no news."""
    place = next((place for place, item in enumerate(items) if is_active(item)), None)
    newest = items[place or 0]
    if place is not None:
        if is_since_last_visit(record, newest):
            yield from _ordered(record, newest, items[place + 1 :])
        else:
            held = (each for each in items[place:] if _is_held_since(record, each))
            yield from (Change("on_hold", each) for each in held)
    elif newest.status in _STOPPED:
        when = stopped_at(record, newest)
        seen = Item(newest.ref, newest.type, newest.resource, when, newest.status)
        is_late = is_since_last_visit(record, seen) and not is_moved(record, newest)
        if is_late or _is_cut_short_since(record, newest):
            yield Change("stopped", newest)


def _is_cut_short_since(record: Record, item: Item) -> bool:
    """Return whether an order of after the last visit was stopped, with no end to tell when: not before it, anyhow."""
    is_undated = item.status in _CUT_SHORT and not ended(record, item)
    return is_undated and is_since_last_visit(record, item)


def _is_held_since(record: Record, item: Item) -> bool:
    """Return whether an order that is on hold was last changed since the last visit, and in no move of the chart."""
    if item.status != "on-hold":
        return False
    seen = Item(item.ref, item.type, item.resource, changed_at(record, item), item.status)
    return is_since_last_visit(record, seen) and _stamp(record, item) not in record.once(_moves)


def _ordered(record: Record, newest: Item, rest: list[Item]) -> Iterator[Change]:
    """Yield that an order is new or changed; a renewal of the same dose is neither.

    It is compared with the order that it replaces, else with the last one that ended. Beside an order that
    still stands it is new, whatever ended before. Where it names an order that was not read, it is not new, and
    nothing tells whether it is changed.
    """
    named = reference(newest.resource, "priorPrescription")
    replaced = record.get(named)
    before = replaced or next((item for item in rest if not is_active(item)), None)
    if before and _is_alike(record, before, newest):
        return
    if named and replaced is None:
        yield Change("renewed", newest)
    elif before is None or (replaced is None and any(is_active(item) for item in rest)):
        yield Change("new", newest)
    elif before.type == ORDER:
        yield Change("changed", newest, before)


def _is_alike(record: Record, before: Item, newest: Item) -> bool:
    """Return whether two orders are of one name and dose: by its structure where both have one, else as written.

    A structure may say less than its text, so the numbers of both texts have to agree as well.
    """
    if title(record, before).casefold() != title(record, newest).casefold():
        return False
    one, other = _structure(before), _structure(newest)
    if one and other:
        return one == other and _numbers(record, before) == _numbers(record, newest)
    return dose(record, before).casefold() == dose(record, newest).casefold()


def _numbers(record: Record, item: Item) -> list[str]:
    return _NUMBER.findall(dose(record, item))


def _structure(item: Item) -> tuple[object, ...]:
    """Return the amounts and times of a dose as they are coded, () when none is."""
    return tuple(found for each in dosages(item) if any(found := _coded(each)))


def _coded(dosage: JsonObject) -> tuple[object, ...]:
    amounts = [obj(each, "doseQuantity") for each in objs(dosage, "doseAndRate")]
    timing = obj(dosage, "timing")
    repeat = obj(timing, "repeat")
    return (
        tuple((number(each, "value"), code(each, "unit")) for each in amounts if each),
        tuple(codes(obj(timing, "code"))),
        number(repeat, "frequency"),
        number(repeat, "period"),
        code(repeat, "periodUnit"),
        is_true(dosage, "asNeededBoolean"),
    )


def stopped_unknown_when(record: Record) -> tuple[Item, ...]:
    """Return the stopped orders that may have ended since the last visit or years ago: nothing tells."""
    orders = record.once(_orders).values()
    ended_ = (items[0] for items in orders if not any(is_active(each) for each in items))
    return tuple(
        each
        for each in ended_
        if each.status in _STOPPED
        and is_moved(record, each)
        and not _is_cut_short_since(record, each)
    )


def is_moved(record: Record, item: Item) -> bool:
    """Return whether an order without a written end was last changed in a move that changed most of its kind.

    Some servers stamp every entry anew when a chart is moved. That day says nothing of when an order ended.
    """
    if ended(record, item):
        return False
    return _stamp(record, item) in record.once(_moves)


_FEW = 4
"""Fewer orders of one day are a visit's work, not a move."""


def _moves(record: Record) -> frozenset[str]:
    """Return the days on which most orders of the record were last changed, written at different times.

    Those for a stay that is over say nothing: its last day closes them all.
    """
    stamps: dict[str, list[Item]] = {}
    kept = [item for item in record.of(ORDER) if not is_of_past_stay(record, item)]
    for item in kept:
        stamps.setdefault(_stamp(record, item), []).append(item)
    half = len(kept) / 2
    return frozenset(
        day
        for day, items in stamps.items()
        if day and len(items) >= _FEW and len(items) > half and _is_of_many_days(items)
    )


def _is_of_many_days(items: list[Item]) -> bool:
    return len({item.when.day for item in items if item.when}) > 1


def _stamp(record: Record, item: Item) -> str:
    changed = changed_at(record, item)
    return changed.day if changed else ""
