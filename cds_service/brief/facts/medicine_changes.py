"""What became of a patient's medicines since the last visit: new, changed, stopped or held orders."""

import re
from collections import Counter
from collections.abc import Iterator
from datetime import date
from typing import Literal

import msgspec

from cds_service.brief.facts import medicine_reports
from cds_service.brief.facts.medicine_entries import (
    ORDER,
    Entry,
    changed_at,
    entries,
    orders,
    stopped_at,
)
from cds_service.brief.facts.visits import is_day_since_last_visit, is_since_last_visit
from cds_service.brief.record import Item, Record
from cds_service.domain.brief import Statement
from cds_service.domain.json import JsonObject
from cds_service.fhir.dates import Moment
from cds_service.fhir.elements import code, codes, is_true, number, obj, objs, reference

_STOPPED = frozenset({"stopped", "cancelled", "completed", "not-taken"})
_CUT_SHORT = frozenset({"stopped", "cancelled"})
_NUMBER = re.compile(r"\d+(?:[.,]\d+)*")


Word = Literal["new", "changed", "renewed", "stopped", "on_hold", "reported"]


class Change(msgspec.Struct, frozen=True, eq=False):
    """One medicine that is not what it was at the last visit."""

    word: Word
    item: Entry
    before: Entry | None = None

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
    told = {each.item.key for each in found}
    found += [Change(word, item) for word, item in medicine_reports.news(record, told)]
    return tuple(sorted(found, key=_place))


def _place(change: Change) -> tuple[bool, bool]:
    is_over = change.word in {"stopped", "on_hold"}
    is_reasoned = is_over and "statusReason" in change.item.resource
    return not change.item.alerts, not is_reasoned


def _orders(record: Record) -> dict[object, list[Entry]]:
    """Return the orders of each medicine; what was for a stay that is over only while nobody closed it."""
    found: dict[object, list[Entry]] = {}
    for each in orders(record):
        is_over = not each.is_active and each.is_of_past_stay
        if not is_over and not is_true(each.resource, "doNotPerform"):
            found.setdefault(each.key, []).append(each)
    return found


def words_of(record: Record) -> dict[str, Word]:
    """Return what became of each entry, by its reference; a renewal of the same dose is in none, nor one on hold."""
    found = record.once(changes)
    return {each.item.ref: each.word for each in found if each.word not in {"on_hold", "reported"}}


def _change(record: Record, items: list[Entry]) -> Iterator[Change]:
    """Yield what became of one medicine's orders; a plan for it and an order for a stay take no order's place."""
    parts: tuple[list[Entry], list[Entry], list[Entry]] = ([], [], [])
    for item in items:
        is_plan = item.is_planned and item.is_active
        parts[1 if is_plan else 2 * item.is_of_past_stay].append(item)
    for part in parts:
        if part:
            yield from _newest(record, part)


def _newest(record: Record, items: list[Entry]) -> Iterator[Change]:
    """Yield what became of one medicine's orders. While one stands, later ones that came to nothing are no news."""
    are_active = [item.is_active for item in items]
    place = are_active.index(True) if True in are_active else None
    newest = items[place or 0]
    if place is not None:
        if is_since_last_visit(record, newest):
            yield from _ordered(record, newest, items[place + 1 :])
            return
        for item in items[place:]:
            if _is_held_since(record, item):
                yield Change("on_hold", item)
    elif newest.status in _STOPPED:
        when = stopped_at(record, newest)
        is_late = is_day_since_last_visit(record, when) and not is_moved(record, newest)
        if is_late or _is_cut_short_since(record, newest):
            yield Change("stopped", newest)


def _is_cut_short_since(record: Record, item: Entry) -> bool:
    """Return whether an order of after the last visit was stopped, with no end to tell when: not before it, anyhow."""
    is_undated = item.status in _CUT_SHORT and not item.ended
    return is_undated and is_since_last_visit(record, item)


def _is_held_since(record: Record, item: Entry) -> bool:
    """Return whether an order that is on hold was last changed since the last visit, and in no move of the chart."""
    if item.status != "on-hold":
        return False
    when = changed_at(record, item)
    return is_day_since_last_visit(record, when) and not _is_of_move(record, when)


