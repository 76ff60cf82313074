"""Allergies: all that stand, those that only a problem tells, what "none known" says, and what of it is missing."""

from collections.abc import Iterator

from cds_service.brief.facts.allergies import (
    allergies,
    allergy_problems,
    denials,
    no_known,
    statement,
)
from cds_service.brief.facts.problems import problems
from cds_service.brief.facts.problems import statement as problem_statement
from cds_service.brief.record import Record
from cds_service.brief.sections.common import absence
from cds_service.domain.brief import Flag, Statement


def statements(record: Record) -> Iterator[Statement]:
    """Yield each allergy, each problem that says of one, each explicit "none known", or that none is recorded."""
    found, said_none = record.once(allergies), no_known(record)
    told = frozenset(record.once(allergy_problems))
    for item in found:
        yield statement(item)
    for problem in record.once(problems) if told else ():
        if not told.isdisjoint(problem.items):
            yield problem_statement(problem)
    denied = {denial.ref for denial, *_ in record.once(denials)}
    for item in said_none:
        flags: tuple[Flag, ...] = ("conflict",) if item.ref in denied else ()
        yield Statement(kind="no_known", refs=(item.ref,), flags=flags)
    if not (found or told or said_none):
        yield from absence(record, "allergies")
