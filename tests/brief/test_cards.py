"""The brief as cards: what stands above the fold, and what may not leave the chart."""

import pytest

from cds_service.brief import rule_brief
from hooks.appointment_book.cards import cards as booking_cards
from hooks.patient_view.cards import FOLD, cards
from tests.brief.charts import (
    SUBJECT,
    allergy,
    booked,
    brief,
    concept,
    condition,
    flagged,
    lab,
    limits,
    order,
    plain,
    report,
    searched,
    seen,
    texts,
)

RESTRICTED = {"meta": {"security": [{"code": "R"}]}}


def _top(made):
    return cards(made)[-1].detail[0].lines


def test_the_most_harmful_stands_first_and_at_most_five_lines_stand_above_the_fold():
    made = brief(
        booked(),
        seen("2026-07-01T10:00:00-05:00"),
        seen("2026-10-01T10:00:00-05:00", "e2", kind="EMER"),
        lab("6.9", "2026-11-01", "o1", loinc="2823-3", **flagged("HH")),
        lab("9.1", "2026-11-01", "o2", **flagged("H")),
        allergy("penicillin", "a1"),
        order("amoxicillin 500 mg", "m1"),
        order("warfarin 5 mg", "m2"),
        report("Coumadin 2 mg", "s2"),
        plain("Flag", "f1", status="active", code={"text": "Falls"}),
    )
    assert len(_top(made)) == FOLD
    assert [text.split()[0] for text in _top(made)] == [
        "Booked",
        "Potassium",
        "Allergy",
        "Warfarin",
        "Emergency:",
    ]


def _away(day, identity, why, kind="EMER", **more):
    reason = {"reasonCode": [{"text": why}], "type": [], **more}
    return seen(f"2026-10-{day}T10:00:00-05:00", identity, kind=kind, **reason)


def test_emergencies_and_stays_share_one_line_above_the_fold_with_the_day_and_reason_of_each():
    made = brief(
        seen("2026-07-01T10:00:00-05:00"),
        _away("02", "e2", "Fall"),
        _away("20", "e3", "Pneumonia", "IMP"),
    )
    [line] = [each for each in _top(made) if "Emergency" in each]
    assert line == (
        "Hospital stay: 2026-10-20 10:00, encounter, Pneumonia; "
        "Emergency: 2026-10-02 10:00, encounter, Fall"
    )
    assert len(texts(made, "changes")) == 2
    below = [each for part in cards(made)[-1].detail[1:] for each in _lines(part)]
    assert not any("Pneumonia" in each or "Fall" in each for each in below)


def test_a_stay_is_named_before_newer_emergencies():
    stay = _away("01", "e9", "Acute MI", "IMP")
    newer = [_away(day, f"e{day}", f"No. {day}") for day in ("10", "12", "14")]
    [line] = _top(brief(seen("2026-07-01T10:00:00-05:00"), stay, *newer))
    assert line.startswith("Hospital stay: 2026-10-01 10:00, encounter, Acute MI; Emergency: ")
    assert [f"No. {day}" in line for day in ("10", "12", "14")] == [False, True, True]
    assert line.endswith("; and 1 more")


def test_of_many_emergencies_the_three_newest_are_named_and_the_rest_stands_directly_below():
    days = [f"{day:02}" for day in range(1, 6)]
    made = brief(seen("2026-07-01T10:00:00-05:00"), *[_away(d, f"e{d}", f"No. {d}") for d in days])
    [line] = _top(made)
    assert [f"No. {d}" in line for d in days] == [False, False, True, True, True]
    assert line.endswith("; and 2 more")
    below = {each.heading: each.lines for each in cards(made)[-1].detail if hasattr(each, "lines")}
    assert [each[-2:] for each in below["Changes since the last visit"]] == ["02", "01"]


def test_a_restricted_stay_shares_no_line_above_the_fold():
    made = brief(
        seen("2026-07-01T10:00:00-05:00"),
        _away("02", "e2", "Fall"),
        _away("20", "e3", "Withdrawal", "IMP", **RESTRICTED),
    )
    assert [each.partition(":")[0] for each in _top(made)] == [
        "Emergency",
        "[restricted] Hospital stay",
    ]


def test_what_must_be_shown_is_on_the_card_above_the_fold_or_directly_below_it():
    made = brief(
        booked(),
        seen("2026-07-01T10:00:00-05:00"),
        *[
            lab("6.9", "2026-11-01", f"o{n}", loinc=n, **flagged("HH"))
            for n in ("2823-3", "2951-2")
        ],
        order("warfarin 5 mg", "m2"),
        report("Coumadin 2 mg", "s2"),
        *[plain("Flag", f"f{n}", status="active", code={"text": f"Falls {n}"}) for n in range(8)],
        allergy("Peanut", "a1", criticality="high"),
    )
    told = [each for part in cards(made)[-1].detail for each in _lines(part)]
    wanted = [line.text for line in made.section("attention")]
    assert len(wanted) > 2 * FOLD
    assert [each for each in wanted if each not in told] == []


