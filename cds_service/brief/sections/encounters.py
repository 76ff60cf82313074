"""Recent encounters: the newest ones, and every emergency and stay of the year."""

from collections.abc import Iterator

from cds_service.brief.facts.visits import NEVER_TOOK_PLACE, setting
from cds_service.brief.record import Record
from cds_service.domain.brief import Statement


def statements(record: Record) -> Iterator[Statement]:
    """Yield the newest encounters of the window, newest first."""
    past = [
        item
        for item in record.of("Encounter")
        if item.status not in NEVER_TOOK_PLACE
        and item.when
        and 0 <= record.days_ago(item.when) <= record.tables.days["encounters"]
    ]
    for place, item in enumerate(past):
        if place < record.tables.count["encounters"] or setting(record, item):
            yield Statement(kind="encounter", refs=(item.ref,))
