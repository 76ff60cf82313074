"""One dose in two vendors' words is one, a spray for the nose is no second inhaler, and a needle is no insulin."""

import pytest

from tests.brief.charts import allergy, brief, concept, flags, order, report, texts


def _attention(*chart):
    return texts(brief(*chart), "attention")


@pytest.mark.parametrize(
    ("ordered", "reported"),
    [
        ("Take 1 tablet (5 mg total) by mouth 2 (two) times a day.", "5 mg, Oral, BID"),
        ("Take 1 tablet (5 mg total) by mouth nightly.", "5 mg, Oral, QHS"),
        ("Take 1 tablet by mouth every morning before breakfast", "5 mg PO QAM"),
        ("Take 2 tablets by mouth daily", "10 mg once daily"),
        ("Take 200 tablets (1,000 mg total) by mouth daily with meals", "1000 mg daily"),
    ],
)
def test_one_dose_in_two_vendors_words_is_no_conflict(ordered, reported):
    made = _attention(
        order("bisoprolol 5 mg tablet", dose=ordered), report("bisoprolol 5 MG", dose=reported)
    )
    assert made == []


@pytest.mark.parametrize(
    ("ordered", "reported"),
    [
        ("Take 1 tablet (5 mg total) by mouth daily", "5 mg BID"),
        ("Take 1 tablet by mouth daily", "10 mg daily"),
        ("Take 1 tablet (5 mg total) nightly", "5 mg every morning"),
        ("5 mg daily", "5 mcg daily"),
    ],
)
def test_two_doses_that_are_understood_are_not_alike(ordered, reported):
    (said,) = _attention(
        order("bisoprolol 5 mg tablet", dose=ordered), report("bisoprolol 5 MG", dose=reported)
    )
    assert said.startswith("Bisoprolol listed twice and not alike: ")


@pytest.mark.parametrize(
    ("ordered", "reported"),
    [
        ("Take 1 tablet daily", "1 daily"),
        ("5 mg daily", "5 mg daily for 7 days"),
        ("5 mg daily", "5 mg daily, hold if the pulse is below 50"),
        ("5 mg every other day", "5 mg daily"),
        ("5 mg", "5 mg daily"),
        ("5 mg daily as needed", "5 mg daily"),
        (".5 mg daily", "5 mg daily"),
        ("Take 2 tablets (5 mg) by mouth daily", "Take 1 tablet (5 mg) by mouth daily"),
        ("5-10 mg daily", "5 mg daily"),
        ("Take 1 tablet (5 mg total) daily and 10 mg nightly", "5 mg daily"),
    ],
)
def test_a_dose_that_is_not_understood_as_a_whole_is_only_worded_unlike(ordered, reported):
    (said,) = _attention(
        order("bisoprolol 5 mg tablet", dose=ordered), report("bisoprolol 5 MG", dose=reported)
    )
    assert said.startswith("Bisoprolol listed twice, worded unlike: ")


def test_a_mark_between_thousands_makes_no_other_strength():
    metformin = order("metFORMIN 1,000 mg tablet"), report("metformin 1000 MG Oral Tablet")
    assert _attention(*metformin) == []
    (said,) = _attention(order("metformin 1,000 mg"), report("metformin 100 mg"))
    assert said.startswith("Metformin listed twice and not alike")


def test_a_spray_for_the_nose_is_not_an_inhaler_listed_twice():
    spray = order("fluticasone 50 mcg/actuation nasal spray", "m1")
    inhaler = order("fluticasone HFA 110 mcg", "m2", dose="Inhale 2 puffs by mouth twice daily")
    assert _attention(spray, inhaler) == []
    (said,) = _attention(spray, order("Flonase nasal spray", "m3", authoredOn="2026-06-01"))
    assert said.startswith("Fluticasone listed twice")


def test_a_route_tells_where_a_medicine_acts():
    routed = [{"text": "1 drop daily", "route": concept("Ophthalmic route")}]
    drops = order("prednisolone 1 %", "m1", dosageInstruction=routed)
    by_mouth = order("prednisolone 5 mg tablet", "m2", authoredOn="2026-06-01")
    assert _attention(drops, by_mouth) == []


@pytest.mark.parametrize(
    "name",
    [
        "cyclosporine 0.05 % eye drops",
        "tacrolimus 0.1 % ointment",
        "heparin lock flush 10 unit/mL",
        "Insulin Pen Needles 32G x 4mm",
        "BD Insulin Syringe 0.5 mL",
        "insulin pump cart (Omnipod)",
    ],
)
def test_what_brings_little_into_the_body_is_no_high_alert_medicine(name):
    made = brief(order(name, dose="as directed"))
    assert texts(made, "attention") == []
    assert "high_alert" not in flags(made, "medications")[0]


@pytest.mark.parametrize(
    "name",
    ["cyclosporine 100 mg capsule", "heparin 5000 unit/mL injection", "insulin glargine pen"],
)
def test_what_acts_on_the_whole_body_still_is(name):
    assert "high-alert" in texts(brief(order(name)), "medications")[0]


def test_a_flush_still_meets_an_allergy_to_heparin():
    (said, *_) = _attention(allergy("Heparin"), order("heparin lock flush 10 unit/mL"))
    assert said.startswith("Allergy to Heparin")


