"""An order on hold, a plan and a course whose end has passed never read as a medicine that is taken."""

import pytest

from tests.brief.charts import allergy, brief, order, report, seen, texts

_HELD = {"status": "on-hold", "statusReason": {"text": "GI bleed"}}
_OVER = {"dispenseRequest": {"validityPeriod": {"start": "2025-11-01", "end": "2025-11-04"}}}
_VISIT = seen("2026-09-01T10:00:00-05:00")


def _new(name, identity="m1", **more):
    return order(name, identity, authoredOn="2026-10-01", **more)


@pytest.mark.parametrize(
    ("how", "changes", "alert"),
    [
        (
            _HELD,
            "new, on hold: warfarin 5 mg (reason: GI bleed)",
            "High-alert, on hold: warfarin (anticoagulant; reason: GI bleed)",
        ),
        (
            {"intent": "plan"},
            "planned, not ordered: warfarin 5 mg",
            "High-alert, planned, not ordered: warfarin (anticoagulant)",
        ),
        (
            {"intent": "proposal"},
            "proposed, not ordered: warfarin 5 mg",
            "High-alert, proposed, not ordered: warfarin (anticoagulant)",
        ),
        (
            _OVER,
            "new, written end 2025-11-04 has passed: warfarin 5 mg",
            "High-alert, written end 2025-11-04 has passed: warfarin (anticoagulant)",
        ),
        (
            {"status": "unknown"},
            "new, status unknown: warfarin 5 mg",
            "High-alert, status unknown: warfarin (anticoagulant)",
        ),
    ],
)
def test_what_is_not_in_force_says_so_wherever_it_is_named(how, changes, alert):
    assert texts(brief(_VISIT, _new("warfarin 5 mg", **how)), "attention") == [
        f"Drug changes since the last visit: {changes}",
        alert,
    ]


def test_a_plan_is_no_new_order():
    made = brief(_VISIT, _new("warfarin 5 mg", intent="plan"))
    planned = "warfarin 5 mg: Take 1 tablet daily, planned 2026-10-01, not ordered"
    assert texts(made, "changes") == [f"Planned: {planned}"]
    assert texts(made, "medications") == [f"{planned}; high-alert (anticoagulant)"]


def test_a_plan_hides_no_order_of_the_same_medicine():
    made = brief(
        _VISIT,
        order("warfarin 5 mg", "m1", authoredOn="2026-09-20"),
        _new("warfarin 2 mg", "m2", intent="plan"),
    )
    assert texts(made, "attention")[0] == (
        "Drug changes since the last visit: new warfarin 5 mg; planned, not ordered: warfarin 2 mg"
    )


def held(name, identity="m1", changed="2026-11-20", **more):
    stamp = {"meta": {"versionId": "2", "lastUpdated": f"{changed}T12:00:00-06:00"}}
    return order(name, identity, **{"authoredOn": "2026-02-01", **_HELD, **stamp, **more})


def test_an_order_that_was_put_on_hold_since_the_last_visit_is_a_change():
    made = brief(seen(), held("warfarin 5 mg"), held("Drug X", "m2", statusReason=None))
    assert [each for each in texts(made, "attention") if each.startswith("Drug changes")] == [
        "Drug changes since the last visit: on hold warfarin 5 mg (reason: GI bleed), Drug X"
    ]
    assert texts(made, "changes") == [
        "On hold: warfarin 5 mg; record of 2026-11-20; reason: GI bleed",
        "On hold: Drug X; record of 2026-11-20",
    ]


def test_one_of_two_orders_of_a_medicine_that_was_put_on_hold_is_a_change_too():
    other = order("warfarin 2 mg", "m2", authoredOn="2026-03-01")
    [line] = texts(brief(seen(), other, held("warfarin 5 mg")), "changes")
    assert line.startswith("On hold: warfarin 5 mg; ")


def test_an_order_on_hold_since_before_or_since_nobody_knows_when_is_no_change():
    assert not texts(brief(seen(), held("warfarin 5 mg", changed="2026-08-01")), "changes")
    assert not texts(brief(seen(), held("warfarin 5 mg", meta={"versionId": "2"})), "changes")
    moved = [held(f"Drug {n}", f"m{n}", authoredOn=f"2026-02-0{n}") for n in range(1, 6)]
    assert not texts(brief(seen(), *moved), "changes")


def test_the_written_end_of_an_order_on_hold_is_not_told_as_when_it_ended():
    ahead = {"dispenseRequest": {"validityPeriod": {"end": "2027-01-31"}}}
    [line] = texts(brief(seen(), held("warfarin 5 mg", **ahead)), "changes")
    assert line == "On hold: warfarin 5 mg; record of 2026-11-20; reason: GI bleed"


def test_an_anticoagulant_on_hold_stands_apart_from_the_one_in_its_place():
    made = brief(
        _VISIT,
        _new("apixaban 5 mg", "m1"),
        order("warfarin 5 mg", "m2", **_HELD),
        order("warfarin 2 mg", "m3", **_HELD),
    )
    assert texts(made, "attention") == [
        "Drug changes since the last visit: new apixaban 5 mg",
        "High-alert: apixaban (anticoagulant); on hold: warfarin (anticoagulant; reason: GI bleed)",
    ]


def test_one_order_in_force_makes_a_medicine_plainly_high_alert():
    made = brief(order("warfarin 5 mg", "m1", **_HELD), order("warfarin 2 mg", "m2"))
    assert texts(made, "attention") == ["High-alert: warfarin (anticoagulant)"]


