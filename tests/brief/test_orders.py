"""Which orders wait, since when, and what answers them."""

import time

import pytest

from cds_service.brief import rule_brief
from tests.brief.charts import (
    LOINC,
    SUBJECT,
    booked,
    brief,
    coded,
    concept,
    context,
    lab,
    plain,
    seen,
    texts,
)

REFERRAL = {"category": [coded("3457005")]}
SNOMED = "http://snomed.info/sct"
LAB = {"category": [coded("108252007")]}
NAMED = [{"reference": "ServiceRequest/sr1"}]


def ordered(name="Ambulatory referral to Cardiology", when="2026-05-01", **more):
    said = {"status": "active", "intent": "order", "code": {"text": name}, "authoredOn": when}
    return plain("ServiceRequest", "sr1", **{**said, **more})


@pytest.mark.parametrize(
    "name",
    [
        *(
            "Activity as tolerated",
            "Diet regular, low sodium",
            "Regular diet",
            "Telemetry monitoring",
        ),
        *("Strict intake and output", "Strict I&O", "Home oxygen 2 L/min", "Fall precautions"),
    ],
)
def test_orders_of_care_diet_activity_and_equipment_wait_for_no_result(name):
    made = brief(ordered(name))
    assert texts(made, "attention") == texts(made, "open_loops") == []


@pytest.mark.parametrize(
    ("name", "more"),
    [
        ("Factor VIII activity", {}),
        ("Plasma renin activity", {}),
        ("Oxygen saturation", {}),
        ("Diet counseling", REFERRAL),
        ("Activity level of an enzyme", LAB),
        ("Telemetry, mobile cardiac, 14 days", {}),
    ],
)
def test_tests_and_referrals_wait_whatever_their_words(name, more):
    assert len(texts(brief(ordered(name, **more)), "attention")) == 1


def test_an_order_of_a_code_status_is_told_as_a_directive_and_waits_for_nothing():
    made = brief(ordered("Code status: DNR/DNI"))
    assert texts(made, "context") == ["Order: Code status: DNR/DNI, ordered 2026-05-01"]
    assert texts(made, "attention") == texts(made, "open_loops") == []


@pytest.mark.parametrize(
    ("order", "told"),
    [
        ({"name": "Comfort measures only"}, "Order: Comfort measures only, ordered 2026-05-01"),
        (
            {"code": concept("Resus", (SNOMED, "304253006", "Not for resuscitation (finding)"))},
            "Order: Resus, ordered 2026-05-01",
        ),
        (
            {"name": "CPR", "category": [coded("100822-6")], "doNotPerform": True},
            "Order not to perform: CPR, ordered 2026-05-01",
        ),
    ],
)
def test_a_code_status_is_known_by_its_codes_too_and_one_against_it_says_so(order, told):
    made = brief(ordered(**order))
    assert texts(made, "context") == [told]
    assert texts(made, "attention") == texts(made, "open_loops") == []


def test_an_order_not_to_do_something_waits_for_no_result():
    made = brief(ordered("MRI brain", doNotPerform=True))
    assert texts(made, "attention") == texts(made, "open_loops") == []


@pytest.mark.parametrize(
    "order",
    [
        {"name": "Physical therapy, evaluate and treat"},
        {"name": "Eval: PT/OT"},
        {"code": concept("Logopedics", (SNOMED, "5154007", "Speech therapy (regime/therapy)"))},
        {"name": "Six sessions", "category": [coded("91251008")]},
    ],
)
def test_a_therapy_waits_like_a_referral_and_for_no_result(order):
    [line] = texts(brief(ordered(**order)), "attention")
    assert line.startswith("Referrals not answered by anything in the record: ")
    made = brief(seen(), ordered(when="2026-11-12", **order))
    assert texts(made, "open_loops")[0].startswith("Referral open: ")


@pytest.mark.parametrize("answer", ["visit", "note"])
def test_a_therapy_is_answered_by_a_visit_or_a_note_that_names_it(answer):
    came = {"visit": VISIT, "note": NOTE}[answer]
    made = brief(seen(), ordered("Physical therapy"), came)
    assert texts(made, "attention") == texts(made, "open_loops") == []


