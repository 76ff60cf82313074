"""Many servers store every time in UTC: the brief reckons days, and tells times, by the clock of the site."""

from datetime import datetime

import pytest

from cds_service.brief import rule_brief
from tests.brief.charts import (
    ZONE,
    allergy,
    booked,
    brief,
    condition,
    context,
    flagged,
    lab,
    order,
    plain,
    seen,
    texts,
)
from tests.brief.oracle import judge

EVENING = seen(
    period={"start": "2026-09-14T23:45:00Z", "end": "2026-09-15T00:15:00Z"},
)
"""A visit from 18:45 to 19:15 on the 14th in Chicago."""


def test_todays_visit_is_the_next_one_and_that_of_yesterday_evening_is_not():
    made = brief(
        booked("2026-11-23T01:00:00Z", "yesterday", reasonCode=[{"text": "Cough"}]),
        booked("2026-11-23T18:00:00Z", "today"),
    )
    assert texts(made, "visit")[1] == "Booked 2026-11-23 12:00: Diabetes follow-up"


def test_what_was_written_during_an_evening_visit_is_no_change_since_it():
    made = brief(
        EVENING,
        order("lisinopril 10 mg", authoredOn="2026-09-15T00:10:00Z"),
        condition("Hypertension", onsetDateTime=None, recordedDate="2026-09-15T00:09:00Z"),
        allergy("Latex", recordedDate="2026-09-15T00:05:00Z"),
    )
    assert texts(made, "visit")[1] == "Last visit: 2026-09-14 18:45, Office visit"
    assert not texts(made, "changes")
    assert "ordered 2026-09-14" in texts(made, "medications")[0]


@pytest.mark.parametrize(("issued", "is_told"), [("00:10", False), ("02:00", True)])
def test_a_result_counts_from_the_end_of_an_evening_visit(issued, is_told):
    result = lab("9.1", "2026-09-15T00:05:00Z", issued=f"2026-09-15T{issued}:00Z", **flagged("H"))
    assert bool(texts(brief(EVENING, result), "changes")) is is_told


def test_an_order_of_the_evening_visit_waits_since_that_day():
    bloods = plain(
        "ServiceRequest",
        "sr1",
        status="active",
        intent="order",
        code={"text": "Basic metabolic panel"},
        authoredOn="2026-10-24T01:00:00Z",  # the evening of the 23rd: 31 days ago
    )
    assert texts(brief(bloods), "open_loops") == [
        "Ordered, no result in the record: Basic metabolic panel, ordered 2026-10-23"
    ]


def test_the_same_chart_says_the_same_whatever_offset_a_server_stores():
    def chart(first, second, third):
        return brief(
            seen(first), lab("7.1", second, "o1"), lab("6.5", third, "o2"), booked("2026-11-24T09:00:00-06:00")
        )  # fmt: skip

    local = chart(
        "2026-08-31T20:00:00-05:00", "2026-11-10T18:30:00-06:00", "2026-03-01T19:00:00-06:00"
    )
    stored = chart("2026-09-01T01:00:00Z", "2026-11-11T00:30:00Z", "2026-03-02T02:00:00+01:00")
    assert [line.text for line in stored.lines()] == [line.text for line in local.lines()]


def test_the_judge_finds_each_number_of_a_time_that_was_told_by_another_clock():
    found = context(EVENING, lab("7.1", "2026-11-11T00:37:00Z"))
    counts = judge(found, rule_brief(found))
    assert counts["numbers seen"] > 10
    assert not counts["numbers wrong"]


def test_late_in_the_evening_today_is_still_the_day_of_the_site():
    late = datetime(2026, 11, 23, 20, 0, tzinfo=ZONE)  # the 24th in UTC
    made = brief(booked("2026-11-23T21:00:00-06:00"), now=late)
    assert texts(made, "visit")[1] == "Booked 2026-11-23 21:00: Diabetes follow-up"
