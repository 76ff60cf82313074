"""Newest results and reports: critical, out of range and new, reports, out of range, the rest, old ones last."""

from collections.abc import Collection, Iterator

from cds_service.brief.facts import observations, reports
from cds_service.brief.facts.observations import series
from cds_service.brief.record import Item, Record
from cds_service.brief.sections.common import absence, grouped
from cds_service.domain.brief import Flag, Kind, Statement

_CRITICAL, _OUT_AND_NEW, _REPORT_NEW, _OUT, _REPORT, _IN_RANGE, _STALE = range(7)


def statements(record: Record) -> Iterator[Statement]:
    """Yield each series and report; those older than the window only by name."""
    found = [each for each in record.once(series) if each.section == "results"]
    shown = [each for each in found if each.aside != "registered"]
    told = record.once(reports.newest_reports)
    ranked: list[tuple[int, Statement]] = []
    old: dict[Kind, list[str]] = {"result": [], "report": []}
    for each in shown:
        if _is_old(record, each.items[0]):
            old["result"].append(each.items[0].ref)
        else:
            statement = observations.statement(record, each)
            ranked.append((_rank(statement.flags), statement))
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