@pytest.mark.parametrize(
    "order", [{"name": "PT/INR"}, {"name": "Speech therapy swallow study, video", **LAB}]
)
def test_a_test_is_no_therapy_for_a_word_of_its_name(order):
    [line] = texts(brief(ordered(**order)), "attention")
    assert line.startswith("Orders without a result in the record: ")


def test_a_category_in_words_tells_it_too():
    made = brief(ordered("Bath", category=[{"text": "Nursing"}]))
    assert texts(made, "open_loops") == []


@pytest.mark.parametrize(
    "later",
    [
        {"occurrenceDateTime": "2027-03-15"},
        {"occurrencePeriod": {"start": "2026-06-01", "end": "2027-03-15"}},
    ],
)
def test_an_order_waits_from_the_day_for_which_it_is_written(later):
    made = brief(seen(), ordered("Low dose CT chest", **later))
    assert texts(made, "attention") == []
    assert texts(made, "open_loops") == [
        "Ordered, no result yet: Low dose CT chest, ordered 2026-05-01, planned for 2027-03-15"
    ]


def test_an_order_whose_day_has_long_passed_is_told_with_that_day():
    made = brief(seen(), ordered("Lipid panel", occurrenceDateTime="2026-08-01"))
    assert texts(made, "attention") == [
        ("Orders without a result in the record: Lipid panel (2026-05-01, planned for 2026-08-01)")
    ]


def test_a_booked_appointment_for_a_referral_is_told_and_cited_in_place_of_an_alarm():
    booking = booked("2026-12-09T09:00:00-06:00", "a9", reasonCode=[], basedOn=NAMED)
    made = brief(seen(), ordered(**REFERRAL), booking)
    assert texts(made, "attention") == []
    [line] = made.section("open_loops")
    assert line.text.endswith("ordered 2026-05-01, booked 2026-12-09")
    assert line.statement.refs == ("ServiceRequest/sr1", "Appointment/a9")


NOTE = plain(
    "DocumentReference",
    "d1",
    status="current",
    date="2026-06-02",
    type={"text": "Consult note"},
    context={"related": NAMED},
)
VISIT = seen("2026-06-02T10:00:00-05:00", "e9", basedOn=NAMED)
CAME = booked("2026-06-02T09:00:00-05:00", "a9", status="fulfilled", basedOn=NAMED)


@pytest.mark.parametrize("answer", [NOTE, VISIT, CAME])
def test_a_visit_or_a_note_that_names_a_referral_answers_it(answer):
    made = brief(seen(), ordered(**REFERRAL), answer)
    assert texts(made, "attention") == texts(made, "open_loops") == []


@pytest.mark.parametrize(
    "other",
    [
        {**NOTE, "type": concept("", (LOINC, "57133-1", "Referral note"))},
        {**NOTE, "date": "2026-04-30"},
        {**VISIT, "status": "cancelled"},
        {**CAME, "status": "noshow"},
    ],
)
def test_its_own_letter_or_a_visit_that_never_was_answers_nothing(other):
    assert len(texts(brief(seen(), ordered(**REFERRAL), other), "attention")) == 1


def test_a_visit_answers_no_test():
    assert len(texts(brief(seen(), ordered("Lipid panel", **LAB), VISIT), "attention")) == 1


def test_where_no_visit_is_known_a_young_order_is_told_too():
    assert texts(brief(ordered("Lipid panel", "2026-11-12")), "open_loops") == [
        "Ordered, no result yet: Lipid panel, ordered 2026-11-12"
    ]


def _task(status, identity="t1", **more):
    said = {"status": status, "for": SUBJECT, "focus": NAMED[0], "authoredOn": "2026-05-04"}
    return plain("Task", identity, **said, **more)


@pytest.mark.parametrize("status", ["rejected", "failed", "cancelled"])
def test_a_task_that_nobody_carried_out_answers_no_order_and_says_why(status):
    task = _task(status, statusReason={"text": "Out of network"})
    more = {"priority": "urgent", "reasonCode": [{"text": "BI-RADS 5"}]}
    made = brief(ordered("Referral to Surgery", **REFERRAL, **more), task)
    assert texts(made, "attention") == [
        (
            "Referrals not answered by anything in the record: Referral to Surgery for BI-RADS 5 "
            f"(2026-05-01, urgent, task {status}: Out of network)"
        )
    ]
    assert made.section("attention")[0].statement.refs == ("ServiceRequest/sr1", "Task/t1")
    assert texts(made, "open_loops") == [
        (
            "Referral open: Referral to Surgery, for BI-RADS 5, ordered 2026-05-01, urgent, "
            f"task {status}: Out of network"
        )
    ]


