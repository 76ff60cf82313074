"""A long chart reads as short as a careful colleague would make it, and nothing of it is lost."""

import pytest

from cds_service.brief import rule_brief
from tests.brief.charts import (
    LOINC,
    allergy,
    booked,
    brief,
    concept,
    condition,
    context,
    flagged,
    lab,
    order,
    plain,
    searched,
    seen,
    texts,
)

SNOMED = "http://snomed.info/sct"


def dose(name, when, identity, **more):
    return {
        "resourceType": "Immunization",
        "id": identity,
        "status": "completed",
        "vaccineCode": {"text": name},
        "patient": {"reference": "Patient/p1"},
        **({"occurrenceDateTime": when} if when else {}),
        **more,
    }


def test_a_name_is_told_without_the_tag_of_its_terminology():
    asthma = condition("", code=concept("", (SNOMED, "195967001", "Asthma (disorder)")))
    assert texts(brief(asthma), "problems") == ["Asthma, since 2020-01-02"]
    kept = condition("Weakness (left arm)")
    assert texts(brief(kept), "problems") == ["Weakness (left arm), since 2020-01-02"]


def test_illnesses_come_before_findings():
    made = brief(
        condition("Stress (finding)", onsetDateTime="2026-01-01"),
        condition("Gout", "c2", onsetDateTime="1999"),
    )
    assert [each.partition(",")[0] for each in texts(made, "problems")] == ["Gout", "Stress"]


def test_old_diagnoses_on_one_line_cite_every_entry_and_say_how_many():
    old = {"category": [{"coding": [{"code": "encounter-diagnosis"}]}]}
    entries = [condition("Gout", f"c{n}", onsetDateTime=f"199{n}-01-01", **old) for n in (1, 2, 3)]
    [line] = brief(*entries, condition("Mumps", "c9", onsetDateTime="1970", **old)).section(
        "problems"
    )
    assert line.text == (
        "Older diagnoses not on the problem list: Gout (1991-01-01, 3 entries, "
        "newest 1993-01-01), Mumps (1970)"
    )
    assert len(line.statement.refs) == 4


def test_renewals_over_the_years_are_one_line_and_no_conflict():
    orders = [order("Sertraline 50 mg", f"m{n}", authoredOn=f"20{n}-01-01") for n in range(18, 27)]
    made = brief(*orders)
    [line] = made.section("medications")
    assert line.text == (
        "Sertraline 50 mg: Take 1 tablet daily, ordered 2026-01-01; "
        "also: 8 more orders of the same, 2018-01-01 to 2025-01-01"
    )
    assert len(line.statement.refs) == 9
    assert texts(made, "attention") == []


def test_two_orders_of_this_year_stay_a_conflict_however_alike():
    orders = [order("Sertraline 50 mg", f"m{n}", authoredOn=f"2026-0{n}-01") for n in (1, 2, 3, 4)]
    assert texts(brief(*orders), "attention") == [
        (
            "Sertraline listed 4 times: Sertraline 50 mg: Take 1 tablet daily, ordered 2026-04-01; "
            "3 more of the same, 2026-01-01 to 2026-03-01"
        )
    ]
    old = order("Sertraline 50 mg", "m5", authoredOn="2019-01-01", dose="Take 2 tablets daily")
    assert texts(brief(orders[0], old), "attention") != []


def test_a_procedure_done_many_times_is_one_line():
    done = [
        plain("Procedure", f"x{n}", status="completed", code={"text": "Dialysis"},
              performedDateTime=f"2026-0{n}-01")
        for n in (1, 2, 3)
    ]  # fmt: skip
    stopped = {**done[0], "id": "x9", "status": "stopped"}
    assert texts(brief(*done, stopped), "procedures") == [
        "Dialysis, 2026-03-01, 3 times since 2026-01-01",
        "Dialysis, 2026-01-01, stopped",
    ]


def test_vaccines_but_influenza_are_one_line():
    made = brief(
        dose("Tdap", "2019-05-01", "i1"),
        dose("Zoster", "2020-05-01", "i2"),
        dose("Zoster", "2020-01-01", "i3"),
        dose("Influenza", "2026-10-01", "i4"),
    )
    assert texts(made, "prevention")[:2] == [
        "Influenza, 2026-10-01",
        "Other vaccines, newest dose: Tdap 2019-05-01; Zoster 2020-05-01 (2 doses)",
    ]


