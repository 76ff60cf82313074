"""Illnesses that have ended and procedures of years ago are named with their dates, below what is of today."""

import pytest

from hooks.patient_view.cards import cards
from tests.brief.charts import brief, coded, concept, condition, plain, texts


def _over(name, identity="c1", status="resolved", **more):
    return condition(name, identity, status=status, **more)


def _done(name, when, identity="p1", **more):
    done = {"status": "completed", "performedDateTime": when, "code": {"text": name}}
    return plain("Procedure", identity, **{**done, **more})


def test_illnesses_that_ended_are_named_newest_first_with_their_end():
    made = brief(
        condition("Asthma", "c0"),
        _over("Pulmonary embolism", "c1", abatementDateTime="2022-09-03"),
        _over("Gout", "c2", abatementPeriod={"end": "2024-01-05"}),
        _over("Solitary kidney", "c3", "inactive", onsetDateTime=None, recordedDate="2009-01-01"),
        _over("Endocarditis", "c4", onsetDateTime="2023-03-01"),
        _over("Gout", "c5", abatementDateTime="2020-01-05"),
    )
    assert texts(made, "procedures")[0] == (
        "No longer active: Gout (ended 2024-01-05, 2 entries), Endocarditis (began 2023-03-01), "
        "Pulmonary embolism (ended 2022-09-03), Solitary kidney (recorded 2009-01-01)"
    )
    assert len(texts(made, "problems")) == 1


@pytest.mark.parametrize(
    "more",
    [
        {"verified": "refuted"},
        {"category": [coded("sdoh")]},
        {"code": concept("No problems", ("", "no-known-problems"))},
    ],
)
def test_what_was_refuted_or_no_illness_is_none(more):
    assert not texts(brief(_over("Gout", **more)), "procedures")


def test_an_illness_that_came_back_stands_among_those_of_today_alone():
    made = brief(condition("Gout", "c0"), _over("Gout", "c1", onsetDateTime="2010-01-01"))
    assert len(texts(made, "problems")) == 1
    assert not texts(made, "procedures")


def test_that_no_problem_is_active_is_still_said_and_a_card_counts_none_of_the_past():
    made = brief(_over("Gout"))
    assert texts(made, "problems")[0] == "Problems: none active recorded in this bundle"
    assert "problem" not in cards(made)[-1].summary
    assert any(
        "No longer active: Gout" in line
        for part in cards(made)[-1].detail
        for line in getattr(part, "lines", ())
    )


def test_older_procedures_are_named_once_each_by_their_newest_date():
    made = brief(
        _done("Pacemaker", "2024-10-03", "p1"),
        _done("Stent", "2020-01-02", "p2"),
        _done("Stent", "2025-10-03", "p3"),
        _done("Splenectomy", "1999", "p4", status="unknown"),
        _done("Valve", "2019-01-01", "p5", status="not-done"),
        _done("Dialysis", "2026-10-01", "p6"),
        _done("Dialysis", "2024-10-01", "p7"),
        _done("Colonoscopy", "2018-01-02", "p8"),
    )
    assert texts(made, "procedures") == [
        "Dialysis, 2026-10-01",
        (
            "Earlier operations, by date of the newest: Stent (2025-10-03), Pacemaker (2024-10-03), "
            "Splenectomy (1999, status unknown)"
        ),
        "Older procedures, by date of the newest: Colonoscopy (2018-01-02)",
    ]


def _on_card(*chart):
    for part in cards(brief(*chart))[-1].detail:
        if getattr(part, "heading", "") == "Past illnesses and operations":
            return part.lines
    return ()


@pytest.mark.parametrize(
    "name",
    [
        "Transplantation of kidney",
        "Below knee amputation of left leg",
        "Total hip arthroplasty",
        "Hemiarthroplasty of hip",
        "Aortic valve replacement",
        "Implantation of cardiac pacemaker",
        "Percutaneous coronary intervention",
        "Laparoscopic splenectomy",
        "Roux-en-Y gastric bypass",
        "Laparoscopic cholecystectomy",
        "Excision of appendix",
    ],
)
def test_a_card_has_the_operations_that_last_whatever_their_age(name):
    assert _on_card(_done(name, "1999-10-03")) == (
        f"Earlier operations, by date of the newest: {name} (1999-10-03)",
    )
    assert _on_card(_done(name, "2026-03-02")) == (f"{name}, 2026-03-02",)
    [line] = brief(_done(name, "2026-03-02")).section("procedures")
    assert line.statement.flags == ("lasting",)


@pytest.mark.parametrize(
    "name", ["Colonoscopy", "Pacemaker interrogation", "Follow-up of transplant", "Valve test"]
)
def test_but_not_what_left_nothing_nor_that_such_a_thing_was_looked_at(name):
    assert _on_card(_done(name, "2024-10-03"), _done(name, "2026-10-03", "p2")) == ()


@pytest.mark.parametrize("name", ["Medication reconciliation", "Depression screening (procedure)"])
def test_but_tests_talks_and_paperwork_of_years_ago_are_not(name):
    assert not texts(brief(_done(name, "2024-10-03")), "procedures")
    assert len(texts(brief(_done(name, "2026-10-03")), "procedures")) == 1