def test_a_task_that_was_completed_answers_its_order():
    assert not texts(brief(ordered(), _task("completed")), "attention")


def test_an_order_that_was_turned_down_is_told_at_once():
    young = ordered("CT chest", "2026-11-18", **LAB)
    assert not texts(brief(seen(), young), "attention")
    assert texts(brief(seen(), young, _task("failed")), "attention") == [
        "Orders without a result in the record: CT chest (2026-11-18, task failed)"
    ]


def test_where_another_task_waits_the_one_that_was_rejected_is_not_told():
    made = brief(ordered(**REFERRAL), _task("rejected"), _task("accepted", "t2"))
    assert texts(made, "open_loops")[0].endswith(
        "ordered 2026-05-01, task accepted since 2026-05-04"
    )
    assert "task" not in texts(made, "attention")[0]


def test_what_was_turned_down_is_named_first():
    others = [{**ordered(f"Test {n}", "2026-06-01", **LAB), "id": f"sr{n}"} for n in range(2, 9)]
    made = brief(*others, ordered("CT chest", **LAB), _task("rejected"), booked())
    assert "in the record: CT chest (" in texts(made, "attention")[0]


@pytest.mark.parametrize(
    ("name", "answer"),
    [
        ("Creatinine", concept("Creatinine", (LOINC, "2160-0"))),
        ("INR", concept("Coag", (LOINC, "6301-6"))),
        ("Ferritin level", concept("", (LOINC, "99999-9", "Ferritin level"))),
    ],
)
def test_an_order_in_words_is_answered_by_a_coded_result_of_that_name(name, answer):
    result = plain("Observation", "o1", status="final", code=answer)
    later = {**result, "effectiveDateTime": "2026-05-20"}
    before = {**result, "effectiveDateTime": "2026-04-20"}
    assert texts(brief(ordered(name, **LAB), later), "attention") == []
    assert len(texts(brief(ordered(name, **LAB), before), "attention")) == 1
    assert len(texts(brief(ordered(f"{name} clearance", **LAB), later), "attention")) == 1


AT_ONE_VISIT = {"encounter": {"reference": "Encounter/e1"}}
A1C = {"code": concept("Hemoglobin A1c", (LOINC, "4548-4")), **LAB}


def _waits(order_, result, *more):
    """Whether an order of HbA1c, of the visit of 1 September, waits beside a result."""
    return bool(texts(brief(seen(), ordered(**{**A1C, **order_}), result, *more), "attention"))


@pytest.mark.parametrize(
    ("written", "drawn", "more"),
    [
        ("2026-09-01", "2026-09-01", {}),
        ("2026-09-01T10:20:00-05:00", "2026-09-01", {}),
        ("2026-09-01", "2026-09-01T07:00:00-05:00", {}),
        (
            "2026-09-01T10:20:00-05:00",
            "2026-09-01T10:05:00-05:00",
            {"issued": "2026-09-01T13:05:00-05:00"},
        ),
        ("2026-09-01T10:20:00-05:00", "2026-09-01", {"issued": "2026-09-01T13:05:00-05:00"}),
        ("2026-09-01T10:20:00-05:00", "2026-09-01T10:05:00-05:00", {}),
        (
            "2026-09-01T10:20:00-05:00",
            "2026-09-01T10:05:00-05:00",
            {"issued": "2026-09-01T10:06:00-05:00", **AT_ONE_VISIT},
        ),
        ("2026-09-01T22:00:00-05:00", "2026-09-01", {"issued": "2026-09-02"}),
    ],
)
def test_a_result_of_the_orders_day_that_was_not_known_before_it_answers_it(written, drawn, more):
    assert not _waits({"when": written, **AT_ONE_VISIT}, lab("6.1", drawn, **more))