def _ordered(record: Record, newest: Entry, rest: list[Entry]) -> Iterator[Change]:
    """Yield that an order is new or changed; a renewal of the same dose is neither.

    It is compared with the order that it replaces, else with the last one that ended. Beside an order that
    still stands it is new, whatever ended before. Where it names an order that was not read, it is not new, and
    nothing tells whether it is changed.
    """
    named = reference(newest.resource, "priorPrescription")
    replaced = record.get(named)
    if replaced and replaced.type != ORDER:
        return
    if replaced:
        before: Entry | None = record.once(entries)[replaced.ref]
    else:
        before = next((item for item in rest if not item.is_active), None)
    if before and _is_alike(before, newest):
        return
    if named and replaced is None:
        yield Change("renewed", newest)
    elif before is None or (replaced is None and any(item.is_active for item in rest)):
        yield Change("new", newest)
    else:
        yield Change("changed", newest, before)


def _is_alike(before: Entry, newest: Entry) -> bool:
    """Return whether two orders are of one name and dose: by its structure where both have one, else as written.

    A structure may say less than its text, so the numbers of both texts have to agree as well.
    """
    if before.title.casefold() != newest.title.casefold():
        return False
    if before.dosages == newest.dosages:
        return True  # as of most renewals
    one, other = _structure(before), _structure(newest)
    if one and other:
        return one == other and _numbers(before) == _numbers(newest)
    return before.dose.casefold() == newest.dose.casefold()


def _numbers(item: Entry) -> list[str]:
    return _NUMBER.findall(item.dose)


def _structure(item: Entry) -> tuple[object, ...]:
    """Return the amounts and times of a dose as they are coded, () when none is."""
    return tuple(found for each in item.dosages if any(found := _coded(each)))


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


def stopped_unknown_when(record: Record) -> tuple[Entry, ...]:
    """Return the stopped orders that may have ended since the last visit or years ago: nothing tells."""
    return tuple(
        each
        for each, *others in record.once(_orders).values()
        if each.status in _STOPPED
        and not any(other.is_active for other in others)
        and is_moved(record, each)
        and not _is_cut_short_since(record, each)
    )


def is_moved(record: Record, item: Entry) -> bool:
    """Return whether an order without a written end was last changed in a move that changed most of its kind.

    Some servers stamp every entry anew when a chart is moved. That day says nothing of when an order ended.
    """
    if item.ended:
        return False
    return _is_of_move(record, changed_at(record, item))


def _is_of_move(record: Record, when: Moment | None) -> bool:
    """Return whether a day is one of a move; where most orders cannot be of it, their times are not read for that."""
    if when is None:
        return False
    stored = record.once(_stored_days)
    near = sum(stored[each] for each in _days_about(when))
    return near > stored.total() / 2 and when.day in record.once(_moves)


def _days_about(when: Moment) -> set[str]:
    """Return the days under which what the reader's calendar has on one day may be stored, whatever its offset."""
    middle = when.date.toordinal()
    first, last = max(middle - 2, date.min.toordinal()), min(middle + 2, date.max.toordinal())
    return {when.day, *(date.fromordinal(each).isoformat() for each in range(first, last + 1))}


def _stored_days(record: Record) -> Counter[str]:
    """Return on how many orders each day is stored as that of their last change."""
    changed = [code(obj(each.resource, "meta"), "lastUpdated") for each in _of_home(record)]
    return Counter([each[: len("2026-11-23")] for each in changed])


_FEW = 4
"""Fewer orders of one day are a visit's work, not a move."""


def _moves(record: Record) -> frozenset[str]:
    """Return the days on which most orders of the record were last changed, written at different times."""
    stamps: dict[str, list[Item]] = {}
    kept = _of_home(record)
    for item in kept:
        stamps.setdefault(_stamp(changed_at(record, item)), []).append(item)
    half = len(kept) / 2
    return frozenset(
        day
        for day, items in stamps.items()
        if day and len(items) >= _FEW and len(items) > half and _is_of_many_days(items)
    )


def _of_home(record: Record) -> list[Entry]:
    """Return the orders that tell of a move: those for a stay that is over do not, its last day closes them all."""
    return [each for each in orders(record) if not each.is_of_past_stay]


def _is_of_many_days(items: list[Item]) -> bool:
    return len({item.when.day for item in items if item.when}) > 1


def _stamp(when: Moment | None) -> str:
    return when.day if when else ""
