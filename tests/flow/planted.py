"""Charts with a word in every text that a person wrote: where it turns up, chart content has leaked."""

from dataclasses import dataclass

from cds_service.simulator import patients

WORD = "Zwitscherling"
PATIENTS = ("beatrice-okonkwo", "iris-calloway", "gregory-nwosu")
NAMES = (WORD, *PATIENTS, "Okonkwo", "Calloway", "Nwosu")
"""None of these may turn up where chart content does not belong, in any letter case."""
_WRITTEN = frozenset(
    {
        *("family", "given", "prefix", "text", "display", "title", "description", "line", "city"),
        *("comment", "valueString", "valueMarkdown"),
    }
)
"""Members that hold what somebody typed."""


def planted(value: object, member: str = "") -> object:
    """Return a piece of JSON with the word in every text that a person wrote."""
    if isinstance(value, dict):
        return {name: planted(each, name) for name, each in value.items()}
    if isinstance(value, list):
        return [planted(each, member) for each in value]
    return f"{value} {WORD}" if isinstance(value, str) and member in _WRITTEN else value


@dataclass(frozen=True)
class PlantedPatients:
    """Some of the simulator's charts, with the word in them."""

    def patient_ids(self):
        return PATIENTS

    def synopsis(self, patient_id):
        return patients.synopsis(patient_id)

    def resources(self, patient_id, *, anchor):
        return [planted(one) for one in patients.resources(patient_id, anchor=anchor)]

    def upcoming_appointment(self, patient_id, *, anchor):
        return planted(patients.upcoming_appointment(patient_id, anchor=anchor))
