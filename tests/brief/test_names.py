"""What a thing is called is found in every shape that it is sent in, and a name that is withheld is said to be."""

import time

import pytest

from cds_service.brief import rule_brief
from tests.brief.charts import allergy, brief, condition, context, lab, order, searched, texts

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


@pytest.mark.parametrize(
    ("written", "said"),
    [
        ("Hepatitis C virus Ab [Presence] in Serum", "Hepatitis C virus Ab in Serum"),
        (
            "Cancer Ag 27-29 [Units/volume] in Serum or Plasma",
            "Cancer Ag 27-29 in Serum or Plasma",
        ),
        ("Leukocytes [#/area] in Urine sediment", "Leukocytes in Urine sediment"),
        ("Cortisol [Mass/volume] in Serum --8 AM specimen", "Cortisol in Serum, 8 AM specimen"),
        ("[#] Stillbirths", "Stillbirths"),
        ("Total score [MMSE]", "Total score [MMSE]"),
        ("Ultrasound [left knee]", "Ultrasound [left knee]"),
    ],
)
def test_a_name_is_said_without_the_marks_of_its_terminology_and_with_all_the_rest(written, said):
    made = brief(lab("5", loinc="0-0", code={"text": written}))
    assert texts(made, "results")[0].startswith(f"{said} 5")


def test_what_a_booking_says_twice_is_told_once():
    booked = {
        "resourceType": "Appointment",
        "id": "v1",
        "status": "booked",
        "start": "2026-11-24T09:00:00-06:00",
        "reasonCode": [{"text": "Yearly visit"}],
        "serviceType": [{"text": "General Practice"}],
        "description": "Yearly visit",
        "participant": [{"actor": {"reference": "Patient/p1"}, "status": "accepted"}],
    }
    [line] = [each for each in texts(brief(booked), "visit") if each.startswith("Booked")]
    assert line.count("Yearly visit") == 1


def test_an_ingredient_keeps_its_letters_at_the_head_of_a_line():
    made = brief(
        order("Penicillin V Potassium 500 MG Oral Tablet", "m1", dose="1 tablet daily"),
        order("Penicillin V Potassium 250 MG Oral Tablet", "m2", authoredOn="2026-05-05"),
    )
    [line] = [each for each in texts(made, "attention") if "listed twice" in each]
    assert line.startswith("Penicillin V listed twice")


@pytest.mark.parametrize("piece", ["[Mass", "[", "[Mass [", " [Mass]", "[#"])
def test_a_name_without_end_costs_no_time(piece):
    endless = [condition(piece * (100_000 // len(piece)), f"c{n}") for n in range(5)]
    record = context(*endless)
    began = time.process_time()
    assert texts(rule_brief(record), "problems")
    assert time.process_time() - began < 1
