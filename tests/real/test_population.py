"""The generated patients are what the other tests take them for."""

from collections.abc import Iterator
from typing import Any

from .conftest import SEED
from .population import Resource, as_server_resources, searchset, synthea_patients
from .validators import model_issues

BRIEFED = {
    "Condition",
    "DocumentReference",
    "Encounter",
    "Immunization",
    "MedicationRequest",
    "Observation",
    "Procedure",
}


def references(node: Any) -> Iterator[str]:
    """Walk a resource; this will be every literal reference in it."""
    if isinstance(node, dict):
        if isinstance(node.get("reference"), str):
            yield node["reference"]
        node = list(node.values())
    if isinstance(node, list):
        for item in node:
            yield from references(item)


def test_a_patient_is_one_transaction_of_urn_uuids(patients: list[Resource]) -> None:
    """Each Bundle has one Patient, first, and refers to nothing outside itself."""
    for bundle in patients:
        assert bundle["type"] == "transaction"
        types = [entry["resource"]["resourceType"] for entry in bundle["entry"]]
        assert types.count("Patient") == 1
        assert types[0] == "Patient"
        assert set(types) >= BRIEFED
        assert set(references(bundle)) <= {entry["fullUrl"] for entry in bundle["entry"]}


def test_server_resources_point_at_one_another(patients: list[Resource]) -> None:
    """Rewritten references all name a resource of the same patient, and no `urn:uuid:` is left in them."""
    resources = as_server_resources(patients[0])
    assert set(references(resources)) <= {f"{r['resourceType']}/{r['id']}" for r in resources}
    assert len(resources) == len(patients[0]["entry"])


def test_a_seed_fixes_the_patients(patients: list[Resource], stranger: Resource) -> None:
    """Asking again gives the same, from the cache; another seed gives somebody else."""
    assert synthea_patients(SEED, 2) == patients
    assert stranger["entry"][0]["resource"]["id"] != patients[0]["entry"][0]["resource"]["id"]


def test_the_resources_fit_the_r4_models(patients: list[Resource]) -> None:
    """One resource of each type is valid R4, so that what our service stumbles on later is ours."""
    by_type = {r["resourceType"]: r for r in as_server_resources(patients[0])}
    assert {kind: model_issues(r) for kind, r in by_type.items() if model_issues(r)} == {}


def test_searchset_of_nothing_has_no_entry(patients: list[Resource]) -> None:
    """An empty search is a Bundle with total 0 and without `entry`, as servers give it."""
    assert searchset(as_server_resources(patients[0]), "Flag") == {
        "resourceType": "Bundle",
        "type": "searchset",
        "total": 0,
    }
