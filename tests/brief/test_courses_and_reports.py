"""When a medicine begins and ends is told with it, and what reports alone say of it since the last visit."""

import pytest

from cds_service.brief import rule_brief
from tests.brief.charts import allergy, brief, order, report, searched, seen, texts

VISIT = seen("2026-09-01T10:00:00-05:00")
NEW = {"authoredOn": "2026-11-20"}


def _bounds(*periods):
    return {
        "dosageInstruction": [
            {"text": "daily", "timing": {"repeat": {"boundsPeriod": each}}} for each in periods
        ]
    }


def _drugs(*chart):
    """The line of drug changes under Needs attention, without its head."""
    found = texts(brief(VISIT, *chart), "attention")
    head = "Drug changes since the last visit: "
    return next((line.removeprefix(head) for line in found if line.startswith(head)), "")


LATER = _bounds({"start": "2026-12-20", "end": "2026-12-23"})
SUPPLY = {"dispenseRequest": {"validityPeriod": {"start": "2026-12-20", "end": "2027-12-20"}}}


@pytest.mark.parametrize(
    ("how", "course"),
    [(LATER, "from 2026-12-20 until 2026-12-23"), (SUPPLY, "from 2026-12-20")],
)
def test_what_begins_later_says_so_wherever_it_is_named_and_is_not_in_force(how, course):
    made = brief(
        VISIT,
        order("warfarin 5 mg", "m1"),
        order("enoxaparin 80 mg", "m2", **NEW, **how),
        allergy("heparin"),
    )
    attention = texts(made, "attention")
    assert attention == [
        (
            "Allergy to heparin, yet listed: enoxaparin 80 mg, ordered 2026-11-20, "
            f"{course}, a medicine of the same class"
        ),
        "Drug changes since the last visit: new, from 2026-12-20: enoxaparin 80 mg",
        "High-alert: warfarin (anticoagulant); from 2026-12-20: enoxaparin (anticoagulant)",
    ]
    assert f"ordered 2026-11-20, {course}" in texts(made, "changes")[0]
    assert f"ordered 2026-11-20, {course}; high-alert" in texts(made, "medications")[0]


def test_an_order_for_later_is_no_conflict_with_the_one_in_force():
    later = order("lisinopril 10 mg", "m2", **NEW, **LATER)
    assert "listed twice" not in str(texts(brief(order("lisinopril 20 mg"), later), "attention"))


@pytest.mark.parametrize(
    ("periods", "said"),
    [
        ([{"start": "2026-11-20", "end": "2026-12-05"}], ", until 2026-12-05"),
        ([{"start": "2026-11-23", "end": "2026-11-23"}], ", until 2026-11-23"),
        ([{"end": "2026-11-22"}], ", written end 2026-11-22 has passed"),
        ([{"end": "2026-11-10"}, {"end": "2026-11-30"}], ", until 2026-11-30"),
        ([{"end": "2026-11-10"}, {}], ""),
        ([{"start": "2026-11-20"}, {"start": "2026-12-20"}], ""),
        ([{"start": "2026-11-01"}], ""),
    ],
)
def test_the_end_of_a_course_is_told_before_it_has_passed(periods, said):
    made = brief(order("ertapenem 1 g", **NEW, **_bounds(*periods)))
    dose = "; ".join(["daily"] * len(periods))
    assert texts(made, "medications") == [f"ertapenem 1 g: {dose}, ordered 2026-11-20{said}"]


def test_how_long_a_supply_may_be_dispensed_ends_no_course():
    supply = {"dispenseRequest": {"validityPeriod": {"end": "2027-05-04"}}}
    made = brief(order("lisinopril 10 mg", **supply))
    assert texts(made, "medications") == [
        "lisinopril 10 mg: Take 1 tablet daily, ordered 2026-05-04"
    ]


HIVES = {"status": "stopped", "statusReason": {"text": "hives"}}


def test_an_order_of_after_the_visit_was_stopped_after_it_whatever_tells_when():
    stopped = order("amoxicillin 500 mg", authoredOn="2026-11-02", **HIVES)
    assert _drugs(stopped) == "stopped amoxicillin 500 mg (reason: hives)"
    assert texts(brief(VISIT, stopped), "changes") == [
        "Stopped: amoxicillin 500 mg; when is not recorded; reason: hives"
    ]
    assert not _drugs(order("amoxicillin 500 mg", authoredOn="2026-08-02", **HIVES))


def _stopped(end=None, **more):
    period = {"effectivePeriod": {"start": "2025-02-02", "end": end}} if end else {}
    return report("warfarin 5 mg", status="stopped", **period, **more)


BLEED = {"statusReason": [{"text": "GI bleed"}, {"text": "falls"}]}


