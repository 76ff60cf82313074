"""Orders, referrals, tasks and reports that wait, in words."""

from collections.abc import Iterable, Sequence

from cds_service.brief.facts.order_kinds import is_referral, planned
from cds_service.brief.facts.orders import UNDONE_TASKS, turned_down
from cds_service.brief.record import Item, Record
from cds_service.brief.wording.summary import concluded
from cds_service.brief.wording.words import (
    TEXT_MAX,
    code_name,
    coded_word,
    dated,
    day,
    joined,
    moment,
    more,
    named,
    reasons,
    short,
    status_word,
)
from cds_service.domain.brief import Statement
from cds_service.domain.needs import NeedName
from cds_service.fhir.elements import obj, text


def order_open(statement: Statement, record: Record, items: list[Item]) -> str:
    """Write orders that have no result in the record, with the tasks that wait for them."""
    if "grouped" in statement.flags:
        return _orders(statement, record)
    orders = [each for each in items if each.type == "ServiceRequest"] or items
    item, why = orders[0], reasons(orders[0], record)
    yet = "no result yet" if "new" in statement.flags else _no_result(record, "no")
    return joined(
        (
            f"Ordered, {yet}: {code_name(item, 'order without a name')}",
            f"for {why}" if why else "",
            dated("ordered", item.when) or "undated",
            _ahead(record, items),
            status_word(item, "active"),
            _priority(item),
            *_tasks(items),
        )
    )


def _orders(statement: Statement, record: Record) -> str:
    """Write orders on one line in the order they are cited; those that stand one by one elsewhere, the first few."""
    refs = [ref for ref in statement.refs if record.items[ref].type == "ServiceRequest"]
    are_referrals = all(is_referral(record, record.items[ref]) for ref in refs)
    what = "referrals" if are_referrals else "orders"
    head = f"Older {what}" if "stale" in statement.flags else what.capitalize()
    named_ = refs[: record.tables.count["named"]] if "must_show" in statement.flags else refs
    cited = [record.items[ref] for ref in statement.refs]
    listed = [_waiting(record, record.items[ref], cited) for ref in named_]
    known = _no_answer(record) if are_referrals else _no_result(record, "without")
    return f"{head} {known}: {joined((*listed, more(refs, named_)), '; ')}"


def _no_result(record: Record, word: str) -> str:
    """Say how far it is known that an order has no result."""
    needs: tuple[NeedName, ...] = ("results", "reports")
    known = record.proves_absence(needs) or record.is_bundle(needs)
    article = "a " if word == "without" else ""
    return f"{word} {article}result {'in the record' if known else 'in what was read'}"


def _no_answer(record: Record) -> str:
    """Say the same of referrals, which a visit or a note answers as well as a report."""
    needs: tuple[NeedName, ...] = ("encounters", "documents", "reports", "procedures")
    known = record.proves_absence(needs) or record.is_bundle(needs)
    return f"not answered by anything {'in the record' if known else 'in what was read'}"


def _ahead(record: Record, items: list[Item]) -> str:
    """Say for which day an order is written and booked."""
    days = [dated("planned for", planned(record, i)) for i in items if i.type == "ServiceRequest"]
    days += [dated("booked", each.when) for each in items if each.type == "Appointment"]
    return joined(days)


def _waiting(record: Record, item: Item, cited: Sequence[Item]) -> str:
    tasks = [each for each in turned_down(record, item) if each in cited]
    why = short(reasons(item, record), 60)
    name_ = joined((code_name(item, "order"), why), " for ")
    planned_ = dated("planned for", planned(record, item))
    said = (day(item.when) or "undated", planned_, status_word(item, "active"), _priority(item))
    return f"{name_} ({joined((*said, *_tasks(tasks)))})"


def _tasks(items: Iterable[Item]) -> list[str]:
    """Say of each task beside its order how it stands, and why nobody carried it out."""
    return [_standing(each) for each in items if each.type == "Task"]


def _standing(task: Item) -> str:
    said = f"task {task.status.replace('-', ' ')}"
    if task.status not in UNDONE_TASKS:
        return joined((said, dated("since", task.when)), " ")
    why = short(named(obj(task.resource, "statusReason"), ""), 60)
    return f"{said}: {why}" if why else said


def _priority(item: Item) -> str:
    word = coded_word(item.resource, "priority")
    return "" if word == "routine" else word


def report_pending(statement: Statement, record: Record, items: list[Item]) -> str:
    """Write a report or a result that is not final, with what it says so far."""
    del statement
    item = items[0]
    said = concluded(record, item)
    head = f"Not final: {code_name(item, 'report without a name')}, {item.status}, {moment(item.when)}"
    return joined((head, said), ": ")


def task_open(statement: Statement, record: Record, items: list[Item]) -> str:
    """Write a referral that nothing in the record completes, with its task; or a task by itself."""
    del statement
    order = next((each for each in items if each.type == "ServiceRequest"), None)
    if order is None:
        return _task(record, items[0])
    why = reasons(order, record)
    return joined(
        (
            f"Referral open: {code_name(order, 'without words')}",
            f"for {why}" if why else "",
            dated("ordered", order.when) or "undated",
            _ahead(record, items),
            status_word(order, "active"),
            _priority(order),
            *_tasks(items),
        )
    )


def _task(record: Record, item: Item) -> str:
    said = item.resource
    focus = record.target(said, obj(said, "focus"))
    words = (
        short(text(said, "description"), TEXT_MAX)
        or named(obj(focus, "code"), "")
        or code_name(item, "")
    )
    since = dated("since", item.when)
    return joined((f"Task open: {words or 'without words'}", item.status, since))
