"""The named record needs: what of a chart a service may ask for, once, for every vendor.

A need says *what*; `cds_service.vendors.query` adapts it to a vendor's search rules and makes from it
both the prefetch template that we publish and the follow-up read that we send.
"""

from dataclasses import dataclass
from typing import Literal

NeedName = Literal[
    "patient",
    "encounter",
    "appointment",
    "problems",
    "allergies",
    "medications",
    "medication_statements",
    "results",
    "vitals",
    "social",
    "encounters",
    "orders",
    "reports",
    "immunizations",
    "procedures",
    "flags",
    "documents",
    "care_team",
    "directives",
    "tasks",
]


@dataclass(frozen=True, slots=True, kw_only=True)
class Need:
    """One named part of the record, as a FHIR R4 read or search.

    `read` names the context field that holds the id (`patientId`); without it the need is a search by
    patient with `params`. `window_days` bounds a search by date (before, after today) where `date_param`
    is given; a window cannot be published as a CDS Hooks 2.0.1 template, so it is left out there.
    """

    name: NeedName
    type: str
    title: str
    params: tuple[tuple[str, str], ...] = ()
    read: str | None = None
    date_param: str | None = None
    window_days: tuple[int, int] | None = None
    newest_first: str | None = None
    """The `_sort` value that brings the newest first."""
    vital: bool = False
    """Without it there is no answer (412)."""
    words: tuple[str, str] | None = None
    """What one and what several are called, where the title is not simply the plural."""

    def counted(self, number: int) -> str:
        """Return what so many of it are called: `result` for one, else `results`."""
        title = self.title.lower()
        one, several = self.words or (title.removesuffix("s"), title)
        return one if number == 1 else several


_NEEDS = (
    Need(name="patient", type="Patient", title="Patient", read="patientId", vital=True),
    Need(name="encounter", type="Encounter", title="Current encounter", read="encounterId"),
    Need(
        name="appointment",
        type="Appointment",
        title="Appointments",
        date_param="date",
        window_days=(1, 90),
        newest_first="-date",
    ),
    Need(name="problems", type="Condition", title="Problems"),
    Need(
        name="allergies",
        type="AllergyIntolerance",
        title="Allergies",
        words=("allergy", "allergies"),
    ),
    Need(name="medications", type="MedicationRequest", title="Medication orders"),
    Need(name="medication_statements", type="MedicationStatement", title="Reported medications"),
    Need(
        name="results",
        type="Observation",
        title="Results",
        params=(("category", "laboratory"),),
        newest_first="-date",
    ),
    Need(
        name="vitals",
        type="Observation",
        title="Vital signs",
        params=(("category", "vital-signs"),),
        newest_first="-date",
    ),
    Need(
        name="social",
        type="Observation",
        title="Social history",
        params=(("category", "social-history"),),
        words=("social history entry", "social history entries"),
    ),
    Need(name="encounters", type="Encounter", title="Encounters", newest_first="-date"),
    Need(name="orders", type="ServiceRequest", title="Orders", params=(("status", "active"),)),
    Need(name="reports", type="DiagnosticReport", title="Reports", newest_first="-date"),
    Need(name="immunizations", type="Immunization", title="Immunizations"),
    Need(name="procedures", type="Procedure", title="Procedures"),
    Need(name="flags", type="Flag", title="Flags"),
    Need(
        name="documents",
        type="DocumentReference",
        title="Notes",
        params=(("category", "clinical-note"),),
        newest_first="-date",
    ),
    Need(
        name="care_team",
        type="CareTeam",
        title="Care team",
        words=("care team", "care teams"),
    ),
    Need(name="directives", type="Consent", title="Advance directives"),
    Need(name="tasks", type="Task", title="Tasks"),
)

NEEDS: dict[NeedName, Need] = {need.name: need for need in _NEEDS}
