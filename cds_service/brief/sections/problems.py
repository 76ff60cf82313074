"""Problems: the reason of the visit, the list, other active diagnoses, older ones on one line; every one named."""

from collections.abc import Iterator

from cds_service.brief.facts.conditions import conditions
from cds_service.brief.facts.problems import (
    Place,
    Problem,
    is_among,
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
    ours = [each for each in found if _is_shown(each) and is_among(wanted, each)]
    for each in ours:
        yield statement(each)
    for of_life in (False, True):  # findings and circumstances after every illness
        rest = [each for each in found if each not in ours and each.is_finding is of_life]
        yield from _part(record, rest)
    said_none = [item for item, known in record.once(conditions) if known.is_none]
    for item in said_none:
        yield Statement(kind="no_known", refs=(item.ref,))
    if not any(each.place != "remission" for each in found) and not said_none:
        yield from absence(record, "problems")


def _part(record: Record, found: list[Problem]) -> Iterator[Statement]:
    for each in found:
        if _is_shown(each):
            yield statement(each)
    alone: tuple[Place, ...] = ("old", "remission")
    for place in alone:
        refs = [
            [item.ref for item in each.items]
            for each in found
            if each.place == place and not _is_shown(each)
        ]
        stale: tuple[Flag, ...] = ("stale",) if place == "old" else ()
        yield from grouped(record, "problem", refs, *stale)


def _is_shown(each: Problem) -> bool:
    """Return whether a problem has a line of its own: also an old diagnosis of suicide, abuse or violence."""
    if each.place == "old":
        return each.entries[0].is_danger
    return each.place != "remission"