@pytest.mark.parametrize(
    ("written", "drawn", "more"),
    [
        (
            "2026-09-01T15:00:00-05:00",
            "2026-09-01T07:00:00-05:00",
            {"issued": "2026-09-01T09:00:00-05:00", **AT_ONE_VISIT},
        ),
        ("2026-09-01T15:00:00-05:00", "2026-09-01", {"issued": "2026-09-01T09:00:00-05:00"}),
        ("2026-09-01T15:00:00-05:00", "2026-09-01T07:00:00-05:00", {}),
        (
            "2026-09-01T10:20:00-05:00",
            "2026-09-01T08:05:00-05:00",
            {"issued": "2026-09-01T13:05:00-05:00"},
        ),
        (
            "2026-09-01T10:20:00-05:00",
            "2026-09-01T10:05:00-05:00",
            {"issued": "2026-09-01T10:06:00-05:00"},
        ),
        ("2026-09-01", "2026-08-31", {"issued": "2026-09-02T08:00:00-05:00"}),
        ("2026-09-01", "2026-09-01", {"basedOn": [{"reference": "ServiceRequest/sr7"}]}),
    ],
)
def test_one_that_was_known_before_it_or_is_of_another_order_or_day_does_not(written, drawn, more):
    assert _waits({"when": written, **AT_ONE_VISIT}, lab("6.1", drawn, **more))


def test_an_order_for_a_later_day_is_not_answered_by_a_result_of_the_day_on_which_it_was_written():
    repeat = {"when": "2026-09-01", "occurrenceDateTime": "2026-10-01"}
    assert _waits(repeat, lab("6.1", "2026-09-01"))
    assert not _waits(repeat, lab("6.1", "2026-10-02"))
    assert _waits({**repeat, "when": "2026-09-01T10:00:00Z"}, lab("6.1", "2026-09-01T11:00:00Z"))


@pytest.mark.parametrize("clock", ["", "T10:00:00Z"])
def test_a_thousand_orders_and_results_of_one_name_and_day_cost_no_time(clock):
    when = f"2026-09-01{clock}"
    same = [
        each
        for n in range(500)
        for each in (
            ordered("Glucose", when=when, reasonCode=[{"text": "glucose"}], id=f"s{n}"),
            lab("6.1", when, f"o{n}", code={"text": "Glucose"}),
        )
    ]
    record = context(*same)
    began = time.process_time()
    rule_brief(record)
    assert time.process_time() - began < 1


def test_in_a_stay_a_test_is_done_again_and_an_order_after_a_result_waits():
    result = lab(
        "6.1",
        "2026-09-05T10:05:00-05:00",
        issued="2026-09-05T10:06:00-05:00",
        encounter={"reference": "Encounter/e2"},
    )
    stay = seen(
        "2026-09-04T10:00:00-05:00",
        "e2",
        kind="IMP",
        period={"start": "2026-09-04", "end": "2026-09-08"},
    )
    order_ = {"when": "2026-09-05T10:20:00-05:00", "encounter": {"reference": "Encounter/e2"}}
    assert _waits(order_, result, stay)


@pytest.mark.parametrize(
    "reason",
    [
        {"reasonCode": [{"text": "Subdural hematoma"}]},
        {"reasonReference": [{"reference": "Condition/c1", "display": "Subdural hematoma"}]},
    ],
)
def test_an_order_for_what_a_result_of_its_day_found_asks_for_another_one(reason):
    ct = plain(
        "DiagnosticReport",
        "r1",
        status="final",
        code={"text": "CT head"},
        effectiveDateTime="2026-10-10",
        conclusion="Small left subdural hematoma. Repeat CT in 2 weeks.",
    )
    order_ = ordered("CT head", "2026-10-10", category=[coded("363679005")])
    assert texts(brief(seen(), order_, ct), "attention") == []
    assert len(texts(brief(seen(), {**order_, **reason}, ct), "attention")) == 1
    later = {**ct, "effectiveDateTime": "2026-10-24"}
    assert texts(brief(seen(), {**order_, **reason}, later), "attention") == []


