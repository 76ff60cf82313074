"""Problems, medications and allergies: what stands is shown, what does not stand is not."""

import pytest

from cds_service.brief import rule_brief
from tests.brief.charts import (
    RXNORM,
    allergy,
    booked,
    brief,
    coded,
    concept,
    condition,
    flags,
    order,
    report,
    searched,
    texts,
)


def test_a_problem_is_named_with_its_onset():
    assert texts(brief(condition("Gout")), "problems") == ["Gout, since 2020-01-02"]


@pytest.mark.parametrize("status", ["active", "recurrence", "relapse", ""])
def test_a_standing_problem_is_shown(status):
    assert any(
        "Gout" in text for text in texts(brief(condition("Gout", status=status)), "problems")
    )


@pytest.mark.parametrize("status", ["inactive", "resolved"])
def test_an_ended_problem_is_not(status):
    assert texts(brief(condition("Gout", status=status)), "problems") == [
        "Problems: none active recorded in this bundle"
    ]


@pytest.mark.parametrize(
    "said",
    [
        {"clinicalStatus": {"text": "Inactive"}},
        {"clinicalStatus": {"text": "Resolved"}},
        {"verificationStatus": {"text": "Refuted"}},
        {"verificationStatus": {"text": "Entered in error"}},
        {"clinicalStatus": "resolved"},
        {"verificationStatus": "entered-in-error"},
    ],
)
def test_a_status_in_words_alone_ends_a_problem_and_an_allergy(said):
    made = brief(condition("Gout", **said), allergy("codeine", **said))
    assert not any("Gout" in text for text in texts(made, "problems"))
    assert not any("codeine" in text for text in texts(made, "allergies"))


@pytest.mark.parametrize("verified", ["refuted", "entered-in-error"])
def test_a_refuted_problem_is_no_problem(verified):
    assert not any(
        "Gout" in t for t in texts(brief(condition("Gout", verified=verified)), "problems")
    )


@pytest.mark.parametrize("verified", ["unconfirmed", "provisional", "differential"])
def test_doubt_about_a_problem_is_said(verified):
    made = brief(condition("Gout", verified=verified))
    assert texts(made, "problems") == [f"Gout, {verified}, since 2020-01-02"]
    assert flags(made, "problems") == [("unconfirmed",)]


def test_a_problem_is_never_hidden_by_age_and_older_diagnoses_are_named_on_one_line():
    old = {"category": [coded("encounter-diagnosis")], "onsetDateTime": "2001-02-03"}
    made = brief(
        condition("Asthma", "c1", onsetDateTime="1970"),
        condition("Sinusitis", "c2", **old),
        condition("Fracture of wrist", "c3", **old),
    )
    assert texts(made, "problems") == [
        "Asthma, since 1970",
        (
            "Older diagnoses not on the problem list: Sinusitis (2001-02-03), "
            "Fracture of wrist (2001-02-03)"
        ),
    ]


def test_entries_of_one_problem_are_merged_visibly():
    code = concept("Gout", ("http://snomed.info/sct", "90560007", "Gout"))
    made = brief(condition("", "c1", code=code), condition("", "c2", code=code))
    assert texts(made, "problems") == ["Gout, since 2020-01-02; 2 entries"]
    assert flags(made, "problems") == [("merged",)]


def test_active_and_resolved_at_once_is_a_conflict():
    made = brief(condition("Gout", "c1"), condition("Gout", "c2", status="resolved"))
    assert texts(made, "attention") == [
        "Gout: listed as active (since 2020-01-02) and as resolved (onset 2020-01-02)"
    ]


def test_a_problem_that_came_back_is_no_conflict():
    old = condition("Gout", "c2", status="resolved", onsetDateTime="2010-01-01")
    assert not texts(brief(condition("Gout", "c1"), old), "attention")


def test_no_known_problems_is_not_an_absence():
    none = condition(
        "", code=concept("No current problems", ("http://snomed.info/sct", "160245001"))
    )
    assert texts(brief(none), "problems") == ["No current problems, recorded 2020-01-02"]


def test_a_medicine_is_shown_with_its_dose_as_written_whatever_its_age():
    made = brief(order("lisinopril 10 mg tablet", authoredOn="2009-03-04"))
    assert texts(made, "medications") == [
        "lisinopril 10 mg tablet: Take 1 tablet daily, ordered 2009-03-04, over a year ago"
    ]
    assert flags(made, "medications") == [("stale",)]


