"""Allergies: all that stand, what "none known" says, and which of both is missing."""

from collections.abc import Iterator

from cds_service.brief.facts.allergies import allergies, denials, no_known, statement
from cds_service.brief.record import Record
from cds_service.brief.sections.common import absence
from cds_service.domain.brief import Flag, Statement


def statements(record: Record) -> Iterator[Statement]:
    """Yield each allergy, each explicit "none known", or that none is recorded."""
    found, said_none = record.once(allergies), no_known(record)
    for item in found:
        yield statement(item)
    denied = {denial.ref for denial, *_ in record.once(denials)}
    for item in said_none:
        flags: tuple[Flag, ...] = ("conflict",) if item.ref in denied else ()
        yield Statement(kind="no_known", refs=(item.ref,), flags=flags)
    if not found and not said_none:
        yield from absence(record, "allergies")
