"""Open loops: orders without a result, reports that are not final, referrals and tasks that wait."""

from collections.abc import Iterator

from cds_service.brief.facts import order_answers, order_kinds, orders, reports
from cds_service.brief.facts.observations import series
from cds_service.brief.facts.purpose import is_of_visit
from cds_service.brief.record import Item, Record
from cds_service.brief.sections.common import grouped
from cds_service.domain.brief import Flag, Kind, Statement


def statements(record: Record) -> Iterator[Statement]:
    """Yield what was begun and is not finished in this record, oldest orders together on one line.

    Reports of late that say something already stand first.
    """
    unfinished = [
        reports.statement_of_pending(record, item)
        for item in reports.by_weight(record, record.once(reports.pending))
    ]
    yield from (each for each in unfinished if "worded" in each.flags)
    waiting = [_order(record, item, "must_show") for item in record.once(orders.overdue)]
    waiting += [_order(record, item, "new") for item in record.once(orders.young)]
    yield from sorted(waiting, key=lambda each: "for_visit" not in each.flags)
    forgotten = record.once(orders.forgotten)
    yield from grouped(record, "order_open", [item.ref for item in forgotten], "stale")
    yield from (each for each in unfinished if "worded" not in each.flags)
    yield from _registered(record)
    told = {item.ref for item in record.once(order_answers.unanswered)}
    for focus, tasks in record.once(orders.open_tasks).items():
        if focus not in told:
            for task in tasks:
                yield Statement(kind="task_open", refs=(task.ref,))


def _order(record: Record, item: Item, flag: Flag) -> Statement:
    """Return the statement of an order and of its tasks."""
    kind: Kind = "task_open" if order_kinds.is_referral(record, item) else "order_open"
    tasks = orders.tasks_of(record, item)
    ours: tuple[Flag, ...] = ("for_visit",) if is_of_visit(record, item) else ()
    refs = (item.ref, *(each.ref for each in (*tasks, *orders.booked(record, item))))
    return Statement(kind=kind, refs=refs, flags=(flag, *ours))


def _registered(record: Record) -> Iterator[Statement]:
    """Yield results of which no value is there yet."""
    for item in [each.items[0] for each in record.once(series) if each.aside == "registered"]:
        yield Statement(kind="report_pending", refs=(item.ref,), flags=("preliminary",))
