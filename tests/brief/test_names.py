"""What a thing is called is found in every shape that it is sent in, and a name that is withheld is said to be."""

import pytest

from cds_service.brief import rule_brief
from tests.brief.charts import allergy, brief, condition, lab, order, searched, texts

WARFARIN = {"text": "warfarin 5 mg tablet"}
ABSENT = "http://terminology.hl7.org/CodeSystem/data-absent-reason"
EXTENSION = "http://hl7.org/fhir/StructureDefinition/data-absent-reason"
MASKED = [
    {"extension": [{"url": EXTENSION, "valueCode": "masked"}]},
    {"coding": [{"system": ABSENT, "code": "masked", "display": "Masked"}]},
]


def test_a_code_that_is_sent_as_a_list_of_one_is_read():
    made = brief(
        condition("", code=[{"text": "Gout"}]),
        allergy("", code=[{"text": "Penicillin"}]),
        lab("4.1", code=[{"text": "Potassium"}]),
    )
    assert texts(made, "problems")[0].startswith("Gout,")
    assert texts(made, "allergies")[0].startswith("Penicillin:")
    assert texts(made, "results")[0].startswith("Potassium 4.1")


def test_two_codes_in_place_of_one_are_not_taken_for_the_first():
    made = brief(condition("", code=[{"text": "Gout"}, {"text": "Asthma"}]))
    assert texts(made, "problems")[0].startswith("Problem without a name")


@pytest.mark.parametrize(
    "held", [{"concept": WARFARIN}, {"reference": {"reference": "#med", "display": "Coumadin"}}]
)
def test_a_medicine_as_fhir_r5_holds_it_is_read_and_known_by_its_ingredient(held):
    ordered = order(
        "",
        medication=held,
        contained=[{"resourceType": "Medication", "id": "med", "code": WARFARIN}],
    )
    del ordered["medicationCodeableConcept"]
    made = brief(ordered)
    assert texts(made, "medications")[0].startswith("warfarin 5 mg tablet: Take 1 tablet daily")
    assert "High-alert: warfarin (anticoagulant)" in texts(made, "attention")


@pytest.mark.parametrize("masked", MASKED)
def test_a_name_that_is_withheld_is_said_to_be_and_is_never_none(masked):
    made = rule_brief(
        searched(
            condition("", code=masked),
            allergy("", code=masked),
            order("", medicationCodeableConcept=masked),
        )
    )
    for section in ("problems", "allergies", "medications"):
        [line] = texts(made, section)
        assert line.startswith("Name withheld (masked)"), line


def test_the_word_masked_of_another_system_is_a_name():
    local = {"coding": [{"system": "urn:local", "code": "masked", "display": "Masked facies"}]}
    assert texts(brief(condition("", code=local)), "problems")[0].startswith("Masked facies")
