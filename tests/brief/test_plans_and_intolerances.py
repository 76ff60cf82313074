"""What is worth a look and of less weight stands below what may harm: parts of one plan, and intolerances."""

import pytest

from hooks.patient_view.cards import cards
from tests.brief.charts import allergy, booked, brief, coded, flagged, lab, order, seen, texts

ONE = {"requester": {"reference": "Practitioner/d1"}}
OTHER = {"requester": {"reference": "Practitioner/d2"}}
VISIT = {"encounter": {"reference": "Encounter/e1"}}


def _warfarin(one, other):
    return (
        order("warfarin 5 mg", "w1", dose="1 tablet Mon Wed Fri", **one),
        order("warfarin 2.5 mg", "w2", dose="1 tablet on other days", **other),
    )


@pytest.mark.parametrize(("one", "other"), [(ONE, ONE), (VISIT, VISIT), ({}, {})])
def test_parts_of_one_plan_stand_below_a_result_out_of_range_and_are_short(one, other):
    inr = lab("5.9", "2026-11-20", loinc="6301-6", unit="", **flagged("H"))
    made = brief(seen(), booked(), inr, *_warfarin(one, other))
    assert texts(made, "attention") == [
        (
            "Warfarin, 2 orders of 2026-05-04: warfarin 5 mg: 1 tablet Mon Wed Fri; "
            "warfarin 2.5 mg: 1 tablet on other days"
        ),
        "High-alert: warfarin (anticoagulant)",
    ]
    fold = cards(made)[-1].detail[0].lines
    assert fold[1].startswith("INR 5.9")
    assert fold[2].startswith("Warfarin, 2 orders")


def test_orders_of_two_people_or_two_days_or_one_dose_are_a_conflict_as_before():
    pairs = [
        _warfarin(ONE, OTHER),
        _warfarin(ONE, {**ONE, "authoredOn": "2026-05-05"}),
        (order("warfarin 5 mg", "w1", **ONE), order("warfarin 5 mg", "w2", **ONE)),
        (order("warfarin 5 mg", "w1"), order("warfarin 2.5 mg", "w2")),
    ]
    for pair in pairs:
        first = texts(brief(*pair), "attention")[0]
        assert first.startswith("Warfarin listed twice"), first


STATIN = order("rosuvastatin 5 mg", "m1")


def _myalgia(**more):
    return allergy("Atorvastatin", reaction=[{"manifestation": [{"text": "Myalgia"}]}], **more)


def test_an_intolerance_is_called_one_and_stands_below_an_allergy():
    penicillin = allergy("Penicillin", "a2"), order("amoxicillin 500 mg", "m2")
    made = brief(_myalgia(type="intolerance"), STATIN, *penicillin)
    assert [text.partition(",")[0] for text in texts(made, "attention")] == [
        "Allergy to Penicillin",
        "Intolerance to Atorvastatin (Myalgia)",
    ]
    assert texts(made, "attention")[1].endswith(
        "yet active: rosuvastatin 5 mg, ordered 2026-05-04, a medicine of the same class"
    )
    rest = [x for x in made.section("attention") if "Intolerance" in x.text]
    assert rest[0].statement.flags == ("must_show", "conflict")


def test_only_an_entry_that_says_so_is_an_intolerance_and_a_severe_one_keeps_its_place():
    assert "Allergy to Atorvastatin" in texts(brief(_myalgia(), STATIN), "attention")[0]
    assert "Allergy to" in texts(brief(_myalgia(type="allergy"), STATIN), "attention")[0]
    severe = brief(_myalgia(type=coded("intolerance"), criticality="high"), STATIN)
    [first, *_] = severe.section("attention")
    assert first.text.startswith("Intolerance to Atorvastatin (Myalgia), yet active: rosuvastatin")
    assert {"allergen", "severe"} <= set(first.statement.flags)
