"""A patient whose every word is a canary: none of them may turn up where chart content does not belong."""

FAMILY, DRUG, SUBSTANCE = "Zwitscherling", "Canarimab", "Goldammerin"
CANARIES = (FAMILY, DRUG, SUBSTANCE, "Kolibrioma", "1955-09-02", "p-canary-7")
PATIENT = "p-canary-7"


def _of(kind, identity, **members):
    return {
        "resourceType": kind,
        "id": identity,
        "subject" if kind != "AllergyIntolerance" else "patient": {
            "reference": f"Patient/{PATIENT}"
        },
        **members,
    }


def _bundle(*resources):
    return {
        "resourceType": "Bundle",
        "type": "searchset",
        "entry": [{"resource": one, "search": {"mode": "match"}} for one in resources],
    }


ACTIVE = {"coding": [{"code": "active"}]}


def prefetch():
    allergy = _of(
        "AllergyIntolerance",
        "a1",
        code={"text": SUBSTANCE},
        clinicalStatus=ACTIVE,
        criticality="high",
    )
    drug = _of(
        "MedicationRequest",
        "m1",
        status="active",
        intent="order",
        medicationCodeableConcept={"text": DRUG},
    )
    problem = _of("Condition", "c1", code={"text": "Kolibrioma"}, clinicalStatus=ACTIVE)
    patient = {
        "resourceType": "Patient",
        "id": PATIENT,
        "name": [{"family": FAMILY}],
        "gender": "female",
        "birthDate": "1955-09-02",
    }
    return {
        "patient": patient,
        "allergies": _bundle(allergy),
        "medications": _bundle(drug),
        "problems": _bundle(problem),
    }


def body(**changes):
    return {
        "hook": "patient-view",
        "hookInstance": "d1577c69-dfbe-44ad-ba6d-3e05e953b2ea",
        "context": {"patientId": PATIENT, "userId": "Practitioner/1"},
        "prefetch": prefetch(),
    } | changes
