"""Problems: the reason of the visit, the list, other active diagnoses, older ones on one line; every one named."""

from collections.abc import Iterator

from cds_service.brief.facts.problems import (
    Place,
    is_said_none,
    marks,
    problems,
    reasons_of_visit,
    statement,
)
from cds_service.brief.record import Record
from cds_service.brief.sections.common import absence, grouped
from cds_service.domain.brief import Flag, Statement


def statements(record: Record) -> Iterator[Statement]:
    """Yield each problem that stands, or what is known of there being none."""
    found = record.once(problems)
    wanted = record.once(reasons_of_visit)
    shown = [each for each in found if each.place in {"listed", "other"}]
    for each in sorted(shown, key=lambda each: wanted.isdisjoint(marks(each))):
        yield statement(record, each)
    alone: tuple[Place, ...] = ("old", "remission")
    for place in alone:
        refs = [[item.ref for item in each.items] for each in found if each.place == place]
        stale: tuple[Flag, ...] = ("stale",) if place == "old" else ()
        yield from grouped(record, "problem", refs, *stale)
    said_none = [item for item in record.of("Condition") if is_said_none(item)]
    for item in said_none:
        yield Statement(kind="no_known", refs=(item.ref,))
    if not any(each.place != "remission" for each in found) and not said_none:
        yield from absence(record, "problems")