def test_a_name_that_says_what_is_not_in_it_meets_no_allergy():
    chart = allergy("Aspirin"), allergy("Insulin", "a2")
    free = order("NON-ASPIRIN EXTRA STRENGTH", "m1"), order("Pain relief (aspirin free)", "m2")
    needles = order("insulin syringe-needle U-100", "m3")
    assert not any("yet" in said for said in _attention(*chart, *free, needles))
    (said,) = [said for said in _attention(*chart, order("Aspirin 81 mg")) if "yet" in said]
    assert said.startswith("Allergy to Aspirin")


def test_what_a_patient_takes_and_a_vendor_files_as_a_plan_is_reported():
    taken = order("warfarin 5 mg", "m1", intent="plan", reportedBoolean=True)
    made = brief(taken, order("warfarin 2.5 mg", "m2"))
    assert texts(made, "attention")[0].startswith("Warfarin listed twice and not alike: ")
    assert "planned" not in str(made.sections)
    assert "reported 2026-05-04" in texts(made, "medications")[0]
    assert "planned 2026-05-04, not ordered" in str(
        texts(brief(order("warfarin 5 mg", intent="plan")), "medications")
    )


def test_a_conflict_is_of_high_alert_only_where_what_is_listed_twice_is():
    twice = (
        order("hydrocodone-acetaminophen 5-325 mg", "m1"),
        order("Tylenol 500 mg", "m2", authoredOn="2026-06-01"),
        order("apixaban 5 mg", "m3"),
        order("Eliquis 2.5 mg", "m4", authoredOn="2026-06-01"),
    )
    first, second = _attention(*twice)[:2]
    assert (first.split()[0], second.split()[0]) == ("Apixaban", "Acetaminophen")


def test_high_alert_medicines_of_one_group_stand_side_by_side_and_what_a_name_says_is_not_said_again():
    chart = (
        order("warfarin 5 mg", "m1"),
        order("oxycodone 5 mg", "m2"),
        order("insulin glargine pen", "m3"),
        order("apixaban 5 mg", "m4"),
        order("lithium 300 mg", "m5"),
    )
    assert texts(brief(*chart), "attention")[-1] == (
        "High-alert: apixaban (anticoagulant), warfarin (anticoagulant), lithium, insulin glargine, oxycodone (opioid)"
    )


@pytest.mark.parametrize(
    ("ordered", "reported"),
    [
        ("metoprolol succinate 50 mg tablet", "metoprolol tartrate 50 mg tablet"),
        ("OxyContin 50 mg tablet", "oxycodone 50 mg tablet"),
        ("metformin XR 50 mg tablet", "metformin 50 mg tablet"),
    ],
)
def test_one_dose_of_two_releases_or_salts_is_not_alike(ordered, reported):
    doses = {"dose": "Take 1 tablet daily"}, {"dose": "50 mg daily"}
    (said, *_) = _attention(order(ordered, **doses[0]), report(reported, **doses[1]))
    assert "listed twice, worded unlike" in said


def test_a_strength_below_one_is_not_ten_times_itself():
    (said, *_) = _attention(order("dexamethasone .5 mg"), report("dexamethasone 5 mg"))
    assert said.startswith("Dexamethasone listed twice and not alike")


@pytest.mark.parametrize(
    ("name", "dose"),
    [
        ("Eliquis 5 mg", "5 mg twice daily; stop 2 days before eye surgery"),
        ("Methotrexate 2.5 mg", "15 mg PO weekly for scleritis of the eye"),
        ("oxycodone 5 mg", "5 mg every 6 hours as needed. Flush unused medicine."),
        ("Humalog 100 unit/mL", "Inject 8 units; not where lotion was applied"),
        ("Insulin pump 100 units/mL", "basal 0.8 units per hour"),
    ],
)
def test_what_else_a_dose_speaks_of_makes_no_medicine_one_of_the_surface(name, dose):
    assert "high-alert" in texts(brief(order(name, dose=dose)), "medications")[0]


@pytest.mark.parametrize("name", ["Duragesic 25 mcg/hr", "Butrans 10 mcg/hr"])
def test_a_patch_that_is_filed_as_topical_is_high_alert(name):
    patch = [{"text": "Apply 1", "route": concept("Topical")}]
    assert "high-alert" in texts(brief(order(name, dosageInstruction=patch)), "medications")[0]


@pytest.mark.parametrize(
    ("first", "second"),
    [
        (("albuterol HFA inhaler", "2 puffs every 4 hours"), ("Proair", "4 times a day")),
        (("fluticasone nasal spray", "1 spray"), ("Flonase", "1 spray daily")),
        (
            ("prednisone 20 mg tablet", "2 if inhaler does not help"),
            ("prednisone 10 mg tablet", "1"),
        ),
        (("nitroglycerin 2 % ointment", "apply"), ("nitroglycerin patch", "1 daily")),
        (
            ("insulin regular inhalation powder", "8 units"),
            ("insulin regular injection", "8 units"),
        ),
    ],
)
def test_what_may_act_on_the_same_place_is_listed_twice(first, second):
    one, other = (
        order(name, f"m{place}", dose=dose, authoredOn=f"2026-05-0{place + 1}")
        for place, (name, dose) in enumerate((first, second))
    )
    assert "listed twice" in _attention(one, other)[0]
