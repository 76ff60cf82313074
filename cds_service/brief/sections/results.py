"""Newest results and reports: critical, out of range and new, reports, out of range, the rest, old ones last."""

from collections.abc import Collection, Iterator, Sequence

from cds_service.brief.facts import observations, reports
from cds_service.brief.facts.observations import Series, series
from cds_service.brief.facts.panels import in_readings
from cds_service.brief.record import Item, Record
from cds_service.brief.sections.common import absence, grouped
from cds_service.domain.brief import Flag, Kind, Statement

_OF_ALL: frozenset[Flag] = frozenset({"new", "stale"})
"""Flags of results that stand on a line that they share, too."""
_CRITICAL, _OUT_AND_NEW, _REPORT_NEW, _OUT, _REPORT, _IN_RANGE, _STALE = range(7)


def statements(record: Record) -> Iterator[Statement]:
    """Yield each series and report; those older than the window only by name."""
    found = [each for each in record.once(series) if each.section == "results"]
    shown = [each for each in found if each.aside != "registered"]
    late: list[Series] = []
    early: list[Series] = []
    for each in shown:
        (early if _is_old(record, each.items[0]) else late).append(each)
    told = record.once(reports.newest_reports)
    ranked = list(_ranked(record, late))
    old: dict[Kind, list[str]] = {
        "result": [each.items[0].ref for each in early],
        "report": [],
    }
    for item in told:
        if _is_old(record, item):
            old["report"].append(item.ref)
        else:
            ranked.append((_report_rank(record, item), reports.statement(record, item)))
    for _, statement in sorted(ranked, key=lambda pair: pair[0]):
        yield statement
    for kind, refs in old.items():
        yield from grouped(record, kind, refs, "stale")
    if not found:
        yield from absence(record, "results")


def _ranked(record: Record, found: Sequence[Series]) -> Iterator[tuple[int, Statement]]:
    """Yield each series with its rank; what one panel says in words on one line, which has that of its first."""
    for parts in in_readings(record, found):
        alone = [observations.statement(record, each) for each in parts]
        if len(alone) == 1:
            yield _rank(alone[0].flags), alone[0]
        else:
            rank = min(_rank(each.flags) for each in alone)
            yield from ((rank, each) for each in _on_one_line(record, alone))


def _on_one_line(record: Record, parts: Sequence[Statement]) -> Iterator[Statement]:
    """Yield the parts in words of one panel, with what each was before, on the line that they share."""
    flags = [each for each in parts[0].flags if each in _OF_ALL]
    merged: tuple[Flag, ...] = ("merged",) if len(parts[0].refs) > 1 else ()
    refs = [each.refs for each in parts]
    yield from grouped(record, "result", refs, "worded", *merged, *flags)


def _rank(flags: Collection[Flag]) -> int:
    if "critical" in flags:
        return _CRITICAL
    if "stale" in flags:
        return _STALE
    if "abnormal" in flags:
        return _OUT_AND_NEW if "new" in flags else _OUT
    return _REPORT_NEW if "worded" in flags and "new" in flags else _IN_RANGE


def _report_rank(record: Record, item: Item) -> int:
    if reports.is_new(record, item):
        return _REPORT_NEW
    old = item.when is not None and record.days_ago(item.when) > record.tables.days["result_stale"]
    return _STALE if old else _REPORT


def _is_old(record: Record, item: Item) -> bool:
    return item.when is not None and record.days_ago(item.when) > record.tables.days["results"]
