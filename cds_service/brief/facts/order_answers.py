"""Which orders of a record nothing answers: whether a result, a visit or a letter is what was ordered."""

import re
from bisect import bisect_right
from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import islice
from typing import NamedTuple

from cds_service.brief.facts.observations import is_told
from cds_service.brief.facts.order_kinds import awaited, is_test, planned
from cds_service.brief.facts.visits import (
    has_clock,
    names,
    setting,
)
from cds_service.brief.record import Item, Record, newest_first
from cds_service.domain.json import JsonObject
from cds_service.domain.tables import words
from cds_service.fhir.dates import Moment
from cds_service.fhir.elements import (
    code,
    codes,
    displays,
    has_code,
    name,
    obj,
    objs,
    reference,
    text,
)
from cds_service.rulebook import DEFAULT


def unanswered(record: Record) -> tuple[Item, ...]:
    """Return the active orders that wait for something and that nothing in the record answers."""
    active = record.once(awaited)
    if not active:
        return ()
    based, answers = record.once(_named), record.once(_answers)
    visited, written = record.once(_visited), record.once(_written)
    return tuple(
        item
        for item in active
        if item.ref not in based
        and not (item.ref in visited and not is_test(record, item))
        and not written.get(item.ref, _NEVER) > _begun(item)
        and not any(
            _is_answered(record, item, answers[key]) for key in _keys(item) if key in answers
        )
    )


def _visited(record: Record) -> frozenset[str]:
    """Return the orders for which a visit took place: that answers a referral, and no test."""
    came = (
        item
        for kind in ("Encounter", "Appointment")
        for item in record.of(kind)
        if item.status in {"finished", "in-progress", "fulfilled"}
    )
    return frozenset(ref for item in came for ref in based_on(item))


def _written(record: Record) -> dict[str, float]:
    """Return when a document was last written of each order; the letter that goes with a referral is none."""
    found: dict[str, float] = {}
    for item in record.of("DocumentReference"):
        related = (*objs(obj(item.resource, "context"), "related"), *_refs(item, "basedOn"))
        if (
            related
            and item.when
            and not has_code(obj(item.resource, "type"), *record.tables.orders.letters)
        ):
            for each in related:
                found.setdefault(plain(code(each, "reference")), item.when.at)
    return found


def based_on(item: Item) -> list[str]:
    """Return the orders that an entry names as its own."""
    return [plain(code(each, "reference")) for each in _refs(item, "basedOn")]


def _refs(item: Item, member: str) -> Sequence[JsonObject]:
    return objs(item.resource, member) if member in item.resource else ()


_NEVER = float("-inf")
_TELLING = 3
"""Letters of the shortest word of a reason that tells something: TSH."""
_COMMON = frozenset(
    (*DEFAULT.terms["purpose"]["common_words"], "and", "for", "the", "with", "new", "old")
)
_FILED_LATE = 1_800.0
"""Seconds after a draw within which its order is still filed."""
_TERMS = DEFAULT.terms["order"]
_AGAIN = re.compile(rf"\b(?:{'|'.join(_TERMS['again'])})\b")
_NUMBER = rf"(?:\d+|{'|'.join(_TERMS['later_numbers'])})"
_LATER = re.compile(
    rf"\bin {_NUMBER} (?:(?:to |or )?{_NUMBER} )?(?:{'|'.join(_TERMS['later_units'])})\b"
)
_SPOILED = frozenset(_TERMS["spoiled"])
_ANSWERS = ("DiagnosticReport", "Observation", "Procedure")
_NOT_DONE = frozenset({"registered", "cancelled", "preparation", "not-done"})


def _begun(item: Item) -> float:
    return item.when.at if item.when else _NEVER


def _named(record: Record) -> frozenset[str]:
    """Return the orders that a result, a report, a procedure or a completed task names."""
    based = {
        plain(code(each, "reference"))
        for kind in _ANSWERS
        for item in record.of(kind)
        if "basedOn" in item.resource and item.status not in _NOT_DONE
        for each in objs(item.resource, "basedOn")
    }
    done = (
        plain(reference(item.resource, "focus"))
        for item in record.of("Task")
        if item.status == "completed"
    )
    return frozenset((*based, *done))


class _OfADay(NamedTuple):
    """What tells something, of the day of an order."""

    newest: float
    loose: Sequence[Item]
    """What says of no order that it is its own, newest first; of very many the newest."""


class _Answers(NamedTuple):
    """What may answer the orders of one code or name."""

    instants: Sequence[float]
    """Of all, the oldest first."""
    newest: Mapping[str, float]
    """The newest instant of each of the two newest days."""
    of_day: Mapping[str, _OfADay]
    """By the days of the orders."""


