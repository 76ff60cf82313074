"""Any Bundle becomes one patient's Context: identities, duplicates, references, and whose is what."""

from itertools import permutations

import pytest

from cds_service.brief import rule_brief
from cds_service.context.bundle import bundle_context
from cds_service.domain.errors import BadCall
from tests.brief.charts import (
    NOW,
    PATIENT,
    ZONE,
    allergy,
    bundle,
    condition,
    context,
    order,
    texts,
)

OTHER = {"resourceType": "Patient", "id": "p2"}


def made(entries, patient=None):
    return bundle_context(
        {"resourceType": "Bundle", "type": "collection", "entry": entries},
        patient=patient,
        now=NOW,
        zone=ZONE,
    )


def dropped(found):
    return {(gap.need, gap.reason): gap.count for gap in found.ledger.dropped}


@pytest.mark.parametrize("kind", ["collection", "searchset", "transaction", "batch", "document"])
def test_any_type_of_bundle(kind):
    found = bundle_context(bundle(condition("Gout"), kind=kind), patient=None, now=NOW, zone=ZONE)
    assert set(found.ledger.evidence) == {"Patient/p1", "Condition/c1"}


def test_every_need_is_a_bundle():
    assert {search.state for search in context().ledger.searches} == {"bundle"}
    assert not list(context().ledger.gaps())


def test_a_transaction_by_uuid():
    someone = {**PATIENT}
    del someone["id"]
    ill = condition("Gout", subject={"reference": "urn:uuid:aaa"})
    del ill["id"]
    found = made(
        [
            {"fullUrl": "urn:uuid:aaa", "resource": someone, "request": {"method": "POST"}},
            {"fullUrl": "urn:uuid:bbb", "resource": ill},
        ]
    )
    assert set(found.ledger.evidence) == {"Patient/aaa", "Condition/bbb"}
    assert found.patient == "aaa"
    assert texts(rule_brief(found), "problems") == ["Gout, since 2020-01-02"]


def test_an_id_wins_over_the_uuid_and_the_uuid_leads_to_it():
    ill = condition("Gout", subject={"reference": "urn:uuid:aaa"})
    found = made([{"fullUrl": "urn:uuid:aaa", "resource": PATIENT}, {"resource": ill}])
    assert set(found.ledger.evidence) == {"Patient/p1", "Condition/c1"}


def test_several_patients_need_a_choice():
    entries = [{"resource": PATIENT}, {"resource": OTHER}]
    with pytest.raises(BadCall) as refused:
        made(entries)
    assert refused.value.detail == "The Bundle holds several Patients, choose one of them: p1, p2."
    assert made(entries, "p2").patient == made(entries, "Patient/p2").patient == "p2"
    with pytest.raises(BadCall, match="holds no Patient p3"):
        made(entries, "p3")
    with pytest.raises(BadCall, match="holds no Patient"):
        made([])
    with pytest.raises(BadCall, match="not a FHIR Bundle"):
        bundle_context(PATIENT, patient=None, now=NOW, zone=ZONE)


def test_another_patients_resources_are_dropped_and_counted():
    theirs = condition("Gout", "c2", subject={"reference": "Patient/p2"})
    found = made([{"resource": r} for r in (PATIENT, OTHER, condition("Asthma"), theirs)], "p1")
    assert set(found.ledger.evidence) == {"Patient/p1", "Condition/c1"}
    assert dropped(found) == {("bundle", "other_patient"): 2}
    assert "Gout" not in str(rule_brief(found))


@pytest.mark.parametrize(
    "subject",
    [
        {"reference": "Patient/p2"},
        {"reference": "urn:uuid:nowhere"},
        {"reference": "Patient?identifier=sys|nobody"},
        {"reference": "https://elsewhere.example.org/fhir/Patient/p1"},
        {"reference": "Group/g1"},
        {"display": "somebody"},
    ],
)
def test_what_is_not_clearly_theirs_is_a_gap_and_no_fact(subject):
    there = {"fullUrl": "https://here.example.org/fhir/Patient/p1", "resource": PATIENT}
    found = made([there, {"resource": condition("Gout", subject=subject)}])
    assert "Condition/c1" not in found.ledger.evidence
    assert sum(dropped(found).values()) == 1


def test_a_gap_of_that_need_forbids_to_say_none():
    ill = condition("Gout", subject={"reference": "urn:uuid:nowhere"})
    brief = rule_brief(made([{"resource": PATIENT}, {"resource": ill}]))
    assert not texts(brief, "problems")
    assert [(gap.need, gap.reason) for gap in brief.gaps] == [("problems", "unresolved")]


def test_conditional_and_logical_references_are_matched_inside():
    identifier = {"system": "urn:mrn", "value": "77"}
    someone = {**PATIENT, "identifier": [identifier]}
    found = made(
        [{"resource": someone}]
        + [
            {"resource": condition("Gout", f"c{n}", subject=subject)}
            for n, subject in enumerate(
                (
                    {"reference": "Patient?identifier=urn:mrn|77"},
                    {"reference": "Patient?identifier=urn%3Amrn%7C77"},
                    {"type": "Patient", "identifier": identifier},
                    {"reference": "Patient/p1/_history/3"},
                )
            )
        ]
    )
    assert len(found.ledger.evidence) == 5


def test_a_conditional_reference_that_two_match_leads_nowhere():
    both = [{**p, "identifier": [{"value": "77"}]} for p in (PATIENT, OTHER)]
    ill = condition("Gout", subject={"reference": "Patient?identifier=77"})
    found = made([{"resource": r} for r in (*both, ill)], "p1")
    assert dropped(found)["problems", "unresolved"] == 1


def test_of_duplicates_the_newest_stays_in_any_order():
    versions = [
        condition("one", meta={"versionId": "9"}),
        condition("two", meta={"versionId": "10"}),
        condition("three", meta={"lastUpdated": "2026-01-01"}),
    ]
    for order_ in permutations(versions):
        assert "two" in texts(rule_brief(context(*order_)), "problems")[0]
    for order_ in permutations(
        [condition("old", meta={"lastUpdated": "2025-01-01"}), versions[2]]
    ):
        assert "three" in texts(rule_brief(context(*order_)), "problems")[0]


def test_junk_and_bundles_inside_bundles():
    nameless = condition("lost")
    del nameless["id"]
    inside = bundle(allergy("Latex"))
    junk = [
        None,
        "text",
        7,
        {},
        {"resource": None},
        {"resource": {"id": "x"}},
        {"resource": nameless},
    ]
    found = made([{"resource": PATIENT}, {"resource": inside}, *junk])
    assert "AllergyIntolerance/a1" in found.ledger.evidence
    assert dropped(found) == {("bundle", "unusable"): 6, ("problems", "unusable"): 1}


def test_medicines_and_people_stay_as_what_others_refer_to():
    pill = {"resourceType": "Medication", "code": {"text": "apixaban 5 mg"}}
    ordered = order("", medicationReference={"reference": "urn:uuid:pill"})
    del ordered["medicationCodeableConcept"]
    found = made(
        [
            {"resource": PATIENT},
            {"fullUrl": "urn:uuid:pill", "resource": pill},
            {"resource": ordered},
        ]
    )
    assert texts(rule_brief(found), "medications")[0].startswith("apixaban 5 mg: ")
