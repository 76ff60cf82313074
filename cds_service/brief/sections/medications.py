"""Medications: every active order and report, whatever its age, merged by ingredient where we know it."""

from collections.abc import Iterator

from cds_service.brief.facts.medicine_changes import words_of
from cds_service.brief.facts.medicine_conflicts import contradictions
from cds_service.brief.facts.medicine_entries import entries, orders
from cds_service.brief.facts.medicines import Medicine, medicines
from cds_service.brief.record import Record, newest_first
from cds_service.brief.sections.common import absence
from cds_service.domain.brief import Flag, Statement
from cds_service.fhir.elements import is_true


def statements(record: Record) -> Iterator[Statement]:
    """Yield each medicine, orders not to give one, or what is known of there being none."""
    found = record.once(medicines)
    for medicine in found:
        yield statement(record, medicine)
    for item in orders(record):
        if is_true(item.resource, "doNotPerform") and item.status in {"active", "on-hold"}:
            yield Statement(kind="medication", refs=(item.ref,), flags=("must_show",))
    known = record.once(entries).values()
    said_none = [each for each in known if each.is_active and each.is_said_none]
    for each in newest_first(said_none):
        yield Statement(kind="no_known", refs=(each.ref,))
    if not found and not said_none:
        yield from absence(record, "medications", "medication_statements")


def statement(record: Record, medicine: Medicine) -> Statement:
    """Return the statement of a medicine, of what was merged into it, and of a newer report that it is not taken."""
    refs = tuple([item.ref for item in medicine.items])
    denied = record.once(_denied)
    denials = [denied[ref] for ref in refs if ref in denied] if denied else ()
    flags = tuple(_flags(record, medicine))
    return Statement(kind="medication", refs=(*refs, *denials), flags=flags)


def _denied(record: Record) -> dict[str, str]:
    return {order.ref: report.ref for order, report in record.once(contradictions)}


def _flags(record: Record, medicine: Medicine) -> Iterator[Flag]:
    items = medicine.items
    if medicine.alerts:
        yield from ("must_show", "high_alert")
    if len(items) > 1:
        yield "merged"
    if items[0].is_reported:  # orders come first: there is none
        yield "reported"
    if items[0].status == "on-hold" and all(item.status == "on-hold" for item in items):
        yield "on_hold"
    changed = record.once(words_of)
    if changed:
        yield from dict.fromkeys(changed[item.ref] for item in items if item.ref in changed)
    yield from _age(record, medicine)


def _age(record: Record, medicine: Medicine) -> tuple[Flag, ...]:
    """Return whether the order is old or undated; a newer report of it does not make it young."""
    items = medicine.items
    is_reported = items[0].is_reported
    dated = [item.when for item in items if item.when and item.is_reported is is_reported]
    newest = max(dated, default=None)
    if newest is None:
        return ("undated",)
    is_old = record.days_ago(newest) > record.tables.days["medication_list"]
    return ("stale",) if is_old else ()
