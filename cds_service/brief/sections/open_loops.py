"""Open loops: orders without a result, reports that are not final, referrals and tasks that wait."""

from collections.abc import Iterator

from cds_service.brief.facts.observations import series
from cds_service.brief.facts.visits import is_category
from cds_service.brief.record import Item, Record
from cds_service.brief.sections.common import grouped
from cds_service.brief.tables import DAYS
from cds_service.domain.brief import Kind, Statement
from cds_service.fhir.elements import code, codings, name, obj, objs, reference

_ORDERS = frozenset(
    {"order", "original-order", "reflex-order", "filler-order", "instance-order", ""}
)
_WAITING = frozenset({"registered", "partial", "preliminary"})
_OPEN_TASKS = frozenset({"requested", "received", "accepted", "ready", "in-progress", "on-hold"})
_REFERRALS = ("3457005", "306206005", "103696004", "referral")


def statements(record: Record) -> Iterator[Statement]:
    """Yield what was begun and is not finished in this record, oldest orders together on one line."""
    waiting = _orders(record)
    fresh = [item for item in waiting if not _is_forgotten(record, item)]
    for item in fresh:
        kind: Kind = "task_open" if _is_referral(item) else "order_open"
        yield Statement(kind=kind, refs=(item.ref,), flags=("must_show",))
    forgotten = [item.ref for item in waiting if _is_forgotten(record, item)]
    yield from grouped("order_open", forgotten, "stale")
    for item in record.of("DiagnosticReport"):
        if item.status in _WAITING:
            yield Statement(kind="report_pending", refs=(item.ref,), flags=("preliminary",))
    for each in record.once(series):
        if each.aside == "registered":
            yield Statement(
                kind="report_pending", refs=(each.items[0].ref,), flags=("preliminary",)
            )
    told = {item.ref for item in waiting}
    for item in record.of("Task"):
        if item.status in _OPEN_TASKS and reference(item.resource, "focus") not in told:
            yield Statement(kind="task_open", refs=(item.ref,))


def _is_forgotten(record: Record, item: Item) -> bool:
    return item.when is not None and record.days_ago(item.when) > DAYS["order_forgotten"]


def _is_referral(item: Item) -> bool:
    return is_category(item, *_REFERRALS)


def _orders(record: Record) -> list[Item]:
    """Return active orders that have waited long enough and that nothing answers."""
    waiting = [
        item
        for item in record.of("ServiceRequest")
        if item.status in {"active", "on-hold"}
        and code(item.resource, "intent") in _ORDERS
        and (item.when is None or record.days_ago(item.when) > DAYS["order_open"])
    ]
    if not waiting:
        return []
    answers = _answers(record)
    return [item for item in waiting if not _is_answered(item, answers)]


def _answers(record: Record) -> tuple[frozenset[str], dict[str, float]]:
    """Return what results, reports and closed tasks answer, and the newest result of each code."""
    based: set[str] = set()
    newest: dict[str, float] = {}
    for item in record.of("DiagnosticReport", "Observation", "Procedure"):
        if item.status in {"registered", "cancelled", "preparation", "not-done"}:
            continue
        if "basedOn" in item.resource:
            based.update(
                _plain(code(each, "reference")) for each in objs(item.resource, "basedOn")
            )
        if item.when is None:
            continue
        for key in _keys(item):
            newest[key] = max(newest.get(key, item.when.at), item.when.at)
    for item in record.of("Task"):
        if item.status in {"completed", "cancelled", "rejected", "failed"}:
            based.add(_plain(reference(item.resource, "focus")))
    return frozenset(based), newest


def _plain(literal: str) -> str:
    return "/".join(literal.partition("/_history/")[0].split("/")[-2:])


def _keys(item: Item) -> set[str]:
    """Return what an order and its result share: their codes, else their words."""
    concept = obj(item.resource, "code")
    return {each for _, each in codings(concept)} or {name(concept).casefold()} - {""}


def _is_answered(item: Item, answers: tuple[frozenset[str], dict[str, float]]) -> bool:
    based, newest = answers
    if item.ref in based:
        return True
    begun = item.when.at if item.when else float("-inf")
    return any(newest.get(key, float("-inf")) > begun for key in _keys(item))
