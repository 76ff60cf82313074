"""The product reads a patient from a FHIR server that others wrote, and makes the same brief as from prefetch."""

import json
from collections import Counter
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

import pytest

from .population import Resource, as_server_resources
from .product import LARGE_PAGES, SMART, Product, patient_view, product_running, resolved
from .sekmet import Sekmet
from .signing_proxy import Signer

MOST = {"laboratory": 260, "vital-signs": 260, "procedure": 100}
"""What is put on the server of each: two of the small pages at most, which a slow machine, too, reads within a call."""
SMALL_PAGES = "[vendor_overrides.search]\npage_size = 250\nmax_pages = 50\n"


def _id(chart: list[Resource], kind: str) -> str:
    return next(str(r["id"]) for r in reversed(chart) if r["resourceType"] == kind)


@pytest.fixture(scope="module")
def own(patients: list[Resource]) -> list[Resource]:
    """Take the second adult, whom no other test touches, with the newest of what a long life leaves most of."""
    whole = as_server_resources(patients[1])
    seen, kept = Counter(), []
    for each in reversed(whole):
        seen[_sort(each)] += 1
        if seen[_sort(each)] <= MOST.get(_sort(each), len(whole)):
            kept.append(each)
    return kept[::-1]


def _sort(resource: Resource) -> str:
    if resource["resourceType"] == "Observation":
        return str(resource["category"][0]["coding"][0]["code"])
    return str(resource["resourceType"]).lower()


@pytest.fixture(scope="module")
def patient(sekmet: Sekmet, own: list[Resource], chart: list[Resource], moment: datetime) -> str:
    """Put that adult beside the first one, with what the generator never makes."""
    assert _id(chart, "Patient") != _id(own, "Patient")
    identity = _id(own, "Patient")
    sekmet.load(own)
    sekmet.load(_additions({"reference": f"Patient/{identity}"}, moment))
    return identity


def _additions(subject: dict[str, str], moment: datetime) -> list[Resource]:
    start = moment + timedelta(days=7)
    return [
        {
            "resourceType": "Flag",
            "id": "real-flag",
            "status": "active",
            "code": {"text": "Falls risk"},
            "subject": subject,
        },
        {
            "resourceType": "ServiceRequest",
            "id": "real-order",
            "status": "active",
            "intent": "order",
            "code": {"text": "Chest X-ray"},
            "subject": subject,
            "authoredOn": "2025-11-03",
        },
        {
            "resourceType": "MedicationStatement",
            "id": "real-statement",
            "status": "active",
            "medicationCodeableConcept": {"text": "Fish oil capsule"},
            "subject": subject,
        },
        {
            "resourceType": "Appointment",
            "id": "real-visit",
            "status": "booked",
            "start": start.isoformat(),
            "end": (start + timedelta(minutes=30)).isoformat(),
            "description": "Follow-up",
            "participant": [{"actor": subject, "status": "accepted"}],
        },
    ]


@pytest.fixture(scope="module")
def product(
    sekmet: Sekmet, signer_now: Signer, moment: datetime, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Product]:
    """Run the product; one page holds every search."""
    folder = tmp_path_factory.mktemp("product")
    more = SMART + LARGE_PAGES
    with product_running(
        folder, signer_now, fhir=sekmet.base_url, moment=moment, more=more
    ) as one:
        yield one


@pytest.fixture(scope="module")
def paging(
    sekmet: Sekmet, signer_now: Signer, moment: datetime, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Product]:
    """Run it again at a site with small pages."""
    folder = tmp_path_factory.mktemp("paging")
    more = SMART + SMALL_PAGES
    with product_running(
        folder, signer_now, fhir=sekmet.base_url, moment=moment, more=more
    ) as one:
        yield one


@pytest.fixture(scope="module")
def from_reads(product: Product, sekmet: Sekmet, own: list[Resource], patient: str) -> bytes:
    """Make the brief from follow-up reads alone."""
    asked = patient_view(patient, fhir=sekmet.base_url, encounter=_id(own, "Encounter"))
    return product.brief(product.call(asked))


