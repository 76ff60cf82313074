"""A site's policy for sensitive categories: what is hidden, what never reaches a model, and what is said of it."""

from datetime import UTC, datetime

import pytest

from cds_service.brief.gaps import sentence
from cds_service.context.policy import open_to_models, withhold
from cds_service.domain.evidence import Evidence, Gap, Ledger, Search
from cds_service.sensitive import DEFAULT, MoreCodes, Sensitive, load_marks
from cds_service.sensitive.marks import _TABLE

NOW = datetime(2026, 11, 23, 15, 0, tzinfo=UTC)
ICD, SCT = "http://hl7.org/fhir/sid/icd-10-cm", "http://snomed.info/sct"
CONFIDENTIALITY = "http://terminology.hl7.org/CodeSystem/v3-Confidentiality"
ACT = "http://terminology.hl7.org/CodeSystem/v3-ActCode"
ALL = tuple(Sensitive.model_fields)


def labelled(*labels, system=ACT):
    return {"meta": {"security": [{"system": system, "code": label} for label in labels]}}


def condition(identity="c1", **members):
    return {"resourceType": "Condition", "id": identity, **members}


def coded(system, code, identity="c1", **more):
    return condition(identity, code={"coding": [{"system": system, "code": code, **more}]})


def ledger(*resources, patient=None, state="complete"):
    everything = (patient or {"resourceType": "Patient", "id": "p1"}, *resources)
    evidence = {}
    for one in everything:
        ref = f"{one['resourceType']}/{one['id']}"
        need = "patient" if one["resourceType"] == "Patient" else "problems"
        evidence[ref] = Evidence(
            ref=ref, resource=one, version="1", source="prefetch", need=need, at=NOW
        )
    search = Search(
        need="problems", key="problems", state=state, found=len(resources), source="read", at=NOW
    )
    return Ledger(patient="Patient/p1", evidence=evidence, searches=(search,))


def policy(**actions):
    return load_marks(Sensitive(**actions), MoreCodes())


def local(resource, marks=DEFAULT):
    """Return whether a resource is shown and kept from models."""
    kept = withhold(ledger(resource), marks)
    item = kept.evidence[f"{resource['resourceType']}/{resource['id']}"]
    return not open_to_models(kept, marks)(item)


KEPT_FROM_MODELS = {
    "restricted": condition(**labelled("R", system=CONFIDENTIALITY)),
    "very restricted": condition(**labelled("N", "V", system=CONFIDENTIALITY)),
    "part 2": condition(**labelled("42CFRPart2")),
    "substance use by label": condition(**labelled("ETH")),
    "psychotherapy by label": condition(**labelled("PSYTHPN")),
    "alcohol dependence by ICD-10-CM": coded(ICD, "F10.20"),
    "alcohol dependence by its old name": coded("urn:oid:2.16.840.1.113883.6.90", "F10.20"),
    "alcoholism by SNOMED CT": coded(SCT, "7200002"),
    "substance use by words": condition(code={"text": "Opioid use disorder, in remission"}),
    "by the words of a code": coded(SCT, "1", display="Cocaine dependence (disorder)"),
    "a psychotherapy note by words": {
        "resourceType": "DocumentReference",
        "id": "d1",
        "type": {"text": "Psychotherapy note"},
    },
    "a medicine by RxNorm": {
        "resourceType": "MedicationRequest",
        "id": "m1",
        "medicationCodeableConcept": {
            "coding": [{"system": "http://www.nlm.nih.gov/research/umls/rxnorm", "code": "1819"}]
        },
    },
    "a medicine by its display": {
        "resourceType": "MedicationRequest",
        "id": "m1",
        "medicationReference": {"reference": "Medication/x", "display": "Methadone 10 mg"},
    },
    "a medicine inside the order": {
        "resourceType": "MedicationRequest",
        "id": "m1",
        "contained": [{"resourceType": "Medication", "code": {"text": "Disulfiram 250 mg"}}],
    },
    "a medicine as FHIR R5 has it": {
        "resourceType": "MedicationRequest",
        "id": "m1",
        "medication": {"concept": {"text": "buprenorphine 8 MG"}},
    },
    "such a medicine in a list of one": {
        "resourceType": "MedicationRequest",
        "id": "m1",
        "medication": [{"concept": [{"text": "buprenorphine 8 MG"}]}],
    },
    "such a medicine by its reference's words": {
        "resourceType": "MedicationRequest",
        "id": "m1",
        "medication": {"reference": {"reference": "Medication/x", "display": "Methadone"}},
    },
    "a medicine by its ingredient": {
        "resourceType": "Medication",
        "id": "m1",
        "ingredient": [{"itemCodeableConcept": {"text": "Methadone"}}],
    },
    "an order by its reason, as FHIR R5 has it": {
        "resourceType": "ServiceRequest",
        "id": "s1",
        "code": {"text": "Liver panel"},
        "reason": [{"concept": {"text": "alcohol abuse"}}],
    },
    "a panel by one of its parts": {
        "resourceType": "Observation",
        "id": "o1",
        "component": [{"code": {"text": "Alcohol abuse screening"}}],
    },
    "an allergy by what caused a reaction": {
        "resourceType": "AllergyIntolerance",
        "id": "a1",
        "code": {"text": "Medicine"},
        "reaction": [{"substance": {"text": "Disulfiram"}}],
    },
    "an order by its reason": {
        "resourceType": "ServiceRequest",
        "id": "s1",
        "code": {"text": "Liver panel"},
        "reasonCode": [{"text": "alcohol abuse"}],
    },
}


