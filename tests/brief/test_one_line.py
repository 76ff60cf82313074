"""What names many things needs one line, so that it does not take the place of others; and an old pregnancy is none."""

import pytest

from tests.brief.charts import booked, brief, coded, condition, flags, order, plain, seen, texts

_VISIT = seen("2026-07-01T10:00:00-05:00")


def _orders(count, **more):
    return [
        plain(
            "ServiceRequest",
            f"sr{place:02}",
            status="active",
            intent="order",
            code={"text": f"Test {chr(65 + place)}"},
            authoredOn="2026-08-01",
            **more,
        )
        for place in range(count)
    ]


def test_many_open_orders_are_one_line_that_names_six_and_cites_all():
    made = brief(*_orders(20))
    [line] = made.section("attention")
    assert line.text == (
        "Orders without a result in the record: Test A (2026-08-01); Test B (2026-08-01); "
        "Test C (2026-08-01); Test D (2026-08-01); Test E (2026-08-01); Test F (2026-08-01); and 14 more"
    )
    assert len(line.statement.refs) == 20
    assert len(texts(made, "open_loops")) == 20


def test_an_order_of_the_visit_is_named_first():
    last = plain(
        "ServiceRequest",
        "sr99",
        status="active",
        intent="order",
        code={"text": "Retinal examination"},
        reasonCode=[{"text": "Diabetes follow-up"}],
        authoredOn="2026-07-30",
    )
    [line] = texts(brief(booked(), *_orders(20), last), "attention")
    assert line.split(": ")[1].startswith(
        "Retinal examination for Diabetes follow-up (2026-07-30)"
    )


def test_a_high_alert_medicine_of_many_orders_is_named_once_on_one_line():
    orders = [
        order(name, f"m{place}{day}", authoredOn=f"2025-01-{day:02}")
        for place, name in enumerate(("lamotrigine 100 mg", "lithium 300 mg"))
        for day in range(1, 16)
    ]
    lines = [t for t in texts(brief(*orders), "attention") if t.startswith("High-alert")]
    assert lines == ["High-alert: lamotrigine (antiepileptic or lithium), lithium"]


def test_many_drug_changes_are_one_line_high_alert_ones_first():
    drugs = [
        order(f"Drug {chr(65 + place)} 5 mg", f"m{place}", authoredOn="2026-08-01")
        for place in range(14)
    ]
    warfarin = order("warfarin 5 mg", "z", authoredOn="2026-07-10")
    made = brief(_VISIT, *drugs, warfarin)
    [line] = [x for x in made.section("attention") if x.statement.kind == "medication_change"]
    assert line.text.startswith(
        "Drug changes since the last visit: new warfarin 5 mg, Drug A 5 mg"
    )
    assert line.text.endswith("; and 3 more")
    assert len(line.statement.refs) == 15
    assert len(texts(made, "changes")) == 15


_PREGNANT = {"code": {"text": "Normal pregnancy", "coding": [{"code": "72892002"}]}}


@pytest.mark.parametrize("more", [{}, {"category": [coded("encounter-diagnosis")]}])
def test_a_pregnancy_of_long_ago_is_no_pregnancy_of_today(more):
    made = brief(condition("", onsetDateTime="1994-03-01", **_PREGNANT, **more))
    assert not texts(made, "attention")
    assert "Normal pregnancy" in texts(made, "problems")[0]


@pytest.mark.parametrize(
    "when",
    [
        {"onsetDateTime": "2026-03-01"},
        {"onsetDateTime": "2025-03-01", "recordedDate": "2026-03-01"},
        {"onsetDateTime": None},
    ],
)
def test_one_that_may_be_of_today_needs_attention(when):
    [line] = flags(brief(condition("", **_PREGNANT, **when)), "attention")
    assert "must_show" in line


def test_a_second_pregnancy_counts_by_its_own_date():
    made = brief(
        condition("", "c1", onsetDateTime="1994-03-01", **_PREGNANT),
        condition("", "c2", onsetDateTime="2026-03-01", **_PREGNANT),
    )
    assert texts(made, "attention") == [
        "Normal pregnancy, since 1994-03-01; 2 entries, newest 2026-03-01"
    ]


@pytest.mark.parametrize(("onset", "is_told"), [("2026-01-27", True), ("2026-01-26", False)])
def test_a_pregnancy_is_told_for_300_days(onset, is_told):
    made = brief(condition("", onsetDateTime=onset, **_PREGNANT))
    assert bool(texts(made, "attention")) is is_told


def test_orders_that_stand_on_no_other_line_are_all_named():
    old = [{**each, "authoredOn": "2020-08-01"} for each in _orders(10)]
    [line] = texts(brief(*old), "open_loops")
    assert all(f"Test {letter} (2020-08-01)" in line for letter in "ABCDEFGHIJ")