def test_an_order_whose_reason_names_the_test_of_its_day_asks_for_another_one():
    result = lab("9.1", "2026-09-01", code=concept("Hemoglobin A1c", (LOINC, "4548-4")))
    assert _waits({"when": "2026-09-01", "reasonCode": [{"text": "Hemoglobin A1c 9.1 %"}]}, result)
    assert not _waits(
        {"when": "2026-09-01", "reasonCode": [{"text": "Blood test for diabetes"}]}, result
    )


_TODAY = "2026-09-01"
_IN_WEEKS = {"note": [{"text": "A1c in 3-4 weeks"}]}


@pytest.mark.parametrize(
    ("later", "drawn"),
    [
        ({"occurrenceTiming": {"event": ["2026-12-01"]}}, _TODAY),
        ({"occurrenceTiming": {"repeat": {"boundsPeriod": {"start": "2026-12-01"}}}}, _TODAY),
        (
            {
                "occurrenceTiming": {
                    "repeat": {"boundsPeriod": {"start": _TODAY, "end": "2027-09-01"}}
                }
            },
            _TODAY,
        ),
        ({"reasonCode": [{"text": "Repeat"}]}, _TODAY),
        ({"note": [{"text": "Recheck, please."}]}, f"{_TODAY}T07:00:00-05:00"),
        ({"patientInstruction": "Blood test for your follow-up"}, _TODAY),
        ({"note": [{"text": "Recollect"}]}, _TODAY),
        (_IN_WEEKS, _TODAY),
        ({**_IN_WEEKS, "when": f"{_TODAY}T08:00:00-05:00"}, f"{_TODAY}T10:00:00-05:00"),
    ],
)
def test_an_order_for_later_or_for_another_one_is_not_answered_by_a_result_of_its_day(
    later, drawn
):
    assert _waits({"when": _TODAY, **later}, lab("6.1", drawn))
    assert not _waits({"when": _TODAY, **later}, lab("6.1", "2026-10-02"))


@pytest.mark.parametrize(
    "more",
    [
        {"occurrenceTiming": {"event": [_TODAY]}},
        {"note": [{"text": "Fasting. Repeated infections in the last weeks."}]},
        {"reasonCode": [{"text": "Repeat"}], "when": f"{_TODAY}T08:00:00-05:00"},
    ],
)
def test_but_one_of_the_day_is_and_a_repeat_by_what_was_drawn_after_it(more):
    assert not _waits({"when": _TODAY, **more}, lab("6.1", f"{_TODAY}T10:00:00-05:00"))


@pytest.mark.parametrize("drawn", [_TODAY, f"{_TODAY}T10:00:00-05:00"])
@pytest.mark.parametrize(
    "result",
    [
        {"value": "", "dataAbsentReason": {"text": "Specimen hemolyzed"}},
        {"value": "", "valueString": "Quantity insufficient"},
        {"value": "6.1", "note": [{"text": "Clotted, please recollect"}]},
    ],
)
def test_a_result_that_is_none_answers_no_order_of_its_day(result, drawn):
    assert _waits({"when": f"{_TODAY}T09:50:00-05:00"}, lab(when=drawn, **result))


def test_a_result_without_a_value_that_is_called_positive_answers_its_order():
    assert not _waits({"when": _TODAY}, lab("", _TODAY, interpretation=[coded("POS")]))


def test_one_result_answers_one_order_the_one_that_was_written_before_its_draw():
    first = {**ordered(when=f"{_TODAY}T08:00:00-05:00", **A1C), "id": "sr0"}
    second = {"when": f"{_TODAY}T10:20:00-05:00"}
    result = lab("6.1", f"{_TODAY}T10:05:00-05:00")
    assert not _waits(second, result)
    assert _waits(second, result, first)
    before = lab("6.0", f"{_TODAY}T08:30:00-05:00", "o0")
    assert not _waits(second, result, first, before)
    named = lab("6.0", "2026-10-01", "o0", basedOn=[{"reference": "ServiceRequest/sr0"}])
    assert not _waits(second, result, first, named)


def test_a_result_of_before_an_order_answers_the_one_of_before_it_alone():
    first = {**ordered(when="2026-06-01", **A1C), "id": "sr0"}
    made = brief(seen(), first, ordered(when="2026-08-01", **A1C), lab("6.1", "2026-07-01"))
    [told] = texts(made, "attention")
    assert "2026-08-01" in told