_MOST = 100
"""Results of one test on one day that are asked whether one is of an order, where none is plainly of after it."""


def _answers(record: Record) -> dict[str, _Answers]:
    """Return what may answer each code, back to the day of the oldest order; names too, where one has no code."""
    active = record.once(awaited)
    wanted = _wanted(active)
    found: dict[str, list[Item]] = {}
    since = min(active, key=_begun).when
    at, day = (since.at, since.day) if since else (_NEVER, "")
    by_name = any(not codes(obj(item.resource, "code")) for item in active)
    for kind in _ANSWERS:
        for item in record.of(kind):
            when = item.when
            if when is None or (when.at <= at and when.day != day):
                break
            if item.status not in _NOT_DONE:
                known = {*_keys(item), *(_names(record, item) if by_name else ())}
                for key in known & wanted.keys():
                    found.setdefault(key, []).append(item)
    return {key: _sorted(items, wanted[key]) for key, items in found.items()}


def _wanted(active: Iterable[Item]) -> dict[str, set[str]]:
    """Return the codes and names of orders, each with the days of those orders."""
    wanted: dict[str, set[str]] = {}
    for item in active:
        for key in _keys(item):
            wanted.setdefault(key, set()).add(item.when.day if item.when else "")
    return wanted


def _sorted(items: Iterable[Item], days: set[str]) -> _Answers:
    by_day: dict[str, list[Item]] = {}
    ordered = newest_first(items)
    for item in ordered:
        by_day.setdefault(item.when.day if item.when else "", []).append(item)
    newest = {day: _begun(each[0]) for day, each in by_day.items()}
    two = sorted(newest, key=newest.__getitem__, reverse=True)[:2]
    telling = {
        day: [x for x in by_day[day] if not _says_nothing(x)] for day in days & by_day.keys()
    }
    return _Answers(
        instants=[_begun(each) for each in reversed(ordered)],
        newest={day: newest[day] for day in two},
        of_day={
            day: _OfADay(_begun(each[0]), [x for x in each if not based_on(x)][:_MOST])
            for day, each in telling.items()
            if each
        },
    )


def _is_answered(record: Record, order: Item, answers: _Answers) -> bool:
    """Return whether a result of what was ordered is the order's: of after it, or of its day and not its cause."""
    written = order.when
    if written is None:
        return True
    if any(at > written.at and day != written.day for day, at in answers.newest.items()):
        return True
    same = answers.of_day.get(written.day)
    if same is None or not _is_for_its_day(record, order):
        return False
    if has_clock(written) and same.newest > written.at:
        return True
    if _AGAIN.search(record.each(_words_beside, order)):
        return False  # it wants another one
    because = record.each(_reasons, order)
    return any(
        _may_follow(record, order, written, each)
        and because.isdisjoint(record.each(_words_found, each))
        for each in same.loose
    )


def _is_for_its_day(record: Record, order: Item) -> bool:
    """Return whether an order is not written for a later day: a repeat in three months is no result of today."""
    wanted, written = planned(record, order), order.when
    if written is None:
        return True
    if wanted and wanted.date > written.date:
        return False
    is_once = "occurrenceTiming" not in order.resource or _is_once(record, order, written)
    return is_once and not _LATER.search(record.each(_words_beside, order))


def _is_once(record: Record, order: Item, written: Moment) -> bool:
    """Return whether a timing gives no later day: neither one of its own nor a period that goes on."""
    timing = obj(order.resource, "occurrenceTiming")
    period, events = obj(obj(timing, "repeat"), "boundsPeriod"), timing.get("event")
    given = [*(events if isinstance(events, list) else [events]), period.get("start")]
    days = [found.date for each in given if each and (found := record.moment(each))]
    ended = record.moment(period.get("end"))
    goes_on = bool(period) and not (ended and ended.date <= written.date)
    return not goes_on and all(each <= written.date for each in days)


def _words_beside(_: Record, order: Item) -> str:
    """Return the words of an order's reasons, notes and instruction between single spaces."""
    said = order.resource
    found = [each for c in objs(said, "reasonCode") for each in (name(c), *displays(c))]
    found += [text(each, "text") for each in objs(said, "note")]
    found.append(text(said, "patientInstruction"))
    return " ".join(words(" ".join(found)))