def test_a_card_says_which_visit_the_changes_are_counted_from():
    told = [each for part in cards(brief(booked(), seen()))[-1].detail for each in _lines(part)]
    assert any(each.startswith("Last visit: 2026-09-01") for each in told)
    assert all("years old" not in each for each in told), "the summary says who"


def test_old_abnormal_results_never_fill_the_fold():
    old = lab("9.1", "2026-06-01", **flagged("H"), **limits("4.0", "5.6"))
    assert all("HbA1c" not in text for text in _top(brief(booked(), seen(), old)))


def test_new_abnormal_results_leave_room_for_what_else_needs_attention():
    labs = [
        lab("9", "2026-11-01", f"o{n}", code={"text": f"Test {n}"}, **flagged("H"))
        for n in range(6)
    ]
    made = brief(booked(), seen(), *labs, order("warfarin 5 mg"))
    assert [text.split()[0] for text in _top(made)[1:4]] == ["Test", "Test", "High-alert:"]


def test_more_results_of_the_time_since_the_last_visit_fill_what_is_left_above_the_fold():
    labs = [
        lab("9", "2026-11-01", f"o{n}", code={"text": f"Test {n}"}, **flagged("H"))
        for n in range(6)
    ]
    words = lab("", "2026-11-01", "w1", code={"text": "Pathology"}, valueString="Melanoma")
    told = _top(brief(booked(), seen(), *labs[:3], words))
    assert [text.split()[0] for text in told] == ["Booked", "Test", "Test", "Pathology:", "Test"]
    assert len(_top(brief(booked(), seen(), *labs))) == FOLD


def test_a_diagnosis_that_is_new_since_the_last_visit_stands_before_lists_that_disagree():
    made = brief(
        seen("2026-07-01T10:00:00-05:00"),
        condition("Ischemic heart disease", "c1", onsetDateTime="2026-09-01"),
        condition("Gout", "c2", onsetDateTime="2019-01-01"),
        condition("Gout", "c3", status="resolved", onsetDateTime="2020-01-01"),
    )
    assert [text.partition(",")[0].partition(":")[0] for text in _top(made)] == [
        "Ischemic heart disease",
        "Gout",
    ]


def test_what_is_restricted_says_so_and_no_note_is_offered():
    made = brief(booked(), order("methadone 10 mg", **RESTRICTED))
    card = cards(made)[-1]
    assert card.note is None
    assert "[restricted] High-alert: methadone (opioid)" in _top(made)
    shown = [x for part in card.detail if hasattr(part, "lines") for x in part.lines]
    assert all(x.startswith("[restricted]") for x in shown if "methadone" in x)
    assert cards(brief(booked(), order("methadone 10 mg")))[-1].note is not None


def test_a_restricted_order_says_so_at_the_booking():
    waiting = plain(
        "ServiceRequest",
        "sr1",
        status="active",
        intent="order",
        authoredOn="2026-08-01",
        **RESTRICTED,
    )
    (card,) = booking_cards(brief(waiting))
    assert card.detail[0].lines[0].startswith("[restricted] Ordered")


def _referral(**more):
    code = {"text": "Referral to dietitian"}
    return plain(
        "ServiceRequest", "sr1", status="active", intent="order",
        category=[concept("Referral", ("http://snomed.info/sct", "3457005"))], code=code,
        **{"authoredOn": "2026-04-14", **more},
    )  # fmt: skip


def test_a_booking_tells_of_an_open_referral():
    (card,) = booking_cards(brief(_referral()))
    assert card.summary == "Before this visit: 1 referral open"
    assert card.detail[0].lines[0].startswith("Referral open: Referral to dietitian")


def test_a_task_that_is_no_referral_is_not_told_at_a_booking():
    said = {
        "for": SUBJECT,
        "status": "requested",
        "intent": "order",
        "code": {"text": "Call back"},
    }
    made = brief(plain("Task", "t1", **said))
    assert texts(made, "open_loops") == ["Task open: Call back, requested"]
    assert booking_cards(made) == ()


@pytest.mark.parametrize("reason", ["Weight loss", "Gout"])
def test_a_young_referral_is_told_at_a_booking_for_its_reason_alone(reason):
    made = brief(
        seen(),
        booked(reasonCode=[{"text": "Weight loss"}]),
        _referral(authoredOn="2026-11-10", reasonCode=[{"text": reason}]),
    )
    said = [card.summary for card in booking_cards(made)]
    assert said == ["Before this visit: 1 referral open"] * (reason == "Weight loss")


