"""What is one thing is said once, and what weighs less stands behind what weighs more."""

import pytest

from tests.brief.charts import (
    SUBJECT,
    brief,
    coded,
    concept,
    condition,
    flagged,
    flags,
    lab,
    order,
    plain,
    seen,
    texts,
)

_AT_A_VISIT = {"category": [coded("encounter-diagnosis")]}


def test_equal_values_of_one_time_are_one_whatever_marks_them():
    when = "2026-11-18T10:00:00-06:00"
    marked = lab("108", when, "o1", loinc="2075-0", unit="mmol/L", **flagged("H"))
    made = brief(marked, lab("108", when, "o2", loinc="2075-0", unit="mmol/L"))
    assert texts(made, "results") == ["Chloride 108 mmol/L (H), 2026-11-18 10:00"]


def test_that_a_plan_is_not_ordered_is_said_once():
    made = brief(order("buprenorphine 8 mg", intent="plan", reportedBoolean=True))
    assert texts(made, "medications")[0].count("not ordered") == 1


def test_circumstances_of_life_stand_behind_every_illness_and_old_danger_on_its_own_line():
    def old(name, identity, **more):
        return condition(name, identity, onsetDateTime="2015-01-01", **_AT_A_VISIT, **more)

    abused = concept("Victim of abuse", ("http://snomed.info/sct", "386702006"))
    made = brief(
        condition("Higher education", "c1", category=[coded("sdoh")]),
        old("Diabetes", "c2"),
        old("", "c3", code=abused),
        condition("Asthma", "c4"),
    )
    assert [each.split(",")[0] for each in texts(made, "problems")] == [
        "Asthma",
        "Victim of abuse",
        "Older diagnoses not on the problem list: Diabetes (2015-01-01)",
        "Higher education",
    ]


@pytest.mark.parametrize("name", ["Right hemicolectomy", "Colorectal surgery"])
def test_a_stool_test_is_not_missed_after_an_operation_of_the_colon(name):
    done = plain("Procedure", "p1", status="completed", code={"text": name})
    assert not any("Stool test" in each for each in texts(brief(done), "prevention"))
    ended = condition("Colon cancer", status="resolved")
    assert not any("Stool test" in each for each in texts(brief(ended), "prevention"))


def test_a_stool_test_is_not_missed_beside_a_colonoscopy_that_has_a_code_and_no_name():
    known = coded("73761001")
    done = plain("Procedure", "p1", status="completed", code=known)
    assert not any("Stool test" in each for each in texts(brief(done), "prevention"))
    assert any("Stool test" in each for each in texts(brief(), "prevention"))


def test_the_words_of_a_directive_that_stand_in_its_rule_are_quoted():
    will = {
        "resourceType": "Consent", "id": "cn1", "status": "active", "patient": SUBJECT,
        "scope": coded("adr"), "dateTime": "2025-01-02", "policyRule": {"text": "No feeding tube"},
    }  # fmt: skip
    assert texts(brief(will), "context") == [
        "Advance directive, dated 2025-01-02, “No feeding tube”"
    ]


def test_an_emergency_that_became_a_stay_takes_no_line_of_its_own_above_the_fold():
    def came(start, end, identity, kind):
        period = {"start": f"2026-11-01T{start}:00-06:00", "end": end}
        return seen("", identity, kind=kind, type=[{"text": kind}], period=period)

    stay = came("09:00", "2026-11-04T09:00:00-06:00", "e3", "IMP")
    for end, weight in (("09:00", ()), ("08:30", ("acute",))):
        emergency = came("06:00", f"2026-11-01T{end}:00-06:00", "e2", "EMER")
        made = brief(seen("2026-09-10T10:00:00-05:00"), emergency, stay)
        assert flags(made, "changes") == [
            ("new", "must_show", "acute"),
            ("new", "must_show", *weight),
        ]