def test_care_teams_are_one_line_and_each_member_once():
    def team(identity, *who):
        members = [{"member": {"display": each}} for each in who]
        return plain("CareTeam", identity, status="active", participant=members)

    made = brief(team("t1", "Dr. A", "Dr. B"), team("t2", "Dr. A"))
    assert texts(made, "context") == ["Care team: Dr. A, Dr. B"]


def test_what_a_thing_is_counts_more_than_where_a_system_filed_it():
    def filed(loinc, display, value, identity):
        said = {"code": {"coding": [{"system": LOINC, "code": loinc, "display": display}]}}
        return lab("", "2026-10-01", identity, **said, **value)

    made = brief(
        filed("56799-0", "Address", {"valueString": "1 Elm Street"}, "o1"),
        filed("8867-4", "Heart rate", {"valueQuantity": {"value": 70, "unit": "/min"}}, "o2"),
    )
    assert texts(made, "vitals") == ["Heart rate 70 /min, 2026-10-01"]
    assert "Elm Street" not in " ".join(line.text for line in made.lines())
    assert texts(made, "context") == [
        "Answers on file, by date of the newest value: Address (2026-10-01)"
    ]


def test_single_pressures_are_told_only_when_newer_than_both_together():
    def single(loinc, when, identity):
        return lab("130", when, identity, loinc=loinc, unit="mmHg")

    parts = [
        {"code": {"coding": [{"code": code}]}, "valueQuantity": {"value": value, "unit": "mmHg"}}
        for code, value in (("8480-6", 130), ("8462-4", 80))
    ]
    both = lab("", "2026-10-01", "o1", loinc="85354-9", component=parts)
    same = brief(both, single("8480-6", "2026-10-01", "o2"), single("8462-4", "2026-10-01", "o3"))
    assert texts(same, "vitals") == ["Blood pressure 130/80 mmHg, 2026-10-01"]
    newer = brief(both, single("8480-6", "2026-10-02", "o2"))
    assert texts(newer, "vitals")[1] == "Systolic blood pressure 130 mmHg, 2026-10-02"


def test_a_screening_is_called_missing_only_where_all_was_read_and_it_would_be_looked_for():
    every = "Not found in the record as of 2026-11-23, by code or name: "
    assert texts(rule_brief(searched()), "prevention")[-1] == (
        f"{every}Mammogram, Colonoscopy, Stool test for colorectal cancer, Bone density"
    )
    scope = plain("Procedure", "x", status="completed", code={"text": "Colonoscopy"})
    said = texts(rule_brief(searched(scope)), "prevention")
    assert said[-1] == f"{every}Mammogram, Bone density"
    for state in ("partial", "failed", "no_access"):
        cut = rule_brief(searched(states={"reports": state}))
        assert not any("Not found" in each for each in texts(cut, "prevention"))


def test_a_chart_that_was_moved_does_not_make_old_stops_new():
    def stopped(n, **more):
        moved = {"lastUpdated": f"2026-11-01T08:0{n}:00Z"}
        when = f"201{n}-01-01"
        return order(
            f"Drug{n} 5 mg", f"m{n}", status="stopped", authoredOn=when, meta=moved, **more
        )

    ended = stopped(9, dispenseRequest={"validityPeriod": {"end": "2026-10-10"}})
    made = brief(seen(), *map(stopped, range(1, 6)), ended)
    lines = made.section("changes")
    assert (
        lines[0].text.startswith("Stopped: Drug9 5 mg, ended 2026-10-10")
        or "Drug9" in lines[0].text
    )
    assert lines[-1].text == (
        "Stopped, when is not recorded (most orders were stamped anew on one day): "
        + ", ".join(f"Drug{n} 5 mg (ordered 201{n}-01-01)" for n in (5, 4, 3, 2, 1))
    )
    assert "Drug9" in texts(made, "attention")[0]
    assert "Drug1" not in " ".join(texts(made, "attention"))


def test_one_stop_of_one_day_is_still_new():
    moved = {"lastUpdated": "2026-11-01T08:00:00Z"}
    one = order("Drug 5 mg", status="stopped", authoredOn="2019-01-01", meta=moved)
    made = rule_brief(context(seen(), one, order("Other 5 mg", "m2")))
    assert "Drug 5 mg" in texts(made, "attention")[0]


