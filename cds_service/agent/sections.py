"""Sections of what a run is shown: which entry stands in which, by which day, and how much each may hold at least."""

from collections.abc import Mapping
from typing import Literal, get_args

from cds_service.domain.json import JsonObject
from cds_service.fhir.elements import code, codes, has_code, obj, objs

SectionName = Literal[
    "visit",
    "allergies",
    "problems",
    "medications",
    "results",
    "vitals",
    "orders",
    "reports",
    "encounters",
    "procedures",
    "immunizations",
    "flags",
    "social",
    "directives",
    "care_team",
    "notes",
]
SECTIONS: tuple[SectionName, ...] = get_args(SectionName)

_SECTION: Mapping[str, SectionName] = {
    "Patient": "visit",
    "Appointment": "visit",
    "AllergyIntolerance": "allergies",
    "Condition": "problems",
    "MedicationRequest": "medications",
    "MedicationStatement": "medications",
    "ServiceRequest": "orders",
    "Task": "orders",
    "DiagnosticReport": "reports",
    "Encounter": "encounters",
    "Procedure": "procedures",
    "Immunization": "immunizations",
    "Flag": "flags",
    "Consent": "directives",
    "CareTeam": "care_team",
    "DocumentReference": "notes",
}
SHORT: Mapping[str, str] = {
    "AllergyIntolerance": "Alg",
    "Appointment": "Apt",
    "CareTeam": "Team",
    "Condition": "Cond",
    "Consent": "Dir",
    "DiagnosticReport": "Rpt",
    "DocumentReference": "Doc",
    "Encounter": "Enc",
    "Flag": "Flag",
    "Immunization": "Imm",
    "MedicationRequest": "Med",
    "MedicationStatement": "Said",
    "Observation": "Obs",
    "Patient": "Pat",
    "Procedure": "Proc",
    "ServiceRequest": "Ord",
    "Task": "Task",
}
_DATES = (
    "start",
    "effectiveDateTime",
    "effectivePeriod.start",
    "authoredOn",
    "dateAsserted",
    "period.start",
    "performedDateTime",
    "performedPeriod.start",
    "occurrenceDateTime",
    "onsetDateTime",
    "recordedDate",
    "dateTime",
    "date",
)
_STANDING = frozenset(
    {
        "active",
        "recurrence",
        "relapse",
        "on-hold",
        "intended",
        "unknown",
        "booked",
        "draft",
        "requested",
        "",
    }
)
FLOOR: Mapping[SectionName, int] = {
    **dict.fromkeys(SECTIONS, 700),
    "visit": 1_200,
    "allergies": 3_000,
    "problems": 4_500,
    "medications": 5_500,
    "results": 6_500,
    "vitals": 2_000,
    "orders": 1_800,
    "reports": 1_800,
    "encounters": 1_500,
}
"""Characters that a section has for itself in the first message, whatever the others take."""


def section_of(ref: str, resource: JsonObject) -> SectionName:
    """Return where a resource stands."""
    kind = ref.partition("/")[0]
    if kind != "Observation":
        return _SECTION[kind]
    categories = objs(resource, "category")
    if any(has_code(each, "vital-signs") for each in categories):
        return "vitals"
    social = any(has_code(each, "social-history", "survey") for each in categories)
    return "social" if social else "results"


def day_of(resource: JsonObject) -> str:
    """Return the day by which a resource is found; "" without one."""
    for path in _DATES:
        outer, _, inner = path.partition(".")
        value = obj(resource, outer).get(inner) if inner else resource.get(outer)
        if isinstance(value, str) and value[:4].isdigit():
            return value[:10]
    return ""


def stands(resource: JsonObject) -> bool:
    """Return whether a resource is active, booked or open, or does not say."""
    status = obj(resource, "clinicalStatus")
    word = next(iter(codes(status)), "") if status else code(resource, "status")
    return word in _STANDING
