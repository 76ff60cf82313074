"""Medications: every active order and report, whatever its age, merged by ingredient where we know it."""

from collections.abc import Iterator

from cds_service.brief.facts.medicines import (
    ORDER,
    REPORT,
    is_active,
    is_said_none,
    medicines,
    statement,
)
from cds_service.brief.record import Record
from cds_service.brief.sections.common import absence
from cds_service.domain.brief import Statement
from cds_service.fhir.elements import is_true


def statements(record: Record) -> Iterator[Statement]:
    """Yield each medicine, orders not to give one, or what is known of there being none."""
    found = record.once(medicines)
    for each in found:
        yield statement(record, each)
    for item in record.of(ORDER):
        if is_true(item.resource, "doNotPerform") and item.status in {"active", "on-hold"}:
            yield Statement(kind="medication", refs=(item.ref,), flags=("must_show",))
    said_none = [i for i in record.of(ORDER, REPORT) if is_active(i) and is_said_none(record, i)]
    for item in said_none:
        yield Statement(kind="no_known", refs=(item.ref,))
    if not found and not said_none:
        yield from absence(record, "medications", "medication_statements")
