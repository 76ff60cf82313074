"""The rule-based brief: each section's rules choose statements, the renderer writes them."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace

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
from cds_service.domain.brief import Brief, Section, SectionId, Statement
from cds_service.domain.evidence import Context
from cds_service.fhir.elements import code, obj, objs

RULES_VERSION = "1"
"""Changes with any change of wording or choice."""

Rules = Callable[[Record], Iterator[Statement]]

SECTIONS: tuple[tuple[SectionId, str, Rules], ...] = (
    ("visit", "This visit", visit.statements),
    ("attention", "Needs attention", attention.statements),
    ("changes", "Changes since the last visit", changes.statements),
    ("problems", "Problems", problems.statements),
    ("medications", "Medications", medications.statements),
    ("allergies", "Allergies", allergies.statements),
    ("results", "Newest results", results.statements),
    ("open_loops", "Open loops", open_loops.statements),
    ("encounters", "Recent encounters", encounters.statements),
    ("procedures", "Procedures in the last 12 months", procedures.statements),
    ("vitals", "Vital signs", vitals.statements),
    ("prevention", "Prevention", prevention.statements),
    ("context", "Social, directives, flags, care team", context.statements),
    ("notes", "Notes on file", notes.statements),
)
"""Every section in reading order."""

_RESTRICTED = frozenset({"R", "V", "42CFRPart2", "ETH", "ETHUD", "HIV", "PSY", "SEX", "SUD", "STD"})


def rule_brief(context: Context) -> Brief:
    """Return the brief that rules make of a record: pure, and the same bytes for the same input."""
    record = index(context)
    made = ((name, title, list(rules(record))) for name, title, rules in SECTIONS)
    gaps = tuple(context.ledger.gaps())
    return Brief(
        patient=f"Patient/{context.patient}",
        as_of=context.now,
        rules_version=RULES_VERSION,
        sections=tuple(
            Section(
                id=name,
                title=title,
                lines=tuple(render(_labelled(record, each), record) for each in statements),
            )
            for name, title, statements in made
            if statements
        ),
        gaps=gaps,
        gap_texts=tuple(sentence(gap) for gap in gaps),
    )


def _labelled(record: Record, statement: Statement) -> Statement:
    """Mark a statement that cites a resource labelled as restricted."""
    labels: Mapping[str, bool] = record.once(_restricted)
    if any(labels.get(ref) for ref in statement.refs) and "restricted" not in statement.flags:
        return replace(statement, flags=(*statement.flags, "restricted"))
    return statement


def _restricted(record: Record) -> dict[str, bool]:
    return {
        ref: True
        for ref, item in record.items.items()
        if any(
            code(label, "code") in _RESTRICTED
            for label in objs(obj(item.resource, "meta"), "security")
        )
    }
