"""Lists the search parameters of each resource type: name -> (kind, paths into the resource).

Paths are dotted element names; a list on the way is walked through. Source: FHIR R4, search
parameter registry, as far as the simulator's records need it.
"""

from __future__ import annotations

from typing import Final, Literal

Kind = Literal["token", "reference", "date", "string"]
Parameter = tuple[Kind, tuple[str, ...]]

COMMON: Final[dict[str, Parameter]] = {
    "_id": ("token", ("id",)),
    "_lastUpdated": ("date", ("meta.lastUpdated",)),
    "identifier": ("token", ("identifier",)),
}

CONTROL: Final = frozenset(
    {
        "_count",
        "_sort",
        "_include",
        "_revinclude",
        "_total",
        "_summary",
        "_format",
        "_pretty",
        "_elements",
    }
)


def _token(*paths: str) -> Parameter:
    return ("token", paths)


def _date(*paths: str) -> Parameter:
    return ("date", paths)


def _reference(*paths: str) -> Parameter:
    return ("reference", paths)


_SUBJECT = {"patient": _reference("subject"), "subject": _reference("subject")}
_PATIENT = {"patient": _reference("patient")}
_STATUS = {"status": _token("status")}
_CATEGORY = {"category": _token("category")}
_CODE = {"code": _token("code")}
_ENCOUNTER = {"encounter": _reference("encounter")}
_ORDER = {**_SUBJECT, **_STATUS, **_CATEGORY, **_ENCOUNTER, "intent": _token("intent")}
_PERIOD = {"date": _date("period")}

