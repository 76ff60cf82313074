"""Plant what is broken: references that lead nowhere or to another patient, and invalid resources."""

from decimal import Decimal

from cds_service.simulator.patients.chart import Chart
from cds_service.simulator.patients.terms import (
    EHR,
    LOINC,
    SNOMED,
    Json,
    coding,
    concept,
    hl7,
    quantity,
    reference,
)

_ME = reference("Patient/zoe-quagmire")
_FINAL: Json = {"status": "final", "subject": _ME}
_ACTIVE = {"clinicalStatus": hl7("condition-clinical", "active")}
_VENDOR = f"{EHR}/extension/row-version"

DANGLING = frozenset(
    {
        "Practitioner/left-the-practice",
        "Encounter/zoe-quagmire-purged",
        "ServiceRequest/zoe-quagmire-old-system",
        "Medication/zoe-quagmire-unknown",
        "Binary/zoe-quagmire-scan",
        "https://other-ehr.example.org/fhir/Practitioner/77",
        "Practitioner?identifier=http://ehr.example.org/staff|S00999",
        "urn:uuid:5bb5dd1c-7a4c-4b8e-9d5c-0f6f1c3a2b10",
    }
)

# resources that a strict R4 model refuses
INVALID = frozenset(
    {
        "zoe-quagmire-american-date",
        "zoe-quagmire-zero-date",
        "zoe-quagmire-misspelt-status",
        "zoe-quagmire-number-as-text",
        "zoe-quagmire-single-coding",
        "zoe-quagmire-null-and-empty",
        "zoe-quagmire-vendor-property",
        "zoe-quagmire-two-medications",
        "zoe-quagmire-no-status",
    }
)


def _references(chart: Chart) -> None:
    day = chart.ago(months=8).isoformat()
    contained: Json = {
        "resourceType": "Practitioner",
        "id": "who",
        "name": [{"text": "Dr. Locum (agency)"}],
    }
    chart.put(
        "DiagnosticReport",
        "contained-author",
        {
            **_FINAL,
            "contained": [contained],
            "code": {"text": "Outside X-ray knee"},
            "effectiveDateTime": day,
            "performer": [reference("#who")],
            "basedOn": [reference("ServiceRequest/zoe-quagmire-old-system")],
            "conclusion": "No fracture.",
        },
    )
    for name, target in (
        ("dead-encounter", {"encounter": reference("Encounter/zoe-quagmire-purged")}),
        ("dead-author", {"performer": [reference("Practitioner/left-the-practice")]}),
        (
            "absolute-author",
            {"performer": [reference("https://other-ehr.example.org/fhir/Practitioner/77")]},
        ),
        (
            "uuid-author",
            {"performer": [reference("urn:uuid:5bb5dd1c-7a4c-4b8e-9d5c-0f6f1c3a2b10")]},
        ),
        (
            "conditional-author",
            {
                "performer": [
                    reference("Practitioner?identifier=http://ehr.example.org/staff|S00999")
                ]
            },
        ),
        ("named-author", {"performer": [{"display": "Nurse on duty"}]}),
    ):
        chart.put(
            "Observation",
            name,
            {
                **_FINAL,
                "code": concept(LOINC, "8867-4", "Heart rate"),
                "effectiveDateTime": day,
                "valueQuantity": quantity(74, "/min"),
                **target,
            },
            {"versionId": "1"},
        )
    chart.put(
        "MedicationRequest",
        "dead-medication",
        {
            "status": "active",
            "intent": "order",
            "subject": _ME,
            "authoredOn": day,
            "medicationReference": reference("Medication/zoe-quagmire-unknown"),
        },
    )
    chart.put(
        "DocumentReference",
        "dead-scan",
        {
            "status": "current",
            "subject": _ME,
            "date": f"{day}T10:00:00Z",
            "type": {"text": "Scanned letter"},
            "content": [
                {
                    "attachment": {
                        "contentType": "application/pdf",
                        "url": "Binary/zoe-quagmire-scan",
                    }
                }
            ],
            "context": {"related": [reference("Binary/zoe-quagmire-scan")]},
        },
    )
    chart.put(
        "Observation",
        "other-patient",
        {
            "status": "final",
            "subject": reference("Patient/harold-lindqvist"),
            "code": concept(LOINC, "6301-6", "INR in Platelet poor plasma by Coagulation assay"),
            "effectiveDateTime": day,
            "valueQuantity": quantity(Decimal("8.80"), "INR", "{INR}"),
            "note": [{"text": "Planted: this result belongs to another patient"}],
        },
        {"versionId": "1", "tag": [{"system": f"{EHR}/planted", "code": "wrong-subject"}]},
    )


def _invalid(chart: Chart) -> None:
    code = concept(LOINC, "8867-4", "Heart rate")
    base: Json = {**_FINAL, "code": code, "valueQuantity": quantity(70, "/min")}
    chart.put("Observation", "american-date", {**base, "effectiveDateTime": "11/03/2021"})
    chart.put("Observation", "zero-date", {**base, "effectiveDateTime": "0000-00-00"})
    chart.put(
        "Procedure",
        "misspelt-status",
        {"status": ["done"], "code": {"text": "EKG"}, "subject": _ME},
    )
    chart.put(
        "Observation",
        "number-as-text",
        {**base, "valueQuantity": {"value": "seventy", "unit": "bpm"}},
    )
    chart.put(
        "Condition",
        "single-coding",
        {
            **_ACTIVE,
            "code": {"coding": coding(SNOMED, "271807003", "Rash")},
            "subject": _ME,
        },
    )
    chart.put(
        "Observation",
        "null-and-empty",
        {**base, "category": [], "interpretation": None, "note": ""},
    )
    chart.put(
        "Immunization",
        "vendor-property",
        {
            "status": "completed",
            "patient": _ME,
            "vaccineCode": {"text": "flu shot at work"},
            "occurrenceString": "last fall",
            "rowVersion": "0x00000000000A7F31",
            "extension": [{"url": _VENDOR, "valueString": "0x00000000000A7F31"}],
        },
    )
    chart.put(
        "MedicationRequest",
        "two-medications",
        {
            "status": "active",
            "intent": "order",
            "subject": _ME,
            "medicationCodeableConcept": {"text": "aspirin"},
            "medicationReference": reference("Medication/med-aspirin-81"),
        },
    )
    chart.put(
        "MedicationRequest",
        "no-status",
        {
            "intent": "order",
            "subject": _ME,
            "medicationCodeableConcept": {"text": "fish oil"},
        },
    )


def plant(chart: Chart) -> None:
    """Append every broken entry to the chart."""
    _references(chart)
    _invalid(chart)
