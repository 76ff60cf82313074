"""Which patient a resource is about, as FHIR R4 says it: one small table, used wherever records are read."""

from collections.abc import Iterator

from cds_service.domain.json import JsonObject
from cds_service.fhir.elements import code, objs, reference

NOBODYS = frozenset(
    {
        "Bundle",
        "Endpoint",
        "HealthcareService",
        "Location",
        "Medication",
        "MedicationKnowledge",
        "OperationOutcome",
        "Organization",
        "OrganizationAffiliation",
        "Practitioner",
        "PractitionerRole",
        "Provenance",
        "Questionnaire",
        "Schedule",
        "Slot",
        "Substance",
        "ValueSet",
        "CodeSystem",
        "StructureDefinition",
        "Binary",
        "Group",
    }
)
"""Types that are about no patient, or that only point at what is."""

_SUBJECTS = ("subject", "patient", "beneficiary", "individual")
_MIXED = frozenset({"Appointment", "AppointmentResponse", "Person", "Task"})
"""Types that name patients beside other actors: only their patients count."""


def patient_of(resource: JsonObject) -> set[str] | None:
    """Return the references that name whom this resource is about, as they stand in it.

    The set is empty when a resource that should name a patient names none; the answer is None for types that
    are about nobody. A subject that is no patient (a Group, a Device) is in the set: it is not the patient.
    """
    kind = code(resource, "resourceType")
    if kind in NOBODYS:
        return None
    if kind == "Patient":
        identity = code(resource, "id")
        return {f"Patient/{identity}"} if identity else set()
    if kind in _MIXED:
        return {named for named in _actors(resource, kind) if _is_patient(named)}
    return {
        named
        for member in _SUBJECTS
        if member in resource  # most have one of them
        for subject in objs(resource, member)
        if (named := code(subject, "reference"))
    }


def _actors(resource: JsonObject, kind: str) -> Iterator[str]:
    """Yield the references of everyone who takes part."""
    if kind == "Task":
        yield reference(resource, "for")
    elif kind == "AppointmentResponse":
        yield reference(resource, "actor")
    elif kind == "Person":
        yield from (reference(link, "target") for link in objs(resource, "link"))
    else:
        yield from (reference(part, "actor") for part in objs(resource, "participant"))


def _is_patient(named: str) -> bool:
    """Return whether a reference leads to a Patient, in a path (`Patient/1`) or a query (`Patient?...`)."""
    return named.startswith(("Patient/", "Patient?")) or "/Patient/" in named
