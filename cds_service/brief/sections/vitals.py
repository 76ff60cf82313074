"""Vital signs: the newest of each with earlier ones and the change of weight."""

from collections.abc import Iterator

from cds_service.brief.facts.observations import series, statement
from cds_service.brief.record import Record
from cds_service.brief.sections.common import absence, grouped
from cds_service.domain.brief import Statement


def statements(record: Record) -> Iterator[Statement]:
    """Yield each vital sign of the window in reading order, older ones by name and date."""
    found = [each for each in record.once(series) if each.section == "vitals"]
    old = []
    for each in found:
        newest = each.items[0]
        if newest.when and record.days_ago(newest.when) > record.tables.days["vitals"]:
            old.append(newest.ref)
        elif each.aside != "registered":
            yield statement(record, each, "vital")
    yield from grouped(record, "vital", old, "stale")
    if not found:
        yield from absence(record, "vitals")