def test_of_two_tests_that_say_the_same_changes_tell_one():
    high = {"interpretation": [{"coding": [{"code": "H"}]}]}
    clotting = lab("37.1", "2026-10-03", "o1", loinc="5902-2", unit="s", **high)
    inr = lab("3.6", "2026-10-02", "o2", loinc="6301-6", unit="INR", **high)
    told = [each.partition(" (")[0] for each in texts(brief(seen(), clotting, inr), "changes")]
    assert told == ["INR 3.6"]
    alone = texts(brief(seen(), clotting), "changes")
    assert alone[0].startswith("Prothrombin time 37.1 s")
    assert len(brief(seen(), clotting, inr).section("results")) == 2


def test_new_results_of_the_visits_reason_come_first():
    high = {"interpretation": [{"coding": [{"code": "H"}]}]}
    newer = lab("150", "2026-10-05", "o1", loinc="2345-7", unit="mg/dL", **high)
    wanted = lab("8.1", "2026-10-02", "o2", **high)
    plain_visit = {"reasonCode": [{"text": "Gout"}]}
    for visit, first in ((booked(), "HbA1c"), (booked(**plain_visit), "Glucose")):
        assert texts(brief(seen(), newer, wanted, visit), "changes")[0].startswith(first)


def test_a_unit_that_the_name_ends_with_is_not_said_twice():
    score = lab("11", loinc="44261-6", unit="score", code={"text": "PHQ-9 score"})
    assert texts(brief(score), "results")[0].startswith("PHQ-9 score 11, 2026-10-02")
    words = lab("", "2026-10-02", code={"text": "HIV positive"}, valueString="HIV positive")
    assert texts(brief(words), "results")[0].startswith("HIV positive: HIV positive")


def test_a_severe_reaction_or_anaphylaxis_alone_needs_attention():
    for reaction in (
        {"manifestation": [{"text": "Hives"}], "severity": "severe"},
        {"manifestation": [{"text": "Anaphylactic shock"}]},
    ):
        assert texts(brief(allergy("Latex", reaction=[reaction])), "attention")
    mild = {"manifestation": [{"text": "Hives"}], "severity": "mild"}
    assert texts(brief(allergy("Latex", reaction=[mild])), "attention") == []


def test_a_dose_that_is_only_words_is_compared_by_them():
    before = order("Sertraline 50 mg", "m1", status="stopped")
    after = order("Sertraline 50 mg", "m2", authoredOn="2026-10-01", dose="Take 2 tablets daily")
    assert texts(brief(seen(), before, after), "changes")[0].startswith(
        "Changed: Sertraline 50 mg"
    )


def test_a_range_in_another_unit_or_beside_a_comparator_tells_nothing():
    foreign = {"referenceRange": [{"high": {"value": 5, "unit": "mmol/mol"}}]}
    assert "above" not in texts(brief(lab("8.1", **foreign)), "results")[0]
    own = {"referenceRange": [{"high": {"value": 5, "unit": "%"}}]}
    assert "above range" in texts(brief(lab("8.1", **own)), "results")[0]
    bound = {"value": 8.1, "unit": "%", "comparator": "<"}
    assert "above" not in texts(brief(lab("", valueQuantity=bound, **own)), "results")[0]


@pytest.mark.parametrize(
    ("other", "is_told"),
    [("2026-09-20", True), ("2026-11-17", True), ("2026-11-18", False), ("2026-11-19", False)],
)
def test_a_test_that_says_the_same_is_told_where_the_other_one_is_older(other, is_told):
    urea = lab("88", "2026-11-19", "o1", loinc="3094-0", unit="mg/dL", **flagged("H"))
    creatinine = lab("1.4", other, "o2", loinc="2160-0", unit="mg/dL", **flagged("H"))
    told = texts(brief(seen(), urea, creatinine), "changes")
    assert any(each.startswith("Urea nitrogen 88") for each in told) == is_told
    assert any(each.startswith("Creatinine 1.4") for each in told)


def test_of_creatinine_and_egfr_changes_tell_creatinine_and_results_both():
    egfr = lab("31", "2026-11-19", "o1", loinc="98979-8", unit="mL/min/1.73 m2", **flagged("L"))
    creatinine = lab("1.9", "2026-11-19", "o2", loinc="2160-0", unit="mg/dL", **flagged("H"))
    made = brief(seen(), egfr, creatinine)
    assert [each.split()[0] for each in texts(made, "changes")] == ["Creatinine"]
    assert {each.split()[0] for each in texts(made, "results")} == {"Creatinine", "eGFR"}
