"""Orders of a record that nothing answers yet, and the tasks that wait for them."""

from cds_service.brief.facts.visits import is_category, last_visit
from cds_service.brief.record import Item, Record
from cds_service.fhir.elements import code, codes, name, obj, objs, reference

_ORDERS = frozenset(
    {"order", "original-order", "reflex-order", "filler-order", "instance-order", ""}
)
_OPEN_TASKS = frozenset({"requested", "received", "accepted", "ready", "in-progress", "on-hold"})
_REFERRALS = ("3457005", "306206005", "103696004", "referral")


def is_referral(item: Item) -> bool:
    """Return whether an order sends the patient to somebody."""
    return is_category(item, *_REFERRALS)


def is_forgotten(record: Record, item: Item) -> bool:
    """Return whether an order is so old that it is only named."""
    return (
        item.when is not None
        and record.days_ago(item.when) > record.tables.days["order_forgotten"]
    )


def overdue(record: Record) -> tuple[Item, ...]:
    """Return the unanswered orders that have waited long enough to be told, and are not forgotten."""
    return tuple(
        item
        for item in record.once(unanswered)
        if not _is_young(record, item) and not is_forgotten(record, item)
    )


def young(record: Record) -> tuple[Item, ...]:
    """Return the unanswered orders of the last visit or after it that have not waited long."""
    visit = record.once(last_visit)
    since = visit.when.date if visit and visit.when else None
    return tuple(
        item
        for item in record.once(unanswered)
        if since and item.when and item.when.date >= since and _is_young(record, item)
    )


def forgotten(record: Record) -> tuple[Item, ...]:
    """Return the unanswered orders that are only named."""
    return tuple(item for item in record.once(unanswered) if is_forgotten(record, item))


def _is_young(record: Record, item: Item) -> bool:
    return item.when is not None and record.days_ago(item.when) <= record.tables.days["order_open"]


def open_tasks(record: Record) -> dict[str, list[Item]]:
    """Return the tasks that wait, by the plain reference of what each is about ("" for none)."""
    found: dict[str, list[Item]] = {}
    for item in record.of("Task"):
        if item.status in _OPEN_TASKS:
            found.setdefault(_plain(reference(item.resource, "focus")), []).append(item)
    return found


def unanswered(record: Record) -> tuple[Item, ...]:
    """Return the active orders that no result, report, procedure or closed task answers."""
    active = [
        item
        for item in record.of("ServiceRequest")
        if item.status in {"active", "on-hold"} and code(item.resource, "intent") in _ORDERS
    ]
    if not active:
        return ()
    based, newest = _named(record), _newest(record, min(map(_begun, active)))
    return tuple(
        item
        for item in active
        if item.ref not in based
        and not any(newest.get(key, _NEVER) > _begun(item) for key in _keys(item))
    )


_NEVER = float("-inf")
_ANSWERS = ("DiagnosticReport", "Observation", "Procedure")
_NOT_DONE = frozenset({"registered", "cancelled", "preparation", "not-done"})


def _begun(item: Item) -> float:
    return item.when.at if item.when else _NEVER


def _named(record: Record) -> frozenset[str]:
    """Return the orders that a result, a report, a procedure or a closed task names."""
    based = {
        _plain(code(each, "reference"))
        for kind in _ANSWERS
        for item in record.of(kind)
        if "basedOn" in item.resource and item.status not in _NOT_DONE
        for each in objs(item.resource, "basedOn")
    }
    closed = (
        _plain(reference(item.resource, "focus"))
        for item in record.of("Task")
        if item.status in {"completed", "cancelled", "rejected", "failed"}
    )
    return frozenset((*based, *closed))


def _newest(record: Record, since: float) -> dict[str, float]:
    """Return when each code was last answered, as far back as the oldest order."""
    newest: dict[str, float] = {}
    for kind in _ANSWERS:
        for item in record.of(kind):
            if item.when is None or item.when.at <= since:
                break
            if item.status not in _NOT_DONE:
                for key in _keys(item):
                    newest[key] = max(newest.get(key, item.when.at), item.when.at)
    return newest


def _plain(literal: str) -> str:
    return "/".join(literal.partition("/_history/")[0].split("/")[-2:])


def _keys(item: Item) -> set[str]:
    """Return what an order and its result share: their codes, else their words."""
    concept = obj(item.resource, "code")
    return set(codes(concept)) or {name(concept).casefold()} - {""}
