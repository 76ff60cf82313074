"""The one renderer: a statement and the record it cites become a line. Rules and the agent share it."""

from collections.abc import Callable, Mapping

from cds_service.brief.record import Item, Record, newest_first
from cds_service.brief.wording import (
    conflicts,
    directives,
    medicines,
    observations,
    orders,
    summary,
    visits,
)
from cds_service.domain.brief import Kind, Line, Statement

Writer = Callable[[Statement, Record, list[Item]], str]

_DRUGS = frozenset({"MedicationRequest", "MedicationStatement"})
_OBSERVATION = frozenset({"Observation"})

_TABLE: Mapping[Kind, tuple[frozenset[str], Writer]] = {
    "patient": (frozenset({"Patient"}), visits.patient),
    "visit": (frozenset({"Appointment", "Encounter"}), visits.visit),
    "last_visit": (frozenset({"Encounter"}), visits.last_visit),
    "clash": (frozenset({"Appointment"}), visits.clash),
    "problem": (frozenset({"Condition"}), summary.problem),
    "medication": (_DRUGS, medicines.medication),
    "medication_change": (_DRUGS, medicines.change),
    "allergy": (frozenset({"AllergyIntolerance"}), summary.allergy),
    "no_known": (
        frozenset({"AllergyIntolerance", "Condition", "MedicationRequest", "MedicationStatement"}),
        summary.no_known,
    ),
    "result": (_OBSERVATION, observations.result),
    "vital": (_OBSERVATION, observations.result),
    "observation": (_OBSERVATION, observations.observation),
    "order_open": (frozenset({"ServiceRequest", "Task", "Appointment"}), orders.order_open),
    "report": (frozenset({"DiagnosticReport"}), summary.report),
    "report_pending": (frozenset({"DiagnosticReport", "Observation"}), orders.report_pending),
    "task_open": (frozenset({"Task", "ServiceRequest", "Appointment"}), orders.task_open),
    "encounter": (frozenset({"Encounter"}), visits.encounter),
    "procedure": (frozenset({"Procedure", "DiagnosticReport"}), summary.procedure),
    "immunization": (frozenset({"Immunization"}), summary.immunization),
    "flag": (frozenset({"Flag", "Patient"}), summary.flag),
    "care_team": (frozenset({"CareTeam"}), summary.care_team),
    "directive": (
        frozenset({"Condition", "Consent", "DocumentReference", "ServiceRequest"}),
        directives.directive,
    ),
    "note": (frozenset({"DocumentReference"}), visits.note),
    "note_quote": (frozenset({"DocumentReference"}), visits.quote),
    "conflict": (
        frozenset(
            {
                *("AllergyIntolerance", "Condition", "Observation", "Procedure", *_DRUGS),
                *("Consent", "Flag", "ServiceRequest"),
            }
        ),
        conflicts.conflict,
    ),
}


_WITHOUT: Mapping[Kind, Callable[[Statement, Record], str]] = {
    "absence": conflicts.absence,
    "not_found": conflicts.not_found,
}
"""Kinds that cite no entry: they name the needs whose searches prove them."""


def fits(statement: Statement, record: Record) -> bool:
    """Return whether every reference is in the record and of a type that this kind may cite."""
    if statement.kind in _WITHOUT:
        return not statement.refs and bool(statement.needs)
    types, _ = _TABLE[statement.kind]
    items = [record.items.get(ref) for ref in statement.refs]
    return bool(items) and all(item is not None and item.type in types for item in items)


def render(statement: Statement, record: Record) -> Line:
    """Write a statement that fits. Every value, unit, date and name comes from what it cites."""
    if statement.kind in _WITHOUT:
        return Line(statement=statement, text=_WITHOUT[statement.kind](statement, record))
    _, write = _TABLE[statement.kind]
    cited = list(map(record.items.__getitem__, statement.refs))
    items = newest_first(cited) if len(cited) > 1 else cited
    return Line(statement=statement, text=write(statement, record, items))