TYPES: Final[dict[str, dict[str, Parameter]]] = {
    "Patient": {
        "family": ("string", ("name.family",)),
        "given": ("string", ("name.given",)),
        "name": ("string", ("name.family", "name.given", "name.text")),
        "birthdate": _date("birthDate"),
        "gender": _token("gender"),
    },
    "Observation": {
        **_SUBJECT, **_STATUS, **_CATEGORY, **_CODE, **_ENCOUNTER,
        "date": _date("effectiveDateTime", "effectivePeriod", "effectiveInstant"),
    },
    "Condition": {
        **_SUBJECT, **_CATEGORY, **_CODE, **_ENCOUNTER,
        "clinical-status": _token("clinicalStatus"),
        "verification-status": _token("verificationStatus"),
        "onset-date": _date("onsetDateTime", "onsetPeriod"),
        "recorded-date": _date("recordedDate"),
    },
    "AllergyIntolerance": {
        **_PATIENT, **_CATEGORY, **_CODE,
        "clinical-status": _token("clinicalStatus"),
        "verification-status": _token("verificationStatus"),
        "criticality": _token("criticality"),
        "date": _date("recordedDate"),
    },
    "MedicationRequest": {
        **_ORDER,
        "code": _token("medicationCodeableConcept"),
        "medication": _reference("medicationReference"),
        "authoredon": _date("authoredOn"),
    },
    "MedicationStatement": {
        **_SUBJECT, **_STATUS, **_CATEGORY,
        "code": _token("medicationCodeableConcept"),
        "medication": _reference("medicationReference"),
        "effective": _date("effectiveDateTime", "effectivePeriod"),
    },
    "MedicationAdministration": {
        **_SUBJECT, **_STATUS,
        "code": _token("medicationCodeableConcept"),
        "medication": _reference("medicationReference"),
        "effective-time": _date("effectiveDateTime", "effectivePeriod"),
    },
    "MedicationDispense": {
        **_SUBJECT, **_STATUS,
        "code": _token("medicationCodeableConcept"),
        "medication": _reference("medicationReference"),
        "whenhandedover": _date("whenHandedOver"),
    },
    "Medication": {**_CODE},
    "Immunization": {
        **_PATIENT, **_STATUS,
        "vaccine-code": _token("vaccineCode"), "date": _date("occurrenceDateTime"),
    },
    "Procedure": {
        **_SUBJECT, **_STATUS, **_CODE, **_CATEGORY, **_ENCOUNTER,
        "date": _date("performedDateTime", "performedPeriod"),
    },
    "Encounter": {
        **_SUBJECT, **_STATUS, **_PERIOD,
        "class": _token("class"), "type": _token("type"),
        "appointment": _reference("appointment"),
    },
    "DiagnosticReport": {
        **_SUBJECT, **_STATUS, **_CODE, **_CATEGORY, **_ENCOUNTER,
        "date": _date("effectiveDateTime", "effectivePeriod"), "issued": _date("issued"),
    },
    "DocumentReference": {
        **_SUBJECT, **_STATUS, **_CATEGORY,
        "type": _token("type"), "date": _date("date"),
        "period": _date("context.period"), "encounter": _reference("context.encounter"),
    },
    "ServiceRequest": {
        **_ORDER, **_CODE,
        "authored": _date("authoredOn"),
        "occurrence": _date("occurrenceDateTime", "occurrencePeriod"),
    },
    "DeviceRequest": {**_ORDER, **_CODE, "authored-on": _date("authoredOn")},
    "Appointment": {
        **_STATUS,
        "patient": _reference("participant.actor"), "actor": _reference("participant.actor"),
        "practitioner": _reference("participant.actor"),
        "location": _reference("participant.actor"),
        "date": _date("start"), "service-category": _token("serviceCategory"),
        "service-type": _token("serviceType"), "appointment-type": _token("appointmentType"),
    },
    "CarePlan": {**_SUBJECT, **_STATUS, **_CATEGORY, **_PERIOD},
    "CareTeam": {**_SUBJECT, **_STATUS, **_CATEGORY, **_PERIOD},
    "Goal": {
        **_SUBJECT, **_CATEGORY,
        "lifecycle-status": _token("lifecycleStatus"), "start-date": _date("startDate"),
        "target-date": _date("target.dueDate"),
    },
    "FamilyMemberHistory": {**_PATIENT, **_STATUS, "date": _date("date")},
    "Flag": {**_SUBJECT, **_PERIOD, **_STATUS, **_CATEGORY},
    "Consent": {**_PATIENT, **_STATUS, **_CATEGORY, "date": _date("dateTime")},
    "Coverage": {
        **_STATUS, "patient": _reference("beneficiary"), "beneficiary": _reference("beneficiary"),
    },
    "Device": {**_PATIENT, **_STATUS, "type": _token("type")},
    "Task": {
        **_STATUS, **_CODE, **_ENCOUNTER,
        "patient": _reference("for"), "subject": _reference("for"), "owner": _reference("owner"),
        "intent": _token("intent"), "authored-on": _date("authoredOn"),
    },
    "Communication": {**_SUBJECT, **_STATUS, **_CATEGORY, "sent": _date("sent")},
    "QuestionnaireResponse": {**_SUBJECT, **_STATUS, "authored": _date("authored")},
    "ImagingStudy": {**_SUBJECT, **_STATUS, "started": _date("started")},
    "NutritionOrder": {**_PATIENT, **_STATUS, "datetime": _date("dateTime")},
    "Specimen": {**_SUBJECT, **_STATUS},
    "RelatedPerson": {**_PATIENT},
    "Provenance": {"target": _reference("target"), "recorded": _date("recorded")},
    "AuditEvent": {"date": _date("recorded"), "entity": _reference("entity.what")},
    "Practitioner": {"family": ("string", ("name.family",)), "name": ("string", ("name.family",))},
    "PractitionerRole": {
        "practitioner": _reference("practitioner"), "organization": _reference("organization"),
    },
    "Organization": {"name": ("string", ("name",))},
    "Location": {"name": ("string", ("name",))},
}  # fmt: skip


_ALL: Final = {kind: {**COMMON, **own} for kind, own in TYPES.items()}


def of_type(resource_type: str) -> dict[str, Parameter]:
    """Give every search parameter of a type; raises KeyError for a type not served."""
    return _ALL[resource_type]