@pytest.mark.parametrize("what", KEPT_FROM_MODELS)
def test_by_default_this_is_shown_and_never_given_to_a_model(what):
    assert local(KEPT_FROM_MODELS[what])


PLAIN = {
    "hypertension": coded(ICD, "I10", display="Essential hypertension"),
    "nicotine": coded(ICD, "F17.210"),
    "hiv, which a site may guard": coded(ICD, "B20"),
    "normal confidentiality": condition(**labelled("N", system=CONFIDENTIALITY)),
    "an unknown label": condition(**labelled("SOMETHING")),
    "a code of another system": coded("http://example.org", "F10.20"),
    "words inside others": condition(code={"text": "Archive of shivering"}),
    "no code at all": condition(),
    "junk where codes stand": condition(code=[7, "x", None], category={"coding": "x"}, meta=[]),
}


@pytest.mark.parametrize("what", PLAIN)
def test_by_default_this_is_like_everything_else(what):
    assert not local(PLAIN[what])


@pytest.mark.parametrize("category", ALL)
def test_each_category_can_be_allowed_kept_local_and_hidden(category):
    resource = condition(**labelled(_TABLE[category]["labels"][0]))
    nothing = dict.fromkeys(ALL, "allow")
    assert not local(resource, policy(**nothing))
    assert local(resource, policy(**nothing | {category: "local_only"}))
    kept = withhold(ledger(resource), policy(**nothing | {category: "hide"}))
    assert set(kept.evidence) == {"Patient/p1"}


@pytest.mark.parametrize("category", ALL)
def test_each_category_says_where_its_list_comes_from(category):
    assert _TABLE[category]["source"]
    assert set(_TABLE) == {"systems", *ALL}


def test_what_is_hidden_is_counted_without_its_kind_and_no_rule_sees_it():
    secret, other = coded(ICD, "B20", "c1"), coded(ICD, "I10", "c2")
    kept = withhold(ledger(secret, other), policy(hiv="hide"))
    assert set(kept.evidence) == {"Patient/p1", "Condition/c2"}
    assert kept.dropped == (Gap(need="record", reason="withheld", count=1),)
    assert sentence(kept.dropped[0]) == "Record: 1 entry is withheld by policy"
    assert list(kept.gaps()) == list(kept.dropped), "no gap names the search that lost it"


def test_nothing_is_called_absent_of_which_something_is_hidden():
    kept = withhold(ledger(coded(ICD, "B20")), policy(hiv="hide"))
    assert not kept.is_complete("problems")
    assert kept.searches[0].found == 0
    failed = withhold(ledger(coded(ICD, "B20"), state="partial"), policy(hiv="hide"))
    assert failed.searches[0].state == "partial"


def test_the_strictest_of_several_categories_counts():
    both = coded(ICD, "F10.20") | labelled("HIV")
    assert set(withhold(ledger(both), policy(hiv="hide")).evidence) == {"Patient/p1"}


@pytest.mark.parametrize(
    "pointing",
    [
        {"medicationReference": {"reference": "Medication/x"}},
        {"medication": {"reference": {"reference": "Medication/x"}}},
        {"medication": [{"reference": [{"reference": "Medication/x"}]}]},
    ],
)
def test_what_only_points_to_something_sensitive_is_treated_like_it(pointing):
    medicine = {"resourceType": "Medication", "id": "x", "code": {"text": "Naltrexone 50 mg"}}
    order = {"resourceType": "MedicationRequest", "id": "m1"} | pointing
    kept = ledger(medicine, order)
    assert not open_to_models(kept, DEFAULT)(kept.evidence["MedicationRequest/m1"])
    hidden = withhold(ledger(medicine, order), policy(substance_use="hide"))
    assert set(hidden.evidence) == {"Patient/p1"}
    report = {
        "resourceType": "DiagnosticReport",
        "id": "r1",
        "result": [{"reference": "Observation/o1"}],
    }
    viral = {"resourceType": "Observation", "id": "o1", "code": {"text": "HIV-1 RNA"}}
    hidden = withhold(ledger(report, viral), policy(hiv="hide"))
    assert set(hidden.evidence) == {"Patient/p1"}


def test_a_restricted_patient_keeps_the_whole_record_from_models_and_is_never_hidden():
    patient = {"resourceType": "Patient", "id": "p1"} | labelled("V", system=CONFIDENTIALITY)
    for marks in (DEFAULT, policy(restricted="hide")):
        kept = withhold(ledger(coded(ICD, "I10"), patient=patient), marks)
        may_send = open_to_models(kept, marks)
        assert [may_send(item) for item in kept.evidence.values()] == [False, False]


def test_a_site_adds_codes_of_its_own():
    marks = load_marks(Sensitive(hiv="hide"), MoreCodes(hiv=("urn:local|77", f"{SCT}|8640*")))
    for resource in (coded("urn:local", "77"), coded(SCT, "86406008")):
        assert set(withhold(ledger(resource), marks).evidence) == {"Patient/p1"}
    assert not local(coded("urn:local", "770"), marks)


def test_what_is_not_in_the_judged_record_is_not_given_to_a_model():
    may_send = open_to_models(ledger(), DEFAULT)
    (stranger,) = [i for i in ledger(coded(ICD, "I10")).evidence.values() if i.need == "problems"]
    assert not may_send(stranger)


def test_where_nothing_is_hidden_the_ledger_is_the_same_object():
    plain = ledger(coded(ICD, "F10.20"))
    assert withhold(plain, DEFAULT) is plain