def _says_nothing(answer: Item) -> bool:
    """Return whether a result is none: it has no value, or its words tell of a specimen that could not be used."""
    said = answer.resource
    if answer.type == "Observation" and not (
        is_told(said) or "hasMember" in said or "interpretation" in said
    ):
        return True
    found = [text(said, "valueString"), *(text(each, "text") for each in objs(said, "note"))]
    return not _SPOILED.isdisjoint(words(" ".join(found)))


def _words_found(_: Record, answer: Item) -> frozenset[str]:
    """Return the words of what a result found and is of: an order whose reason names one of them wants another."""
    said = answer.resource
    found = [text(said, "valueString"), text(said, "conclusion")]
    found += [name(each) for each in objs(said, "conclusionCode")]
    if answer.type == "Observation":
        found.append(names(answer))
    return frozenset(words(" ".join(found)))


def _reasons(record: Record, order: Item) -> frozenset[str]:
    """Return the words of an order's reasons that tell something."""
    said = order.resource
    found = [each for c in objs(said, "reasonCode") for each in (name(c), *displays(c))]
    for each in objs(said, "reasonReference"):
        found += [text(each, "display"), name(obj(record.target(said, each), "code"))]
    told = words(" ".join(found))
    return frozenset(each for each in told if len(each) >= _TELLING) - _COMMON


def _may_follow(record: Record, order: Item, written: Moment, answer: Item) -> bool:
    """Return whether a result of the day may be that of an order, and not one that had the order written.

    An order is often filed a little after the draw. One of later wants another draw, and so does one that was written
    when the result was there already, but for a test of the same visit, done on the spot.
    """
    drawn, told = answer.when, record.moment(answer.resource.get("issued"))
    issued = told if told and has_clock(told) else None
    if drawn is None or not has_clock(written):
        return True
    is_news = issued is None or issued.at > written.at
    if not has_clock(drawn):
        return is_news
    filed_late = written.at - drawn.at <= _FILED_LATE and not _is_of_an_earlier(
        record, order, drawn
    )
    return filed_late and (is_news or _are_of_one_visit(record, order, answer))


def _is_of_an_earlier(record: Record, order: Item, drawn: Moment) -> bool:
    """Return whether another order of the same waited at a draw: the result is of that one, and answers no second."""
    waiting = record.once(_waiting)
    return any(other is not order for key in _keys(order) for other in waiting(key, drawn))


def _waiting(record: Record) -> Callable[[str, Moment], Sequence[Item]]:
    """Return what tells which orders of a code or name waited at a draw: two of them, where there are more."""
    answers, based = record.once(_answers), record.once(_named)
    orders: dict[str, list[tuple[Item, Moment]]] = {}
    for item in record.once(awaited):
        if item.when is not None and item.ref not in based:
            for key in _keys(item):
                orders.setdefault(key, []).append((item, item.when))
    known: dict[tuple[str, float, str], Sequence[Item]] = {}

    def waiting(key: str, drawn: Moment) -> Sequence[Item]:
        asked = key, drawn.at, drawn.day
        if asked not in known:
            instants = answers[key].instants if key in answers else ()
            waited = (
                item
                for item, written in orders.get(key, ())
                if written.at <= drawn.at
                and (has_clock(written) or written.day != drawn.day)
                and not _was_answered(instants, written, drawn)
            )
            known[asked] = tuple(islice(waited, 2))
        return known[asked]

    return waiting


def _was_answered(instants: Sequence[float], written: Moment, drawn: Moment) -> bool:
    place = bisect_right(instants, written.at)
    return place < len(instants) and instants[place] < drawn.at


def _are_of_one_visit(record: Record, order: Item, answer: Item) -> bool:
    """Return whether an order and a result are of one visit; a stay is none, where a test is done again and again."""
    visit = record.get(reference(order.resource, "encounter"))
    return (
        visit is not None
        and record.get(reference(answer.resource, "encounter")) is visit
        and not setting(record, visit)
    )


def plain(literal: str) -> str:
    """Return a reference as `Type/id`, without server and version."""
    return "/".join(literal.partition("/_history/")[0].split("/")[-2:])


def _keys(item: Item) -> list[str]:
    """Return what an order and its result share: their codes, else their words."""
    concept = obj(item.resource, "code")
    coded = codes(concept)
    if coded:
        return coded
    said = name(concept).casefold()
    return [said] if said else []


def _names(record: Record, item: Item) -> set[str]:
    """Return every name that an answer goes by, that of our table too."""
    concept = obj(item.resource, "code")
    groups = (record.tables.groups.get(each) for each in codes(concept))
    known = (name(concept), *displays(concept), *(each.name for each in groups if each))
    return {each.casefold() for each in known if each}
