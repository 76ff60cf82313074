"""Texts that deny allergies are understood as charts write them, and none that denies less is taken for one."""

import pytest

from hooks.patient_view.cards import cards
from tests.brief.charts import allergy, brief, order, texts
from tests.brief.test_site_rules import made as at_a_site


@pytest.mark.parametrize(
    ("said", "told"),
    [
        ("No Known Allergies (NKA)", "No Known Allergies (NKA)"),
        ("*No Known Allergies", "*No Known Allergies"),
        ("NKA/NKDA", "NKA/NKDA"),
        ("Patient has no known allergies", "Patient has no known allergies"),
        ("no active allergies", "no active allergies"),
        ("Denies any allergies.", "Denies any allergies."),
        ("None", "Allergies: None"),
        ("Denies", "Allergies: Denies"),
        ("None known", "Allergies: None known"),
        ("no known", "Allergies: no known"),
        ("Allergies: None", "Allergies: None"),
    ],
)
def test_none_known_is_told_as_it_stands_and_denies_every_allergy(said, told):
    assert texts(brief(allergy(said)), "allergies") == [f"{told}, recorded 2019-04-02"]
    peanut = allergy("Peanut", "a2", category=["food"])
    assert texts(brief(allergy(said), peanut), "attention") == [
        f"“{said}” recorded 2019-04-02, yet allergies are listed: Peanut"
    ]


@pytest.mark.parametrize(
    ("said", "covers"),
    [
        ("NKDA (no known drug allergies)", "medication"),
        ("NKDA - No Known Drug Allergies", "medication"),
        ("NKDA \u2013 No Known Drug Allergies", "medication"),
        ("No known drug allergies.", "medication"),
        ("No known allergies to medications", "medication"),
        ("Allergies: NKDA", "medication"),
        ("NKMA", "medication"),
        ("No Known Environmental Allergies", "environment"),
        ("No Known Drug Allergies and No Known Food Allergies", "medication and food"),
    ],
)
def test_what_covers_a_part_says_which(said, covers):
    assert texts(brief(allergy(said)), "allergies") == [
        f"{said}, covers {covers} only, recorded 2019-04-02"
    ]


@pytest.mark.parametrize(
    "said",
    [
        "No known allergies to penicillin, sulfa causes rash",
        "No known allergies to latex",
        "No known allergies except penicillin",
        "NKDA, penicillin",
        "NKDA (penicillin)",
        "NKDA?",
        "None of the above",
        "Denies latex",
        "NKDA \u043a\u0440\u043e\u043c\u0435 \u043f\u0435\u043d\u0438\u0446\u0438\u043b\u043b\u0438\u043d\u0430",
    ],
)
def test_a_text_that_says_more_or_less_denies_nothing(said):
    assert texts(brief(allergy(said)), "allergies") == [
        f"{said}: reaction not recorded, recorded 2019-04-02"
    ]


@pytest.mark.parametrize(
    "said", ["None recorded", "Unknown", "None / unknown", "Allergies: unknown"]
)
def test_that_nothing_is_recorded_is_not_that_none_is_known(said):
    made = brief(allergy(said), allergy("Latex", "a2"))
    assert texts(made, "allergies")[1] == (
        f"{said}: nothing is known, which is not the same as none, recorded 2019-04-02"
    )
    assert texts(made, "attention") == []


def test_words_of_none_beside_a_reaction_deny_nothing():
    hives = [{"manifestation": [{"text": "Hives"}]}]
    assert texts(brief(allergy("None", reaction=hives)), "allergies") == [
        "None: Hives, recorded 2019-04-02"
    ]


def test_what_somebody_wrote_beside_none_known_is_quoted():
    made = brief(allergy("NKDA", note=[{"text": "penicillin: hives as a child"}]))
    assert texts(made, "allergies") == [
        "NKDA, covers medication only, recorded 2019-04-02, note: “penicillin: hives as a child”"
    ]


def test_none_known_of_drugs_does_not_stand_beside_a_class_of_them():
    assert texts(brief(allergy("NKDA"), allergy("Sulfa", "a2")), "attention") == [
        "“NKDA” recorded 2019-04-02, yet allergies are listed: Sulfa"
    ]


def test_words_of_a_site_count_in_any_letters():
    said = "\u0410\u043b\u043b\u0435\u0440\u0433\u0438\u0438 \u043d\u0435\u0442"
    told = at_a_site(allergy(said), no_known_allergy={said.upper(): ""}).section("allergies")
    assert [each.statement.kind for each in told] == ["no_known"]


def test_a_card_lists_severe_allergies_then_those_to_medicines():
    plain = [allergy(f"Tree {at}", f"t{at}") for at in range(20)]
    drugs = (allergy("Sulfa", "x1"), allergy("Zyxin", "x2", category=["medication"]))
    severe = allergy("Wasps", "x3", criticality="high")
    made = brief(*plain, *drugs, severe)
    assert [each.partition(":")[0] for each in texts(made, "allergies")[:4]] == [
        "Wasps",
        "Sulfa",
        "Zyxin",
        "Tree 0",
    ]
    [listed] = [
        each for each in cards(made)[-1].detail if getattr(each, "heading", "") == "Allergies"
    ]
    assert listed.lines[1].startswith("Sulfa")


@pytest.mark.parametrize(
    ("said", "what"),
    [
        ("No known allergies to penicillin", "penicillin"),
        ("Not allergic to sulfa drugs", "sulfa drugs"),
    ],
)
def test_a_denial_of_one_medicine_is_no_allergy_to_it_and_denies_no_other(said, what):
    made = brief(allergy(said), allergy("Codeine", "a2"), order("amoxicillin 500 mg"))
    assert texts(made, "allergies")[1] == f"{said}, covers {what} only, recorded 2019-04-02"
    assert texts(made, "attention") == []


@pytest.mark.parametrize(
    ("more", "ends"),
    [
        ({"note": [{"text": "Penicillin - anaphylaxis"}]}, "Allergies: None, with a note"),
        ({}, "Allergies: None"),
    ],
)
def test_a_headline_says_that_a_note_stands_behind_a_none_known(more, ends):
    made = brief(allergy("None", **more), order("amoxicillin 500 mg"))
    assert cards(made)[-1].summary.endswith(ends)
