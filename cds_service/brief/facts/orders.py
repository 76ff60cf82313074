"""Orders of a record that nothing answers yet, by how long they wait, and the tasks that wait for them."""

from datetime import date

from cds_service.brief.facts.order_answers import based_on, plain, unanswered
from cds_service.brief.facts.order_kinds import planned
from cds_service.brief.facts.visits import (
    is_booked,
    last_visit,
)
from cds_service.brief.record import Item, Record
from cds_service.fhir.dates import Moment
from cds_service.fhir.elements import (
    reference,
)

_OPEN_TASKS = frozenset({"requested", "received", "accepted", "ready", "in-progress", "on-hold"})
UNDONE_TASKS = frozenset({"rejected", "failed", "cancelled"})
"""Ended, and nothing was done: what the task was about still waits, now with nobody at work on it."""


def due(record: Record, item: Item) -> Moment | None:
    """Return the day from which an order is waited for: its own, that of its appointment, else when it was ordered."""
    return record.each(_due, item)


def _due(record: Record, item: Item) -> Moment | None:
    known = (item.when, planned(record, item), *(each.when for each in booked(record, item)))
    return max((each for each in known if each), default=None)


def booked(record: Record, item: Item) -> tuple[Item, ...]:
    """Return the appointments that are booked for an order."""
    return record.once(_booked).get(item.ref, ())


def _booked(record: Record) -> dict[str, tuple[Item, ...]]:
    found: dict[str, tuple[Item, ...]] = {}
    for item in record.of("Appointment"):
        for ref in based_on(item) if is_booked(item) and item.when else ():
            found[ref] = (*found.get(ref, ()), item)
    return found


def is_forgotten(record: Record, item: Item) -> bool:
    """Return whether an order is so old that it is only named."""
    when = due(record, item)
    return when is not None and record.days_ago(when) > record.tables.days["order_forgotten"]


def overdue(record: Record) -> tuple[Item, ...]:
    """Return the unanswered orders to be told: they have waited long, or were turned down; not forgotten ones."""
    return tuple(
        item
        for item in record.once(unanswered)
        if not _is_young(record, item) and not is_forgotten(record, item)
    )


def young(record: Record) -> tuple[Item, ...]:
    """Return the unanswered orders that have not waited long: of the last visit or after it, or for a later day.

    Where no visit is known, all of them.
    """
    visit = record.once(last_visit)
    since = visit.when.date if visit and visit.when else date.min
    return tuple(
        item
        for item in record.once(unanswered)
        if (when := due(record, item)) and when.date >= since and _is_young(record, item)
    )


def forgotten(record: Record) -> tuple[Item, ...]:
    """Return the unanswered orders that are only named."""
    return tuple(item for item in record.once(unanswered) if is_forgotten(record, item))


def _is_young(record: Record, item: Item) -> bool:
    when = due(record, item)
    recent = when is not None and record.days_ago(when) <= record.tables.days["order_open"]
    return recent and not turned_down(record, item)


def turned_down(record: Record, item: Item) -> tuple[Item, ...]:
    """Return the task of an order that was rejected, failed or cancelled, where no other one waits."""
    return tuple(each for each in tasks_of(record, item) if each.status in UNDONE_TASKS)


def tasks_of(record: Record, item: Item) -> tuple[Item, ...]:
    """Return the tasks about an order that wait; where none does, the newest that was not carried out."""
    about = record.once(_tasks).get(item.ref, [])
    waiting = tuple(each for each in about if each.status in _OPEN_TASKS)
    return waiting or tuple(each for each in about if each.status in UNDONE_TASKS)[:1]


def open_tasks(record: Record) -> dict[str, list[Item]]:
    """Return the tasks that wait, by the plain reference of what each is about ("" for none)."""
    waiting = {
        focus: [each for each in tasks if each.status in _OPEN_TASKS]
        for focus, tasks in record.once(_tasks).items()
    }
    return {focus: tasks for focus, tasks in waiting.items() if tasks}


def _tasks(record: Record) -> dict[str, list[Item]]:
    found: dict[str, list[Item]] = {}
    for item in record.of("Task"):
        found.setdefault(plain(reference(item.resource, "focus")), []).append(item)
    return found
