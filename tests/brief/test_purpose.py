"""What has to do with why the patient comes stands first, and what the visit may want and lacks is said."""

import pytest

from cds_service.brief import rule_brief
from tests.brief.charts import booked, brief, context, lab, plain, searched, texts


def waiting(name, identity, when="2026-01-01", **more):
    said = {"status": "active", "intent": "order", "authoredOn": when, "code": {"text": name}}
    return plain("ServiceRequest", identity, **{**said, **more})


def visit(reason="", **more):
    said = {"reasonCode": [{"text": reason}]} if reason else {"reasonCode": []}
    return booked(**{**said, **more})


def order_of(made):
    return [line.text.partition(": ")[2].split(",")[0] for line in made.section("open_loops")]


def test_orders_of_the_visits_reason_come_first():
    chart = (waiting("Chest X-ray", "x1"), waiting("Retinal photography", "x2"))
    assert order_of(brief(*chart, visit("Gout"))) == ["Chest X-ray", "Retinal photography"]
    made = brief(*chart, visit("Retinal check"))
    assert order_of(made) == ["Retinal photography", "Chest X-ray"]
    assert ["for_visit" in x.statement.flags for x in made.section("open_loops")] == [True, False]


def test_a_reason_is_known_by_code_and_by_reference_as_well():
    coded = {"coding": [{"system": "urn:x", "code": "K-1"}]}
    by_code = waiting("Unrelated", "x1", reasonCode=[coded])
    by_reference = waiting("Other", "x2", reasonReference=[{"reference": "Condition/c1"}])
    made = brief(by_code, by_reference, booked(reasonCode=[coded]))
    assert [
        x.statement.refs[0] for x in made.section("open_loops") if "for_visit" in x.statement.flags
    ] == ["ServiceRequest/x1"]
    named = booked(reasonCode=[], reasonReference=[{"reference": "Condition/c1"}])
    made = brief(by_code, by_reference, named)
    assert made.section("open_loops")[0].statement.refs == ("ServiceRequest/x2",)


def test_words_of_half_the_visits_tie_nothing():
    made = brief(
        waiting("Follow-up blood study", "x1"), visit("Annual follow-up visit, blood pressure")
    )
    assert "for_visit" not in made.section("open_loops")[0].statement.flags


def test_when_a_visit_is_booked_its_own_reason_counts():
    draft = {"resourceType": "Appointment", "status": "proposed", "description": "Thyroid nodule"}
    made = rule_brief(context(visit("Diabetes"), proposed=(draft,)))
    assert texts(made, "visit")[-1].endswith("for the reason of this visit: TSH")


def test_an_old_test_is_named_with_its_date_and_no_value():
    made = brief(lab("8.1", "2026-01-02"), visit("Diabetes follow-up"))
    assert texts(made, "visit")[-1] == (
        "Old for the reason of this visit, by date of the newest value: HbA1c (2026-01-02)"
    )
    assert not any(
        "HbA1c" in x for x in texts(brief(lab("8.1", "2026-10-02"), visit("Diabetes")), "visit")
    )
    assert not any(
        "HbA1c" in x for x in texts(brief(lab("8.1", "2026-01-02"), visit("Gout")), "visit")
    )


@pytest.mark.parametrize(
    ("taken", "start", "said"),
    [
        ("2026-08-17", "2027-03-24T09:15:00-05:00", "Old by the day of this visit"),
        ("2026-01-02", "2026-12-24T09:15:00-06:00", "Old by the day of this visit"),
        ("2026-01-02", "2026-11-23T16:15:00-06:00", "Old for the reason of this visit"),
        ("2026-08-17", "2026-12-24T09:15:00-06:00", ""),
        ("2026-08-17", None, ""),
    ],
    ids=["219 days old then", "old already", "today", "not old then", "no start is given"],
)
def test_when_a_visit_is_booked_a_test_is_as_old_as_on_its_day(taken, start, said):
    draft = {
        "resourceType": "Appointment",
        "status": "proposed",
        "description": "Diabetes",
        "start": start,
    }
    told = texts(brief(lab("7.1", taken), proposed=(draft,)), "visit")
    wanted = f"{said}, by date of the newest value: HbA1c ({taken})"
    assert [each for each in told if "HbA1c" in each] == [wanted] * bool(said)


def test_a_test_is_called_missing_only_where_results_were_read_in_full():
    assert texts(rule_brief(searched(visit("Diabetes"))), "visit")[-1] == (
        "Not found in the record as of 2026-11-23, for the reason of this visit: HbA1c"
    )
    for state in ("partial", "failed", "denied", "no_access"):
        made = rule_brief(searched(visit("Diabetes"), states={"results": state}))
        assert not any("HbA1c" in each for each in texts(made, "visit"))


def _old_by_the_day(taken, *starts):
    drafts = tuple(
        {
            "resourceType": "Appointment",
            "id": f"draft{place}",
            "status": "proposed",
            "description": "Diabetes",
            "start": start,
        }
        for place, start in enumerate(starts)
    )
    return any(
        "HbA1c" in each for each in texts(brief(lab("7.1", taken), proposed=drafts), "visit")
    )


@pytest.mark.parametrize(("taken", "is_old"), [("2026-06-27", False), ("2026-06-26", True)])
def test_a_test_is_old_from_the_day_after_its_last_good_one(taken, is_old):
    assert _old_by_the_day(taken, "2026-12-24T09:15:00-06:00") is is_old


def test_of_several_proposed_days_the_first_counts():
    later, sooner = "2027-06-24T09:15:00-05:00", "2026-12-24T09:15:00-06:00"
    assert not _old_by_the_day("2026-10-02", later, sooner)
    assert _old_by_the_day("2026-10-02", later)


def test_a_day_that_is_over_makes_no_test_younger():
    assert _old_by_the_day("2026-01-02", "2026-02-02T09:15:00-06:00")
