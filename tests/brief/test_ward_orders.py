"""An order for a stay in hospital that is over was never a medicine of home: it is told only while nobody closed it."""

from tests.brief.charts import brief, coded, order, seen, texts

VISIT = seen("2026-07-10T10:00:00-05:00")
STAY = seen(
    "2026-11-08T18:00:00-06:00",
    "stay",
    kind="IMP",
    period={"start": "2026-11-08T18:00:00-06:00", "end": "2026-11-14T12:00:00-06:00"},
)
IN_STAY = {"encounter": {"reference": "Encounter/stay"}}
WARD = {**IN_STAY, "category": [coded("inpatient")]}
CLOSED = {"meta": {"versionId": "1", "lastUpdated": "2026-11-14T12:00:00-06:00"}}
WARFARIN = order(
    "warfarin 5 mg",
    "home",
    status="stopped",
    authoredOn="2025-12-01",
    category=[coded("outpatient")],
    statusReason={"text": "GI bleed"},
    **CLOSED,
)


def drugs(made):
    return [text for text in texts(made, "attention") if text.startswith("Drug changes")]


def ward(name, identity, day="2026-11-09", **more):
    return order(name, identity, status="stopped", authoredOn=day, **{**CLOSED, **WARD, **more})


def test_ward_orders_are_no_changes_and_drown_none():
    made = brief(VISIT, STAY, WARFARIN, ward("heparin injection", "w1"), ward("propofol", "w2"))
    [line] = drugs(made)
    assert line == ("Drug changes since the last visit: stopped warfarin 5 mg (reason: GI bleed)")
    assert not [text for text in texts(made, "changes") if "heparin" in text]


def test_a_discharge_that_closes_many_ward_orders_is_no_move_between_systems():
    many = [ward(f"senna {n} mg", f"w{n}", f"2026-11-{9 + n:02}") for n in range(5)]
    made = brief(VISIT, STAY, WARFARIN, *many)
    assert texts(made, "changes")[1:] == [
        "Stopped: warfarin 5 mg; record of 2026-11-14; reason: GI bleed"
    ]


def test_without_a_category_an_order_that_ended_with_its_stay_was_for_the_stay():
    plain = {"category": []}
    assert not drugs(brief(VISIT, STAY, ward("ondansetron 4 mg", "w1", **plain)))
    after = {"meta": {"versionId": "1", "lastUpdated": "2026-11-20T12:00:00-06:00"}}
    made = brief(VISIT, STAY, ward("cephalexin 500 mg", "w1", **plain, **after))
    said = "ordered in a stay that ended 2026-11-14"
    assert drugs(made) == [
        f"Drug changes since the last visit: stopped cephalexin 500 mg ({said})"
    ]
    assert f"Stopped: cephalexin 500 mg; record of 2026-11-20; {said}" in texts(made, "changes")


def test_an_order_for_home_that_ended_after_its_stay_is_an_order_of_home():
    after = {"meta": {"versionId": "1", "lastUpdated": "2026-11-20T12:00:00-06:00"}}
    discharge = {"category": [coded("discharge")]}
    made = brief(VISIT, STAY, ward("cephalexin 500 mg", "w1", **discharge, **after))
    assert drugs(made) == ["Drug changes since the last visit: stopped cephalexin 500 mg"]


def test_an_order_for_discharge_is_told_though_it_was_written_in_the_stay():
    discharge = {**IN_STAY, "category": [coded("discharge")]}
    made = brief(VISIT, STAY, order("apixaban 5 mg", authoredOn="2026-11-14", **discharge))
    assert drugs(made) == ["Drug changes since the last visit: new apixaban 5 mg"]
    [line] = texts(made, "medications")
    assert "inpatient" not in line


def test_a_ward_order_that_nobody_closed_says_so_and_takes_no_home_orders_place():
    open_ = order("metoprolol 25 mg", "w1", authoredOn="2026-11-09", **WARD)
    home = order("metoprolol 50 mg", "m1", authoredOn="2026-02-01")
    made = brief(VISIT, STAY, open_, home)
    said = "inpatient order of a stay that ended 2026-11-14"
    assert drugs(made) == [f"Drug changes since the last visit: new, {said}: metoprolol 25 mg"]
    [line] = texts(made, "medications")
    assert line.startswith("metoprolol 50 mg: Take 1 tablet daily, ordered 2026-02-01; also: ")
    assert line.endswith(said)
    assert not [text for text in texts(made, "attention") if "listed twice" in text]


def test_an_order_of_a_stay_that_goes_on_is_told_as_any_other():
    going_on = {**STAY, "status": "in-progress", "period": {"start": "2026-11-21T18:00:00-06:00"}}
    made = brief(VISIT, going_on, order("heparin", "w1", authoredOn="2026-11-21", **WARD))
    assert drugs(made) == ["Drug changes since the last visit: new heparin"]


def test_of_many_changes_high_alert_medicines_and_stops_with_a_reason_are_named_first():
    many = [order(f"Drug {n}", f"n{n}", authoredOn="2026-11-20") for n in range(12)]
    plain = order("Drug X", "x", status="stopped", **CLOSED)
    [line] = drugs(brief(VISIT, *many, plain, WARFARIN, {**plain, "id": "y", **_reasoned()}))
    assert "stopped warfarin 5 mg (reason: GI bleed), Drug Y (reason: Cough)" in line
    assert line.endswith("and 3 more")


def _reasoned():
    return {"medicationCodeableConcept": {"text": "Drug Y"}, "statusReason": {"text": "Cough"}}