@pytest.mark.parametrize("how", [_HELD, _OVER, {"intent": "plan"}])
def test_an_order_beside_one_that_is_not_in_force_is_no_conflict(how):
    assert not texts(
        brief(order("lisinopril 20 mg"), order("lisinopril 10 mg", "m2", **how)), "attention"
    )


def test_but_a_report_that_it_is_taken_is():
    made = brief(order("lisinopril 20 mg", **_HELD), report("lisinopril 10 mg"))
    assert texts(made, "attention") == [
        (
            "Lisinopril listed twice and not alike: "
            "lisinopril 20 mg: Take 1 tablet daily, ordered 2026-05-04, on hold, reason: GI bleed; "
            "lisinopril 10 mg: Take 1 tablet daily, reported 2026-10-01"
        )
    ]


def test_and_so_are_two_in_force_beside_a_third():
    made = brief(
        order("lisinopril 20 mg"),
        order("lisinopril 10 mg", "m2"),
        order("lisinopril 5 mg", "m3", **_HELD),
    )
    [line] = texts(made, "attention")
    assert line.startswith("Lisinopril listed 3 times and not alike: ")
    assert "lisinopril 5 mg: Take 1 tablet daily, ordered 2026-05-04, on hold" in line


def test_an_allergy_meets_what_is_listed_and_no_longer_to_be_taken():
    course = order("amoxicillin 250 mg", authoredOn="2025-11-01", **_OVER)
    assert (
        "Allergy to Penicillin, yet listed: amoxicillin 250 mg, ordered 2025-11-01, "
        "written end 2025-11-04 has passed, a medicine of the same class"
    ) in texts(brief(allergy("Penicillin"), course), "attention")
    assert (
        "Allergy to Penicillin, yet active: amoxicillin 250 mg, ordered 2026-05-04, "
        "a medicine of the same class"
    ) in texts(brief(allergy("Penicillin"), order("amoxicillin 250 mg")), "attention")


def test_an_order_on_hold_is_not_called_active_beside_a_report_that_it_was_stopped():
    made = brief(order("lisinopril 20 mg", **_HELD), report("lisinopril 20 mg", status="stopped"))
    assert texts(made, "attention") == [
        (
            "Listed: lisinopril 20 mg, ordered 2026-05-04, on hold, reason: GI bleed; "
            "reported as stopped 2026-10-01"
        )
    ]


def test_two_orders_of_one_strength_and_dose_are_not_called_unlike():
    made = brief(order("atorvastatin 40 mg", "m1"), order("Lipitor 40 mg", "m2"))
    assert texts(made, "attention")[0].startswith("Atorvastatin listed twice: ")
    made = brief(order("atorvastatin 40 mg", "m1"), order("Lipitor 20 mg", "m2"))
    assert texts(made, "attention")[0].startswith("Atorvastatin listed twice and not alike: ")


@pytest.mark.parametrize(("end", "said"), [("2026-11-23", "active"), ("2026-11-22", "listed")])
def test_a_course_is_in_force_until_its_last_day_is_over(end, said):
    until = {"dispenseRequest": {"validityPeriod": {"end": end}}}
    [line, *_] = texts(
        brief(allergy("Penicillin"), order("amoxicillin 250 mg", **until)), "attention"
    )
    assert line.startswith(f"Allergy to Penicillin, yet {said}: amoxicillin 250 mg")


def test_an_order_on_hold_hides_none_in_force_from_an_allergy_or_a_report_that_it_was_stopped():
    held = order("amoxicillin 500 mg", "m2", authoredOn="2026-08-01", **_HELD)
    chart = (order("amoxicillin 250 mg"), held)
    in_force = "amoxicillin 250 mg, ordered 2026-05-04"
    assert f"Allergy to Amoxicillin, yet active: {in_force}" in texts(
        brief(allergy("Amoxicillin"), *chart), "attention"
    )
    stopped = report("amoxicillin 250 mg", status="stopped")
    assert f"Active: {in_force}; reported as stopped 2026-10-01" in texts(
        brief(*chart, stopped), "attention"
    )


def test_an_allergy_meets_what_a_patient_takes_beside_an_order_on_hold():
    made = brief(
        allergy("Amoxicillin"), order("amoxicillin 500 mg", **_HELD), report("amoxicillin 500 mg")
    )
    assert "Allergy to Amoxicillin, yet active: amoxicillin 500 mg, reported 2026-10-01" in texts(
        made, "attention"
    )


def test_a_report_of_what_is_only_intended_is_no_conflict_with_an_order():
    meant = report("lisinopril 10 mg", status="intended")
    assert not texts(brief(order("lisinopril 20 mg"), meant), "attention")


_LATER = {"authoredOn": "2026-10-05", "meta": {"lastUpdated": "2026-10-06T09:00:00Z"}}


@pytest.mark.parametrize(
    "later",
    [{"status": "cancelled"}, {"status": "cancelled", "intent": "plan"}, {"status": "draft"}],
)
def test_an_order_that_came_to_nothing_is_no_change_and_hides_none(later):
    nothing = order("warfarin 2 mg", "m2", **_LATER, **later)
    made = brief(_VISIT, _new("warfarin 5 mg"), nothing)
    assert texts(made, "attention")[0] == "Drug changes since the last visit: new warfarin 5 mg"
    assert not texts(brief(_VISIT, order("warfarin 5 mg"), nothing), "changes")
