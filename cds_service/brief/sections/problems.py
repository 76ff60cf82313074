"""Problems: the list first, then other active diagnoses, then older ones on one line, every one named."""

from collections.abc import Iterator

from cds_service.brief.facts.problems import Place, is_said_none, problems, statement
from cds_service.brief.record import Record
from cds_service.brief.sections.common import absence, grouped
from cds_service.domain.brief import Statement


def statements(record: Record) -> Iterator[Statement]:
    """Yield each problem that stands, or what is known of there being none."""
    found = record.once(problems)
    for each in found:
        if each.place in {"listed", "other"}:
            yield statement(record, each)
    alone: tuple[Place, ...] = ("old", "remission")
    for place in alone:
        refs = [item.ref for each in found if each.place == place for item in each.items[:1]]
        yield from grouped("problem", refs, "stale" if place == "old" else None)
    said_none = [item for item in record.of("Condition") if is_said_none(item)]
    for item in said_none:
        yield Statement(kind="no_known", refs=(item.ref,))
    if not any(each.place != "remission" for each in found) and not said_none:
        yield from absence(record, "problems")