@pytest.mark.parametrize(
    ("chart", "said"),
    [
        ([_stopped("2026-11-12", dateAsserted="2025-02-02")], " (ended 2026-11-12)"),
        ([_stopped("2026-11-12", **BLEED)], " (ended 2026-11-12; reason: GI bleed, falls)"),
        ([_stopped(**BLEED)], " (reason: GI bleed, falls)"),
    ],
)
def test_a_stop_that_only_a_report_tells_is_told_as_reported(chart, said):
    assert _drugs(*chart) == f"reported as stopped warfarin 5 mg{said}"


@pytest.mark.parametrize(
    "chart",
    [
        [_stopped()],
        [_stopped("2026-08-12", **BLEED)],
        [_stopped(dateAsserted="2026-08-12", **BLEED)],
        [_stopped("2026-11-12"), report("warfarin 5 mg", "s2", dateAsserted="2026-11-15")],
    ],
)
def test_a_stop_of_before_or_of_no_known_time_or_of_what_is_taken_is_no_change(chart):
    assert "stopped" not in _drugs(*chart)


def test_a_stop_that_orders_tell_is_told_once():
    ended = order("warfarin 5 mg", authoredOn="2026-10-02", status="stopped")
    assert _drugs(ended, _stopped("2026-11-12")) == "stopped warfarin 5 mg"


OLD = report("amlodipine 5 mg", "s9", dateAsserted="2025-02-02")


def test_a_medicine_that_only_reports_name_is_new_by_when_it_was_begun():
    begun = report("rivaroxaban 20 mg", effectivePeriod={"start": "2026-11-14"})
    assert _drugs(begun) == "reported as begun: rivaroxaban 20 mg (2026-11-14)"
    assert texts(brief(VISIT, begun), "changes") == [
        (
            "Reported as begun 2026-11-14: rivaroxaban 20 mg: Take 1 tablet daily, "
            "reported 2026-10-01"
        )
    ]
    assert not _drugs(report("rivaroxaban 20 mg", effectivePeriod={"start": "2026-08-14"}), OLD)


def test_without_that_it_is_only_said_that_no_earlier_entry_names_it():
    named = report("rivaroxaban 20 mg", dateAsserted="2026-11-16")
    assert _drugs(named, OLD) == "in no earlier entry: rivaroxaban 20 mg"
    made = brief(VISIT, named, OLD)
    assert texts(made, "changes") == [
        ("In no earlier entry: rivaroxaban 20 mg: Take 1 tablet daily, reported 2026-11-16")
    ]
    assert "new" not in made.section("medications")[0].statement.flags


@pytest.mark.parametrize(
    "earlier",
    [
        order("Xarelto 15 mg", "m9", authoredOn="2025-02-02", status="completed"),
        report("rivaroxaban 15 mg", "s8", dateAsserted="2025-02-02"),
        report("rivaroxaban", "s8", dateAsserted="2025-02-02", status="stopped"),
    ],
)
def test_a_medicine_that_an_earlier_entry_names_is_no_change(earlier):
    assert not _drugs(report("rivaroxaban 20 mg", dateAsserted="2026-11-16"), OLD, earlier)


def test_a_medicine_of_no_table_in_another_strength_is_not_taken_for_another():
    earlier = report("lacosamide 50 mg", "s8", dateAsserted="2025-02-02")
    later = report("lacosamide 100 mg", dateAsserted="2026-11-16")
    assert not _drugs(later, earlier)


def test_a_list_that_was_written_anew_as_a_whole_tells_of_no_entry_that_it_is_the_first():
    alike = [
        report("rivaroxaban 20 mg", "s1", dateAsserted="2026-11-16"),
        report("amlodipine 5 mg", "s2", dateAsserted="2026-11-16"),
    ]
    assert not _drugs(*alike)


def test_nor_is_it_said_where_medicines_were_not_all_read():
    named = report("rivaroxaban 20 mg", dateAsserted="2026-11-16")
    states = {"medications": "truncated"}
    cut = rule_brief(searched(VISIT, named, OLD, states=states))
    assert "earlier entry" not in str(texts(cut, "attention"))
    assert "earlier entry" in str(texts(rule_brief(searched(VISIT, named, OLD)), "attention"))


def test_why_a_medicine_is_not_taken_is_quoted_beside_its_order():
    denied = report("rivaroxaban 20 mg", status="not-taken", statusReason=[{"text": "cost"}])
    made = brief(order("rivaroxaban 20 mg"), denied)
    assert texts(made, "attention")[0] == (
        "Active: rivaroxaban 20 mg, ordered 2026-05-04; reported as not taken 2026-10-01; reason: cost"
    )
    assert texts(made, "medications") == [
        (
            "rivaroxaban 20 mg: Take 1 tablet daily, ordered 2026-05-04; reported as not taken "
            "2026-10-01, reason: cost; high-alert (anticoagulant)"
        )
    ]
