"""Plant what is valid but awkward: odd values and dates, missing parts, duplicates."""

from decimal import Decimal

from cds_service.simulator.patients.chart import Chart
from cds_service.simulator.patients.terms import (
    ABSENT,
    EHR,
    ICD10,
    LOINC,
    SNOMED,
    Json,
    concept,
    hl7,
    quantity,
    reference,
)

_ME = reference("Patient/zoe-quagmire")
_FINAL: Json = {"status": "final", "subject": _ME}
_CONFIRMED = {"verificationStatus": hl7("condition-ver-status", "confirmed")}
_ACTIVE = {"clinicalStatus": hl7("condition-clinical", "active")}


def _values(chart: Chart) -> None:
    day = chart.ago(months=5, days=2).isoformat()
    for name, code, more in (
        (
            "a1c-exact",
            ("4548-4", "Hemoglobin A1c/Hemoglobin.total in Blood"),
            {"valueQuantity": quantity(Decimal("7.10"), "%")},
        ),
        (
            "creatinine-exact",
            ("2160-0", "Creatinine [Mass/volume] in Serum or Plasma"),
            {"valueQuantity": quantity(Decimal("0.80"), "mg/dL")},
        ),
        (
            "ferritin-exact",
            ("2276-4", "Ferritin [Mass/volume] in Serum or Plasma"),
            {"valueQuantity": quantity(Decimal("100.0"), "ng/mL")},
        ),
        (
            "crp-below",
            ("1988-5", "C reactive protein [Mass/volume] in Serum or Plasma"),
            {"valueQuantity": {**quantity(Decimal("0.50"), "mg/L"), "comparator": "<"}},
        ),
        (
            "egfr-above",
            ("33914-3", "Glomerular filtration rate/1.73 sq M.predicted by MDRD"),
            {"valueQuantity": {**quantity(60, "mL/min/{1.73_m2}"), "comparator": ">"}},
        ),
        (
            "potassium-words",
            ("2823-3", "Potassium [Moles/volume] in Serum or Plasma"),
            {"valueString": "hemolyzed, see comment"},
        ),
        (
            "hepatitis-c",
            ("16128-1", "Hepatitis C virus Ab [Presence] in Serum"),
            {"valueCodeableConcept": {"text": "non reactive"}},
        ),
        (
            "ana-titer",
            ("5048-4", "Nuclear Ab [Titer] in Serum by Immunofluorescence"),
            {"valueRatio": {"numerator": {"value": 1}, "denominator": {"value": 160}}},
        ),
        (
            "urine-leukocytes",
            ("5821-4", "Leukocytes [#/area] in Urine sediment by Microscopy"),
            {"valueRange": {"low": {"value": 5}, "high": {"value": 10, "unit": "/HPF"}}},
        ),
        (
            "glucose-mmol",
            ("14749-6", "Glucose [Moles/volume] in Serum or Plasma"),
            {"valueQuantity": quantity(Decimal("5.60"), "mmol/L")},
        ),
        (
            "weight-pounds",
            ("29463-7", "Body weight"),
            {"valueQuantity": quantity(163, "lb", "[lb_av]")},
        ),
        (
            "b12-absent",
            ("2132-9", "Cobalamin (Vitamin B12) [Mass/volume] in Serum or Plasma"),
            {"dataAbsentReason": concept(ABSENT, "error", "Error", text="Tube broken")},
        ),
        (
            "no-unit",
            ("2345-7", "Glucose [Mass/volume] in Serum or Plasma"),
            {"valueQuantity": {"value": 131}},
        ),
    ):
        body = {**_FINAL, "code": concept(LOINC, *code), "effectiveDateTime": day, **more}
        chart.put("Observation", name, body, {"lastUpdated": f"{day}T15:04:05.678Z"})


def _codes_and_dates(chart: Chart) -> None:
    year = chart.ago(years=11).year
    chart.put(
        "Observation",
        "local-code",
        {
            **_FINAL,
            "code": {"coding": [{"code": "LAB7731", "display": "GLUC POC"}]},
            "effectiveDateTime": chart.ago(months=9).isoformat(),
            "valueQuantity": quantity(118, "mg/dL"),
        },
    )
    chart.put(
        "Observation",
        "no-date",
        {
            **_FINAL,
            "code": {"text": "outside cholesterol"},
            "valueString": "about 210",
        },
    )
    chart.put(
        "Observation",
        "absent-date",
        {
            **_FINAL,
            "code": concept(LOINC, "2093-3", "Cholesterol [Mass/volume] in Serum or Plasma"),
            "_effectiveDateTime": {
                "extension": [
                    {
                        "url": "http://hl7.org/fhir/StructureDefinition/data-absent-reason",
                        "valueCode": "unknown",
                    },
                ]
            },
            "valueQuantity": quantity(207, "mg/dL"),
        },
    )
    chart.put(
        "Condition",
        "text-only",
        {**_ACTIVE, "code": {"text": "bad back (per pt)"}, "subject": _ME},
    )
    chart.put(
        "Condition",
        "year-only",
        {
            **_ACTIVE,
            **_CONFIRMED,
            "code": concept(SNOMED, "37796009", "Migraine"),
            "subject": _ME,
            "onsetDateTime": str(year),
            "recordedDate": f"{year}-03",
        },
    )
    chart.put(
        "Procedure",
        "month-only",
        {
            "status": "completed",
            "code": {"text": "gallbladder out"},
            "subject": _ME,
            "performedDateTime": f"{year + 2}-06",
        },
    )
    chart.put(
        "Procedure",
        "long-ago",
        {
            "status": "completed",
            "code": {"text": "tonsils"},
            "subject": _ME,
            "performedString": "as a child",
        },
    )
    chart.put(
        "MedicationStatement",
        "no-dates",
        {
            "status": "unknown",
            "medicationCodeableConcept": {"text": "water pill, small white"},
            "subject": _ME,
        },
    )
    chart.put(
        "MedicationRequest",
        "shorthand",
        {
            "status": "active",
            "intent": "order",
            "subject": _ME,
            "medicationCodeableConcept": {
                "coding": [{"code": "IBU600"}],
                "text": "IBUPROFEN 600 MG PO TABS",
            },
            "dosageInstruction": [{"text": "1 tab po tid prn ud"}],
        },
    )


def _duplicates(chart: Chart) -> None:
    since = chart.ago(months=73, days=2).isoformat()
    for name, code in (
        ("thyroid-icd", concept(ICD10, "E03.9", "Hypothyroidism, unspecified")),
        ("thyroid-text", {"text": "HYPOTHYROID"}),
        (
            "thyroid-local",
            {"coding": [{"system": f"{EHR}/dx", "code": "244.9"}], "text": "Hypothyroidism NOS"},
        ),
    ):
        chart.put(
            "Condition",
            name,
            {
                **_ACTIVE,
                **_CONFIRMED,
                "category": [hl7("condition-category", "problem-list-item")],
                "code": code,
                "subject": _ME,
                "onsetDateTime": since,
            },
        )


def plant(chart: Chart) -> None:
    """Append every awkward entry to the chart."""
    for part in (_values, _codes_and_dates, _duplicates):
        part(chart)
