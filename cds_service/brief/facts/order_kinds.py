"""What an order asks for: a test, a referral, a therapist's work, care, what to do at the end."""

from collections.abc import Iterable

from cds_service.brief.facts.visits import (
    is_category,
)
from cds_service.brief.record import Item, Record
from cds_service.domain.tables import words
from cds_service.fhir.dates import Moment
from cds_service.fhir.elements import (
    code,
    displays,
    has_code,
    is_true,
    name,
    obj,
    objs,
)

_ORDERS = frozenset(
    {"order", "original-order", "reflex-order", "filler-order", "instance-order", ""}
)
_REFERRALS = ("3457005", "306206005", "103696004", "referral")


def is_referral(record: Record, item: Item) -> bool:
    """Return whether an order sends the patient to somebody: filed as a referral, or a therapist's work."""
    return record.each(_is_referral, item)


def _is_referral(record: Record, item: Item) -> bool:
    return _is_filed_as_referral(item) or (_is_therapy(record, item) and not is_test(record, item))


def _is_filed_as_referral(item: Item) -> bool:
    return is_category(item, *_REFERRALS)


def _is_therapy(record: Record, item: Item) -> bool:
    terms = record.tables.orders
    coded = has_code(obj(item.resource, "code"), *terms.therapy_codes)
    return (
        coded
        or is_category(item, *terms.therapy_codes)
        or _holds(record.each(_said, item), terms.therapy)
    )


def is_test(record: Record, item: Item) -> bool:
    """Return whether an order is filed as a test."""
    return is_category(item, *record.tables.orders.tests)


def is_code_status(record: Record, item: Item) -> bool:
    """Return whether an order says whether a patient is to be resuscitated."""
    return record.each(_is_code_status, item)


def _is_code_status(record: Record, item: Item) -> bool:
    terms = record.tables.orders
    return (
        _holds(record.each(_said, item), terms.code_status)
        or has_code(obj(item.resource, "code"), *terms.code_status_codes)
        or is_category(item, *terms.code_status_codes)
    )


def code_status_orders(record: Record) -> tuple[Item, ...]:
    """Return the active orders of that kind, newest first."""
    return tuple(item for item in _active(record) if is_code_status(record, item))


def _waits_for_nothing(record: Record, item: Item) -> bool:
    """Return whether no result ever answers an order: of care, diet, activity, equipment, code status, or not to."""
    if is_true(item.resource, "doNotPerform"):
        return True
    if _is_filed_as_referral(item) or is_test(record, item):
        return False
    terms = record.tables.orders
    kinds = {each for c in objs(item.resource, "category") for each in (name(c), *displays(c))}
    said = record.each(_said, item)
    return (
        not terms.categories.isdisjoint(map(words, kinds))
        or any(said[: len(each)] == each for each in terms.begins)
        or _holds(said, terms.holds)
        or is_code_status(record, item)
    )


def _said(_: Record, item: Item) -> tuple[str, ...]:
    return words(name(obj(item.resource, "code")))


def _holds(said: tuple[str, ...], phrases: Iterable[str]) -> bool:
    whole = f" {' '.join(said)} "
    return any(map(whole.__contains__, phrases))


def planned(record: Record, item: Item) -> Moment | None:
    """Return the day for which an order is written, the last one of a period; None where it gives none."""
    said = item.resource
    period = obj(said, "occurrencePeriod")
    given = (said.get("occurrenceDateTime"), period.get("end"), period.get("start"))
    return next((found for each in given if each and (found := record.moment(each))), None)


def awaited(record: Record) -> list[Item]:
    """Return the active orders that wait for something."""
    return [item for item in _active(record) if not _waits_for_nothing(record, item)]


def _active(record: Record) -> list[Item]:
    return [
        item
        for item in record.of("ServiceRequest")
        if item.status in {"active", "on-hold"} and code(item.resource, "intent") in _ORDERS
    ]