def test_a_list_is_told_in_full_below_the_fold_whatever_stands_above_it():
    made = brief(
        seen("2026-07-01T10:00:00-05:00"),
        condition("Heart failure", "c1", onsetDateTime="2026-09-01"),
        condition("Gout", "c2"),
    )
    assert "Heart failure, since 2026-09-01" in _top(made)
    [listed] = [x for x in cards(made)[-1].detail if getattr(x, "heading", "") == "Problems"]
    assert listed.lines == ("Heart failure, since 2026-09-01", "Gout, since 2020-01-02")


NONE = allergy("", code=concept("No known allergies", ("http://snomed.info/sct", "716186003")))


@pytest.mark.parametrize(
    ("made", "said"),
    [
        (rule_brief(searched(NONE)), "no known allergies"),
        (rule_brief(searched()), "allergies not recorded"),
        (rule_brief(searched(states={"allergies": "failed"})), "allergies not read"),
        (rule_brief(searched(NONE, allergy("Latex", "a2"))), "1 allergy"),
    ],
)
def test_the_summary_tells_none_known_from_not_recorded(made, said):
    assert said in cards(made)[-1].summary


def test_results_that_nothing_marks_as_out_of_range_stand_below_the_fold():
    (card,) = cards(brief(seen(), lab("139", "2026-11-13", loinc="2951-2")))
    (told,) = [each for each in card.detail if "Sodium (2026-11-13)" in "".join(_lines(each))]
    assert told.heading == "Changes since the last visit"


def _lines(part):
    return getattr(part, "lines", ())


def test_the_headline_of_a_value_that_was_critical_names_that_value_and_says_what_is_now():
    made = brief(
        seen("2026-07-01T10:00:00-05:00"),
        lab("2.6", "2026-11-10", "o1", loinc="2823-3", **flagged("LL")),
        lab("3.1", "2026-11-14", "o2", loinc="2823-3", **flagged("L")),
        lab("120", "2026-11-14", "o3", loinc="2951-2", **flagged("LL")),
    )
    assert [each.summary for each in cards(made)[:-1]] == [
        "Critical result: Sodium 120 % (LL critical), 2026-11-14",
        "Was critical since the last visit: Potassium 2.6 % (LL critical), 2026-11-10; now 3.1 % (L), 2026-11-14",
    ]


def test_what_was_critical_and_still_is_out_of_range_takes_one_line_above_the_fold():
    made = brief(
        seen("2026-07-01T10:00:00-05:00"),
        lab("2.6", "2026-11-10", "o1", loinc="2823-3", **flagged("LL")),
        lab("3.1", "2026-11-14", "o2", loinc="2823-3", **flagged("L")),
        lab("128", "2026-11-14", "o3", loinc="2951-2", **flagged("L")),
    )
    top, changes = _top(made), texts(made, "changes")
    assert [each.split()[0] for each in top] == ["Was", "Sodium"]
    assert [each for each in changes if each.startswith("Potassium 3.1")]
    [below] = [
        x for x in cards(made)[-1].detail if getattr(x, "heading", "").startswith("Changes")
    ]
    assert [each for each in below.lines if each.startswith("Potassium 3.1")]


def test_a_new_result_in_words_stands_above_the_fold_after_those_out_of_range():
    made = brief(
        seen(),
        lab("", "2026-11-01", "o1", code={"text": "CT chest"}, valueString="New 18 mm nodule"),
        lab("", "2026-11-01", "o2", code={"text": "HIV"}, valueString="Nonreactive"),
        lab("9.1", "2026-10-01", "o3", **flagged("H")),
    )
    assert _top(made)[-2:] == (
        "HbA1c 9.1 % (H), 2026-10-01",
        "CT chest: New 18 mm nodule, 2026-11-01",
    )


def test_a_directive_is_on_the_card_and_what_else_is_of_a_patients_life_is_not():
    consent = plain(
        "Consent",
        "d1",
        status="active",
        scope={"coding": [{"code": "adr"}]},
        category=[{"coding": [{"code": "dnr"}]}],
        patient=SUBJECT,
        dateTime="2025-05-01",
    )
    smoker = lab("", "2026-01-01", "o1", loinc="72166-2", valueString="Current smoker")
    made = brief(seen(), consent, smoker)
    assert len(made.section("context")) == 2
    below = {each.heading: each.lines for each in cards(made)[-1].detail if hasattr(each, "lines")}
    assert below["Directives"] == ("DNR directive on file, dated 2025-05-01, no text attached",)