@pytest.mark.parametrize(
    "status", ["completed", "stopped", "cancelled", "draft", "entered-in-error"]
)
def test_an_order_that_does_not_stand_is_not_shown(status):
    assert not any(
        "lisin" in t for t in texts(brief(order("lisinopril", status=status)), "medications")
    )


def test_words_stand_beside_what_is_not_plainly_ordered():
    made = brief(
        order("aaa", "m1", status="on-hold"),
        order("bbb", "m2", intent="plan"),
        order("ccc", "m3", reportedBoolean=True),
        order("ddd", "m4", doNotPerform=True),
        report("eee", "s1", status="intended"),
        order("fff", "m5", status="unknown"),
    )
    assert texts(made, "medications") == [
        "aaa: Take 1 tablet daily, ordered 2026-05-04, on hold",
        "bbb: Take 1 tablet daily, planned 2026-05-04, not ordered",
        "ccc: Take 1 tablet daily, reported 2026-05-04, not ordered",
        "eee: Take 1 tablet daily, reported 2026-10-01, intended, not ordered",
        "fff: Take 1 tablet daily, ordered 2026-05-04, status unknown",
        "ddd: Take 1 tablet daily, not to be given, ordered 2026-05-04",
    ]


def test_brand_and_generic_are_one_medicine_and_high_alert():
    made = brief(order("warfarin 5 mg tablet"), report("Coumadin 5 mg tablet"))
    assert texts(made, "medications") == [
        (
            "warfarin 5 mg tablet: Take 1 tablet daily, ordered 2026-05-04; high-alert (anticoagulant); "
            "also: Coumadin 5 mg tablet: Take 1 tablet daily, reported 2026-10-01"
        )
    ]
    assert texts(made, "attention") == ["High-alert: warfarin (anticoagulant)"]
    assert {"must_show", "high_alert", "merged"} <= set(flags(made, "medications")[0])


def test_a_high_alert_medicine_is_known_by_its_code_alone():
    made = brief(order("", medicationCodeableConcept=concept("", (RXNORM, "11289"))))
    assert texts(made, "medications")[0].startswith("warfarin: ")
    assert "high_alert" in flags(made, "attention")[0]


def test_two_orders_of_one_ingredient_are_a_conflict():
    made = brief(order("metoprolol succinate 50 mg", "m1"), order("Toprol-XL 25 mg", "m2"))
    assert texts(made, "attention") == [
        (
            "Metoprolol listed twice and not alike: "
            "metoprolol succinate 50 mg: Take 1 tablet daily, ordered 2026-05-04; "
            "Toprol-XL 25 mg: Take 1 tablet daily, ordered 2026-05-04"
        )
    ]


def test_an_order_and_a_report_of_another_strength_are_a_conflict():
    made = brief(order("metoprolol 50 mg"), report("metoprolol 25 mg"))
    assert "Metoprolol listed twice and not alike" in texts(made, "attention")[0]


def test_an_order_and_an_equal_report_are_none():
    assert not texts(brief(order("metoprolol 50 mg"), report("metoprolol 50 mg")), "attention")


def test_a_part_of_a_combination_counts():
    made = brief(
        order("Percocet 5-325 (oxycodone-acetaminophen)", "m1"),
        order("acetaminophen 500 mg", "m2"),
    )
    assert any(t.startswith("Acetaminophen listed twice") for t in texts(made, "attention"))


def test_an_order_beside_a_report_that_it_was_stopped():
    made = brief(order("lisinopril 20 mg"), report("lisinopril 20 mg", status="stopped"))
    assert texts(made, "attention") == [
        "Active: lisinopril 20 mg, ordered 2026-05-04; reported as stopped 2026-10-01"
    ]


def test_a_contained_and_a_separate_medication_are_named():
    inside = {"resourceType": "Medication", "id": "x", "code": {"text": "apixaban 5 mg"}}
    outside = {"resourceType": "Medication", "id": "med9", "code": {"text": "digoxin 125 mcg"}}
    first = order("", "m1", contained=[inside], medicationReference={"reference": "#x"})
    second = order("", "m2", medicationReference={"reference": "Medication/med9"})
    del first["medicationCodeableConcept"], second["medicationCodeableConcept"]
    made = brief(first, second, outside)
    assert [t.partition(":")[0] for t in texts(made, "medications")] == [
        "apixaban 5 mg",
        "digoxin 125 mcg",
    ]