def _prefetched(
    which: Product, sekmet: Sekmet, patient: str, encounter: str, *, access: bool
) -> Any:
    bare = patient_view(patient, fhir=sekmet.base_url, encounter=encounter, access=access)
    return bare | {"prefetch": resolved(which.templates(), bare, sekmet.http)}


def test_reads_bring_the_whole_record(from_reads: bytes) -> None:
    """Nothing is missing, and what was added is there."""
    brief = json.loads(from_reads)
    assert brief["gaps"] == []
    for words in ("Falls risk", "Chest X-ray", "Fish oil capsule", "Follow-up"):
        assert words.lower() in from_reads.decode().lower()


def test_prefetch_and_reads_make_the_same_brief(
    product: Product, sekmet: Sekmet, own: list[Resource], patient: str, from_reads: bytes
) -> None:
    """The same resources by either way: the same bytes, without a token too."""
    encounter = _id(own, "Encounter")
    for access in (True, False):
        asked = _prefetched(product, sekmet, patient, encounter, access=access)
        assert product.brief(product.call(asked)) == from_reads


def test_small_pages_make_the_same_brief(
    paging: Product, sekmet: Sekmet, own: list[Resource], patient: str, from_reads: bytes
) -> None:
    """`next` is followed to the end, from a first page that was read and from one that was prefetched."""
    encounter = _id(own, "Encounter")
    asked = _prefetched(paging, sekmet, patient, encounter, access=True)
    assert any("next" in str(answer.get("link")) for answer in asked["prefetch"].values())
    assert paging.brief(paging.call(asked)) == from_reads
    read = patient_view(patient, fhir=sekmet.base_url, encounter=encounter)
    assert paging.brief(paging.call(read)) == from_reads


def test_without_access_a_first_page_is_told_as_partial(
    paging: Product, sekmet: Sekmet, own: list[Resource], patient: str
) -> None:
    """What stands behind `next` cannot be had, and the brief says so."""
    asked = _prefetched(paging, sekmet, patient, _id(own, "Encounter"), access=False)
    gaps = json.loads(paging.brief(paging.call(asked)))["gaps"]
    assert {"results", "vitals"} <= {g["need"] for g in gaps if g["reason"] == "partial"}


def test_other_patients_in_an_answer_are_dropped_and_reported(
    product: Product, sekmet: Sekmet, patient: str
) -> None:
    """This server ignores `patient` for a CareTeam and answers with everybody's."""
    everybody = sekmet.get(f"CareTeam?patient={patient}").json()["entry"]
    teams = [e["resource"] for e in everybody if e["resource"]["resourceType"] == "CareTeam"]
    others = [t for t in teams if t["subject"]["reference"] != f"Patient/{patient}"]
    assert others
    asked = patient_view(patient, fhir=sekmet.base_url)
    brief = json.loads(product.brief(product.call(asked, service="care-team")))
    (told,) = [g for g in brief["gaps"] if g["reason"] == "other_patient"]
    assert (told["need"], told["count"]) == ("care_team", len(others))
    for team in others:
        assert team["id"] not in json.dumps(brief)


def test_a_patient_whom_the_server_does_not_know_is_412(product: Product, sekmet: Sekmet) -> None:
    """Neither prefetched nor readable."""
    answer = product.call(patient_view("nobody", fhir=sekmet.base_url))
    assert answer.status_code == 412
    assert answer.json()["resourceType"] == "OperationOutcome"


def test_a_patient_id_is_never_part_of_an_address(
    product: Product, sekmet: Sekmet, patient: str
) -> None:
    """An id that would climb out of its place is refused before anything is read."""
    for wild in (f"../Patient/{patient}", f"{patient}?_include=*", "..", f"{patient}/$everything"):
        assert product.call(patient_view(wild, fhir=sekmet.base_url)).status_code == 400


@pytest.mark.parametrize("wrong", ["http://127.0.0.1:9/fhir", "http://localhost/fhir"])
def test_another_fhir_server_is_not_asked(product: Product, patient: str, wrong: str) -> None:
    """The token is not carried to a server that the site file does not name."""
    assert product.call(patient_view(patient, fhir=wrong)).status_code == 412
