"""Plant what was taken back or never sure: entered in error, refuted, differential, preliminary."""

from decimal import Decimal

from cds_service.simulator.patients.chart import Chart
from cds_service.simulator.patients.terms import (
    INTERPRETATION,
    LOINC,
    RXNORM,
    SNOMED,
    coding,
    concept,
    hl7,
    quantity,
    reference,
)

_ME = reference("Patient/zoe-quagmire")
_ACTIVE = {"clinicalStatus": hl7("condition-clinical", "active")}


def plant(chart: Chart) -> None:
    """Append every withdrawn, doubted or preliminary entry to the chart."""
    day = chart.ago(months=3).isoformat()
    wrong = {"verificationStatus": hl7("condition-ver-status", "entered-in-error")}
    attack = concept(SNOMED, "22298006", "Myocardial infarction")
    potassium = concept(LOINC, "2823-3", "Potassium [Moles/volume] in Serum or Plasma")
    critical = {"interpretation": [{"coding": [coding(INTERPRETATION, "HH", "Critical high")]}]}
    chart.put("Condition", "error", {**wrong, "code": {"text": "Lung cancer"}, "subject": _ME})
    chart.put(
        "Condition",
        "refuted",
        {
            "verificationStatus": hl7("condition-ver-status", "refuted"),
            "code": attack,
            "subject": _ME,
            "recordedDate": day,
        },
    )
    chart.put(
        "Condition",
        "differential",
        {
            **_ACTIVE,
            "verificationStatus": hl7("condition-ver-status", "differential"),
            "code": {"text": "Sleep apnea?"},
            "subject": _ME,
        },
    )
    chart.put(
        "Observation",
        "error-potassium",
        {
            "status": "entered-in-error",
            "subject": _ME,
            "code": potassium,
            "effectiveDateTime": day,
            "valueQuantity": quantity(Decimal("9.90"), "mmol/L"),
            **critical,
        },
    )
    for status, value in (("preliminary", "4.80"), ("corrected", "4.30"), ("cancelled", "0.00")):
        chart.put(
            "Observation",
            f"{status}-potassium",
            {
                "status": status,
                "subject": _ME,
                "code": potassium,
                "effectiveDateTime": day,
                "valueQuantity": quantity(Decimal(value), "mmol/L"),
            },
        )
    for status in ("entered-in-error", "refuted"):
        chart.put(
            "AllergyIntolerance",
            f"{status}-allergy",
            {
                "verificationStatus": hl7("allergyintolerance-verification", status),
                "code": concept(RXNORM, "2193", "ceftriaxone"),
                "patient": _ME,
            },
        )
    chart.put(
        "AllergyIntolerance",
        "text-allergy",
        {"code": {"text": "sulfa drugs ??"}, "patient": _ME},
    )
    chart.put(
        "MedicationRequest",
        "error-order",
        {
            "status": "entered-in-error",
            "intent": "order",
            "subject": _ME,
            "authoredOn": day,
            "medicationCodeableConcept": concept(RXNORM, "11289", "warfarin"),
        },
    )