def test_a_medicine_without_a_name_is_shown_and_told_as_a_gap():
    dead = order("", medicationReference={"reference": "Medication/gone"})
    del dead["medicationCodeableConcept"]
    made = brief(dead)
    assert texts(made, "medications")[0].startswith("medicine without a name")
    assert [(gap.need, gap.reason, gap.count) for gap in made.gaps] == [
        ("medications", "unresolved", 1)
    ]


def test_a_structured_dose_is_put_into_words():
    dose = {
        "doseAndRate": [{"doseQuantity": {"value": 2, "unit": "puff"}}],
        "timing": {"repeat": {"frequency": 1, "period": 4, "periodUnit": "h"}},
        "asNeededBoolean": True,
    }
    made = brief(order("albuterol", dosageInstruction=[dose]))
    assert "albuterol: 2 puff every 4 hours as needed" in texts(made, "medications")[0]


def test_an_active_order_past_its_written_end_stays_and_says_so():
    supply = {"validityPeriod": {"end": "2026-06-01"}}
    assert (
        "written end 2026-06-01 has passed"
        in texts(brief(order("lisinopril", dispenseRequest=supply)), "medications")[0]
    )


def test_an_allergy_in_one_sentence():
    reaction = [{"manifestation": [{"text": "Anaphylaxis"}], "severity": "severe"}]
    made = brief(allergy("Penicillin", criticality="high", reaction=reaction))
    assert texts(made, "allergies") == [
        "Penicillin: Anaphylaxis (severe; high criticality), recorded 2019-04-02"
    ]
    assert texts(made, "attention") == texts(made, "allergies")
    assert flags(made, "allergies") == [("must_show", "severe")]


def test_doubt_about_an_allergy_is_said():
    made = brief(allergy("Latex", verified="unconfirmed"))
    assert texts(made, "allergies") == [
        "Latex: reaction not recorded, unconfirmed, recorded 2019-04-02"
    ]


@pytest.mark.parametrize("more", [{"status": "resolved"}, {"verified": "refuted"}])
def test_an_allergy_that_does_not_stand_is_not_shown(more):
    assert texts(brief(allergy("Latex", **more)), "allergies") == [
        "Allergies: none active recorded in this bundle"
    ]


def test_no_known_allergies_is_told_from_none_recorded_and_from_unknown():
    sct = "http://snomed.info/sct"
    known = allergy("", code=concept("No known allergies", (sct, "716186003")))
    unknown = allergy("", code=concept("No information", (sct, "1287211007")))
    assert texts(brief(known), "allergies") == ["No known allergies, recorded 2019-04-02"]
    assert "not the same as none" in texts(brief(unknown), "allergies")[0]
    assert texts(brief(), "allergies") == ["Allergies: none recorded in this bundle"]


def test_no_known_allergies_beside_an_allergy_is_a_conflict():
    made = brief(allergy("NKA", "a1"), allergy("Penicillin", "a2"))
    assert texts(made, "attention") == [
        "“NKA” recorded 2019-04-02, yet allergies are listed: Penicillin"
    ]
    assert len(texts(made, "allergies")) == 2


def test_no_known_drug_allergies_beside_a_food_allergy_is_none():
    food = allergy("Peanut", "a2", category=["food"])
    assert not texts(brief(allergy("NKDA", "a1"), food), "attention")


@pytest.mark.parametrize(
    ("substance", "drug", "how"),
    [
        ("Penicillin", "amoxicillin 500 mg capsule", ", a medicine of the same class"),
        ("amoxicillin", "Augmentin (amoxicillin-clavulanate)", ""),
        ("sulfa drugs", "Bactrim DS", ""),
        ("ibuprofen", "naproxen 500 mg", ", a medicine of the same class"),
        ("lisinopril", "Zestril 10 mg", ""),
    ],
)
def test_an_allergy_that_meets_an_active_medicine_is_a_conflict(substance, drug, how):
    made = brief(allergy(substance), order(drug))
    assert f"Allergy to {substance}, yet active: {drug}, ordered 2026-05-04{how}" in texts(
        made, "attention"
    )


@pytest.mark.parametrize(
    ("substance", "drug"), [("Penicillin", "cephalexin"), ("codeine", "oxycodone")]
)
def test_other_medicines_are_no_conflict(substance, drug):
    made = brief(allergy(substance), order(drug))
    assert not any("yet active" in t for t in texts(made, "attention"))


