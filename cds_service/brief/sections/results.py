"""Newest results: critical ones first, then those out of range, then the rest in reading order."""

from collections.abc import Iterator

from cds_service.brief.facts.observations import Series, series, statement
from cds_service.brief.record import Record
from cds_service.brief.sections.common import absence, grouped
from cds_service.brief.tables import DAYS
from cds_service.domain.brief import Statement

_RANK = {"critical": 0, "abnormal": 1, "normal": 2, "": 2}


def statements(record: Record) -> Iterator[Statement]:
    """Yield each series of results; those whose newest value is older than the window only by name."""
    found = [each for each in record.once(series) if each.section == "results"]
    shown = [each for each in found if each.aside != "registered"]
    recent = [each for each in shown if not _is_old(record, each)]
    for each in sorted(recent, key=lambda each: _RANK[each.level]):
        yield statement(record, each)
    old = [each.items[0].ref for each in shown if _is_old(record, each)]
    yield from grouped("result", old, "stale")
    if not found:
        yield from absence(record, "results")


def _is_old(record: Record, each: Series) -> bool:
    newest = each.items[0].when
    return newest is not None and record.days_ago(newest) > DAYS["results"]
