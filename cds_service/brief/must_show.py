"""What no brief may leave out, computed from a record alone: neither a model nor words in a chart can hide it."""

from collections.abc import Iterator

from cds_service.brief.record import Record
from cds_service.brief.sections import attention, changes, medications, visit
from cds_service.domain.brief import Kind, Statement

_RULES = (
    visit.statements,
    attention.statements,
    changes.statements,
    medications.statements,
)
"""The sections that hold what must be shown, in reading order; the others repeat it."""


def must_show(record: Record) -> tuple[Statement, ...]:
    """Return the statements that every brief of this record holds, whoever wrote it, in reading order.

    Each resource is told once for each kind: the line of all high-alert medicines stands for their single
    lines. What could not be read is no statement; it is in `Ledger.gaps()`.
    """
    return tuple(_once(_found(record)))


def _found(record: Record) -> Iterator[Statement]:
    for rules in _RULES:
        yield from (each for each in rules(record) if "must_show" in each.flags)


def _once(statements: Iterator[Statement]) -> Iterator[Statement]:
    told: set[tuple[Kind, str]] = set()
    for each in statements:
        said = {(each.kind, ref) for ref in each.refs}
        if not said <= told:
            told |= said
            yield each


def missing(record: Record, statements: Iterator[Statement]) -> tuple[Statement, ...]:
    """Return what must be shown and is not among these statements: of one kind, no resource left out."""
    told = {(each.kind, ref) for each in statements for ref in each.refs}
    return tuple(
        each for each in must_show(record) if not {(each.kind, ref) for ref in each.refs} <= told
    )