def test_none_is_said_only_on_a_complete_search():
    complete = rule_brief(searched())
    assert texts(complete, "allergies") == ["Allergies: none found in the record as of 2026-11-23"]
    for state in (
        "partial",
        "failed",
        "denied",
        "timeout",
        "no_access",
        "unavailable",
    ):
        made = rule_brief(searched(states={"allergies": state}))
        assert not texts(made, "allergies")
        assert [gap.need for gap in made.gaps] == ["allergies"]
        assert made.gap_texts[0].startswith("Allergies: ")
    assert not texts(rule_brief(searched(states={"allergies": "withheld"})), "allergies")


def test_no_medications_needs_orders_and_reports():
    assert texts(rule_brief(searched()), "medications") == [
        "Medication orders and reported medications: none found in the record as of 2026-11-23"
    ]
    assert not texts(
        rule_brief(searched(states={"medication_statements": "failed"})), "medications"
    )


def test_no_known_allergies_never_stands_plainly_beside_one():
    made = brief(allergy("NKA", "a1"), allergy("Penicillin", "a2"))
    assert texts(made, "allergies")[1] == (
        "Conflict: “NKA” recorded 2019-04-02 contradicts what is listed here"
    )


def test_the_note_of_an_allergy_is_quoted():
    made = brief(allergy("Penicillin", note=[{"text": "Collapse at age 20"}]))
    assert texts(made, "allergies")[0].endswith("note: “Collapse at age 20”")


def test_an_inhaler_and_a_nebulizer_as_needed_are_no_conflict():
    inhaler = order("albuterol HFA inhaler", "m1", dose="2 puffs as needed")
    nebulizer = order("albuterol nebulizer solution", "m2", dose="3 mL as needed")
    assert not texts(brief(inhaler, nebulizer), "attention")
    daily = order("albuterol nebulizer solution", "m2", dose="3 mL daily")
    assert texts(brief(inhaler, daily), "attention")
    twice = order("albuterol inhaler", "m3", dose="2 puffs prn")
    assert texts(brief(inhaler, nebulizer, twice), "attention")


def test_a_young_report_does_not_make_an_old_order_young():
    made = brief(order("metoprolol 50 mg", authoredOn="2024-01-01"), report("metoprolol 50 mg"))
    assert "stale" in flags(made, "medications")[0]
    assert "ordered 2024-01-01, over a year ago" in texts(made, "medications")[0]


def test_conflicts_are_told_in_the_order_of_their_harm():
    made = brief(
        allergy("codeine", "a1"),
        order("codeine 30 mg", "m1"),
        order("warfarin 5 mg", "m2"),
        report("Coumadin 2 mg", "s2"),
        order("lisinopril 20 mg", "m3"),
        report("lisinopril 20 mg", "s3", status="stopped"),
        order("metoprolol 50 mg", "m4"),
        report("metoprolol 25 mg", "s4"),
    )
    assert [text.split()[0] for text in texts(made, "attention")] == [
        "Allergy", "Warfarin", "Active:", "Metoprolol", "High-alert:",
    ]  # fmt: skip


def test_an_icd_entry_is_one_problem_with_its_snomed_twin_and_two_snomed_entries_are_two():
    icd = ("http://hl7.org/fhir/sid/icd-10-cm", "I10")
    snomed = "http://snomed.info/sct"
    made = brief(
        condition("", "c1", code=concept("Essential hypertension", (snomed, "59621000"), icd)),
        condition("", "c2", code=concept("HTN", icd)),
        condition("", "c3", code=concept("Labile hypertension", (snomed, "31992008"), icd)),
    )
    assert len(texts(made, "problems")) == 2
    assert sum("also as: HTN" in text for text in texts(made, "problems")) == 1


def test_the_reason_of_the_visit_comes_first():
    made = brief(
        condition("Gout", "c1", onsetDateTime="2025-01-01"),
        condition("Diabetes follow-up", "c2"),
        booked(),
    )
    assert texts(made, "problems")[0].startswith("Diabetes follow-up")


def test_what_is_restricted_stands_on_a_line_of_its_own():
    label = {"meta": {"security": [{"code": "R"}]}}
    made = brief(order("warfarin 5 mg", "m1"), order("methadone 10 mg", "m2", **label))
    assert texts(made, "attention") == [
        "High-alert: warfarin (anticoagulant)",
        "High-alert: methadone (opioid)",
    ]
    assert ["restricted" in each for each in flags(made, "attention")] == [False, True]
