"""The rule-based brief: each section's rules choose statements, the renderer writes them."""

from collections.abc import Callable, Iterator

import msgspec

from cds_service.brief.facts.labels import restricted
from cds_service.brief.facts.medicines import unresolved
from cds_service.brief.gaps import sentence
from cds_service.brief.record import Record, index
from cds_service.brief.render import render
from cds_service.brief.sections import (
    allergies,
    attention,
    changes,
    context,
    encounters,
    medications,
    notes,
    open_loops,
    prevention,
    problems,
    procedures,
    results,
    visit,
    vitals,
)
from cds_service.domain.brief import Brief, Line, Section, SectionId, Statement
from cds_service.domain.evidence import Context, Gap

RULES_VERSION = "10"
"""Changes with any change of wording or choice."""

Rules = Callable[[Record], Iterator[Statement]]

SECTIONS: tuple[tuple[SectionId, str, Rules], ...] = (
    ("visit", "This visit", visit.statements),
    ("attention", "Needs attention", attention.statements),
    ("changes", "Changes since the last visit", changes.statements),
    ("problems", "Problems", problems.statements),
    ("medications", "Medications", medications.statements),
    ("allergies", "Allergies", allergies.statements),
    ("results", "Newest results and reports", results.statements),
    ("open_loops", "Open loops", open_loops.statements),
    ("encounters", "Recent encounters", encounters.statements),
    ("procedures", "Past illnesses and procedures", procedures.statements),
    ("vitals", "Vital signs", vitals.statements),
    ("prevention", "Prevention", prevention.statements),
    ("context", "Social, directives, care team", context.statements),
    ("notes", "Notes on file", notes.statements),
)
"""Every section in reading order, with its usual title."""


def title(record: Record, section: SectionId, usual: str) -> str:
    """Return what a section of this record is called."""
    return changes.title(record) if section == "changes" else usual


def rule_brief(context: Context) -> Brief:
    """Return the brief that rules make of a record: pure, and the same bytes for the same input."""
    record = index(context)
    made = ((name, usual, list(rules(record))) for name, usual, rules in SECTIONS)
    missing, write = gaps(record), writer(record)
    return Brief(
        patient=f"Patient/{context.patient}",
        as_of=context.now,
        rules_version=version(record),
        sections=tuple(
            Section(
                id=name,
                title=title(record, name, usual),
                lines=tuple(map(write, statements)),
            )
            for name, usual, statements in made
            if statements
        ),
        gaps=missing,
        gap_texts=tuple(sentence(gap) for gap in missing),
        versions={"rules": version(record)},
    )


def version(record: Record) -> str:
    """Return the version of the rules, with the day of the site's own changes where it has any."""
    changed = record.tables.reviewed
    return f"{RULES_VERSION}+{changed.isoformat()}" if changed else RULES_VERSION


def gaps(record: Record) -> tuple[Gap, ...]:
    """Return what could not be read, and what the record itself turns out to lack."""
    count = unresolved(record)
    found = (Gap(need="medications", reason="unresolved", count=count),) if count else ()
    return (*record.context.ledger.gaps(), *found)


def line(record: Record, statement: Statement) -> Line:
    """Write a statement, whoever chose it, and mark it when it cites something restricted.

    It has to fit (`render.fits`). One that stands in two sections is written once.
    """
    return writer(record)(statement)


def writer(record: Record) -> Callable[[Statement], Line]:
    """Return what writes the statements of a record, each once."""
    written = record.once(_written)
    is_open = record.once(restricted).isdisjoint

    def write(statement: Statement) -> Line:
        found = written.get(statement)
        if found is None:
            said = statement if is_open(statement.refs) else _labelled(statement)
            found = written[statement] = render(said, record)
        return found

    return write


def _written(_: Record) -> dict[Statement, Line]:
    return {}


def _labelled(statement: Statement) -> Statement:
    """Mark a statement that cites a resource labelled as restricted."""
    return msgspec.structs.replace(statement, flags=(*statement.flags, "restricted"))
