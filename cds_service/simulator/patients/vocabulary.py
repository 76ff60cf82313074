"""Hold the vocabulary of the charts: problems, substances, procedures, vaccines, studies, notes.

Each entry is found by a short key; the tables lie in `tables`.
"""

from dataclasses import dataclass

from .tables import rows
from .terms import CVX, ICD10, LOINC, RXNORM, SNOMED, Json, coding, concept

_SYSTEMS = {"snomed": SNOMED, "loinc": LOINC, "rxnorm": RXNORM, "cvx": CVX}


@dataclass(frozen=True, slots=True)
class Term:
    """One coded entry; `note` is its category, or its text where the code says less."""

    system: str
    code: str
    display: str
    note: str

    def concept(self, text: str = "") -> Json:
        """Return it as a CodeableConcept."""
        return concept(_SYSTEMS[self.system], self.code, self.display, text=text)


def _kind(kind: str) -> dict[str, Term]:
    return {
        row["key"]: Term(row["system"], row["code"], row["display"], row["note"])
        for row in rows("codes")
        if row["kind"] == kind
    }


ALLERGENS = _kind("allergen")
NOTES = _kind("note")
PROCEDURES = _kind("procedure")
REACTIONS = _kind("reaction")
REFERRALS = _kind("referral")
SMOKING = _kind("smoking")
STUDIES = _kind("study")
VACCINES = _kind("vaccine")

_PROBLEMS = {row["key"]: row for row in rows("problems")}


def diagnosis_code(key: str) -> Json:
    """Return a problem's CodeableConcept with SNOMED CT and ICD-10-CM codings."""
    row = _PROBLEMS[key]
    icd = coding(ICD10, row["icd10"], row["icd10_display"])
    return concept(SNOMED, row["snomed"], row["display"], icd)


def reason(key: str) -> Json:
    """Return the SNOMED CT CodeableConcept of a problem's key, or a text for any other words."""
    if key not in _PROBLEMS:
        return {"text": key}
    return concept(SNOMED, _PROBLEMS[key]["snomed"], _PROBLEMS[key]["display"])
