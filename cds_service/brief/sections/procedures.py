"""Procedures of the last twelve months, with those that were not completed said so."""

from collections.abc import Iterator

from cds_service.brief.record import Record
from cds_service.domain.brief import Statement


def statements(record: Record) -> Iterator[Statement]:
    """Yield each procedure of the window; one that was not done is left out, an undated one is not."""
    for item in record.of("Procedure"):
        if item.status == "not-done":
            continue
        if item.when is None:
            yield Statement(kind="procedure", refs=(item.ref,), flags=("undated",))
        elif record.days_ago(item.when) <= record.tables.days["procedures"]:
            yield Statement(kind="procedure", refs=(item.ref,))
