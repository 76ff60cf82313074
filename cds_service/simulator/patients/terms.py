"""Name the code systems and build the small FHIR R4 datatypes that every chart repeats.

Shapes: plain JSON dicts as in the R4 specification (Coding, CodeableConcept, Quantity, Reference).
"""

from decimal import Decimal

Json = dict[str, object]
Number = int | float | Decimal

SNOMED = "http://snomed.info/sct"
LOINC = "http://loinc.org"
RXNORM = "http://www.nlm.nih.gov/research/umls/rxnorm"
CVX = "http://hl7.org/fhir/sid/cvx"
ICD10 = "http://hl7.org/fhir/sid/icd-10-cm"
UCUM = "http://unitsofmeasure.org"
ACT_CODE = "http://terminology.hl7.org/CodeSystem/v3-ActCode"
CONFIDENTIALITY = "http://terminology.hl7.org/CodeSystem/v3-Confidentiality"
INTERPRETATION = "http://terminology.hl7.org/CodeSystem/v3-ObservationInterpretation"
ABSENT = "http://terminology.hl7.org/CodeSystem/data-absent-reason"
US_CORE = "http://hl7.org/fhir/us/core"
EHR = "http://ehr.example.org"

_HL7 = "http://terminology.hl7.org/CodeSystem"


def coding(system: str, code: str, display: str) -> Json:
    """Return one Coding."""
    return {"system": system, "code": code, "display": display}


def concept(system: str, code: str, display: str, *others: Json, text: str = "") -> Json:
    """Return a CodeableConcept of one main coding, further codings, and a text."""
    return {"coding": [coding(system, code, display), *others], "text": text or display}


def hl7(name: str, code: str, display: str = "") -> Json:
    """Return a CodeableConcept from the HL7 terminology server's code system of that name."""
    shown = {"display": display} if display else {}
    return {"coding": [{"system": f"{_HL7}/{name}", "code": code, **shown}]}


def quantity(value: Number, unit: str, code: str = "") -> Json:
    """Return a Quantity in UCUM; `code` is the UCUM code where the printed unit differs."""
    return {"value": value, "unit": unit, "system": UCUM, "code": code or unit}


def reference(target: str, display: str = "") -> Json:
    """Return a relative Reference with an optional display."""
    return {"reference": target, "display": display} if display else {"reference": target}
