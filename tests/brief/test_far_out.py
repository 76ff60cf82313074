"""New results out of range stand by how far they are out, and a range in words is read where it is understood."""

import pytest

from hooks.patient_view.cards import cards
from tests.brief.charts import brief, flagged, lab, limits, seen, texts

_SEEN = seen("2026-09-01T10:00:00-05:00")
_DAY = "2026-11-20"


def _result(name, value, low=None, high=None, *, when=_DAY, mark="H", **more):
    ranged = limits(low, high) if low or high else {}
    marked = flagged(mark) if mark else {}
    return lab(value, when, f"o-{name}", unit="u", code={"text": name}, **ranged, **marked, **more)


def _order(*results):
    return [each.split()[0].strip(":") for each in texts(brief(_SEEN, *results), "changes")]


def test_of_a_panel_what_is_farthest_out_of_its_own_range_stands_first():
    assert _order(
        _result("Glucose", "104", "70", "99"),
        _result("Sodium", "135", "136", "145", mark="L"),
        _result("Potassium", "6.7", "3.5", "5.1"),
        _result("Hemoglobin", "6.2", "12", "16", mark="L"),
        _result("Lithium", "2.1", "0.6", "1.2"),
    ) == ["Lithium", "Hemoglobin", "Potassium", "Glucose", "Sodium"]


@pytest.mark.parametrize(
    ("name", "value", "low", "high", "mark"),
    [
        ("a low limit counts where the range is wider", "0.4", "1.8", "7.7", "L"),
        ("one limit alone counts by itself", "9", None, "5", "H"),
        ("no less than a value that a comparator bounds", None, "10", None, "L"),
    ],
)
def test_how_far_a_value_is_out(name, value, low, high, mark):
    more = {} if value else {"valueQuantity": {"value": 3, "unit": "u", "comparator": "<"}}
    odd = _result("Odd", value, low, high, mark=mark, **more)
    nearer, farther = _result("Nearer", "6.3", "3", "5"), _result("Farther", "6.8", "3", "5")
    assert _order(nearer, odd, farther) == ["Farther", "Odd", "Nearer"], name


def test_what_nothing_measures_stands_before_a_trifle_and_behind_what_is_far_out():
    culture = _result("Culture", None, mark="A", valueString="Gram-negative rods")
    bare = _result("Bare", "88")
    found = _order(
        _result("Trifle", "5.1", "3", "5"), culture, bare, _result("Far", "9", "3", "5")
    )
    assert found[0] == "Far"
    assert set(found[1:3]) == {"Culture", "Bare"}
    assert found[3] == "Trifle"


def test_what_is_marked_abnormal_and_not_measured_has_a_place_of_its_own_above_the_fold():
    far = [_result(f"Far{n}", "9", "3", "5") for n in range(3)]
    positive = _result("Pregnancy", None, mark="A", valueString="Positive")
    copies = _result("BK", "12400", mark="A")
    told = cards(brief(_SEEN, *far, positive, copies))[-1].detail[0].lines
    assert [each.split()[0].strip(":") for each in told] == [
        "Far0",
        "BK",
        "Far1",
        "Far2",
        "Pregnancy",
    ]
    sided = [_result(f"High{n}", "9") for n in range(3)]
    flags = [x.statement.flags for x in brief(_SEEN, *sided, far[0]).section("changes")]
    assert not any("unmeasured" in each for each in flags)


def test_within_two_weeks_the_newer_one_does_not_stand_before_the_one_that_is_farther_out():
    far = {"low": "3", "high": "5"}
    assert _order(_result("New", "5.1", **far), _result("Far", "9", when="2026-11-10", **far)) == [
        "Far",
        "New",
    ]
    assert _order(_result("New", "5.1", **far), _result("Far", "9", when="2026-09-20", **far)) == [
        "New",
        "Far",
    ]


def test_what_is_marked_critical_stands_before_what_is_farther_out():
    found = _order(
        _result("Ferritin", "9000", "10", "300"),
        _result("Potassium", "6.7", "3.5", "5.1", mark="HH"),
    )
    assert found == ["Potassium", "Ferritin"]


def _told(value, written, unit="mmol/L", **more):
    ranged = {"referenceRange": [{"text": written}]}
    made = brief(_SEEN, lab(value, _DAY, loinc="2823-3", unit=unit, **ranged, **more))
    return made.section("changes")[0]


@pytest.mark.parametrize(
    ("value", "written", "side"),
    [
        ("6.4", "3.5 - 5.1 mmol/L", "above"),
        ("6.4", "3.5-5.1mmol/L", "above"),
        ("6.2", "12.0 to 16.0", "below"),
        ("88", "<=14", "above"),
        ("4.2", "<0.50", "above"),
        ("22", "> 59", "below"),
        ("22", "≥60 mmol/L", "below"),
        ("14", "<14", "above"),
    ],
)  # fmt: skip
def test_a_range_in_words_of_which_all_is_understood_is_read(value, written, side):
    line = _told(value, written)
    assert f"({side} range, ref {written})" in line.text
    assert "abnormal" in line.statement.flags


@pytest.mark.parametrize(
    ("value", "written"), [("4", "3.5 to 5.1 mmol/L"), ("14", "<=14"), ("60", ">59"), ("5", "")]
)
def test_what_lies_within_a_range_in_words_is_named_alone(value, written):
    assert _told(value, written).text.startswith("New and not marked out of range")


@pytest.mark.parametrize(
    "written",
    ["3.5-5.1 mg/dL", "up to 1.2", "5.1-3.5", "adults 3.5-5.1", "3.5-5.1.", "<14 (fasting)", "<1,000"],
)  # fmt: skip
def test_a_range_that_is_not_understood_is_quoted_and_its_value_never_called_unmarked(written):
    line = _told("6.4", written)
    assert line.text == f"Potassium 6.4 mmol/L (ref {written}), {_DAY}"
    assert "worded" in line.statement.flags
    assert "abnormal" not in line.statement.flags
    assert _told("6.4", written, **flagged("N")).text.startswith("New and not marked")


def test_a_range_of_another_unit_or_one_of_several_is_not_read_either():
    other = {"referenceRange": [{"high": {"value": 9, "unit": "mg/dL"}}]}
    several = {"referenceRange": [{"high": {"value": 9}}, {"high": {"value": 5}}]}
    for more in (other, several):
        made = brief(_SEEN, lab("6.4", _DAY, loinc="2823-3", unit="mmol/L", **more))
        assert texts(made, "changes")[0].startswith("Potassium 6.4 mmol/L")
    thousands = {"valueString": "1,200", **limits("150", "400")}
    made = brief(_SEEN, lab(None, _DAY, code={"text": "Platelets"}, **thousands))
    assert texts(made, "changes") == [f"Platelets: 1,200 (ref 150-400), {_DAY}"]


def test_a_part_whose_range_is_not_understood_is_told_too():
    part = {"code": {"text": "Iron"}, "valueQuantity": {"value": 3}}
    ranged = {"component": [{**part, "referenceRange": [{"text": "see note"}]}]}
    made = brief(_SEEN, lab(None, _DAY, code={"text": "Iron panel"}, **ranged))
    assert texts(made, "changes") == [f"Iron panel: Iron 3 (ref see note), {_DAY}"]


@pytest.mark.parametrize(
    ("comparator", "value", "low", "high", "side"),
    [
        ("<", 32, "70", "99", "below"),
        ("<", 70, "70", "99", "below"),
        ("<=", 70, "70", "99", ""),
        (">", 15, "0.6", "1.1", "above"),
        (">=", 1, "0.6", "1", ""),
        (">", 1, "0.6", "1", "above"),
        ("<", 5, "0.6", "10", ""),
        ("<", 12, "0.6", "10", ""),
        (">", 0, "0.6", "10", ""),
    ],
)
def test_a_value_with_a_comparator_lies_outside_where_all_that_it_may_be_does(
    comparator, value, low, high, side
):
    said = {"valueQuantity": {"value": value, "unit": "%", "comparator": comparator}}
    for more in (said, {"valueString": f"{comparator}{value}"}):
        line = brief(_SEEN, lab(None, _DAY, **more, **limits(low, high))).section("changes")[0]
        assert ("abnormal" in line.statement.flags) == bool(side)
        assert line.text.startswith("New and not") if not side else f"{side} range" in line.text


def test_the_card_has_what_is_farthest_out():
    results = [_result(f"Trifle{n}", "5.1", "3", "5") for n in range(6)]
    made = brief(_SEEN, *results, _result("Potassium", "6.9", "3.5", "5.1"))
    assert cards(made)[-1].detail[0].lines[0].startswith("Potassium 6.9")


def _potassium(value, day, mark="", **more):
    known = {"loinc": "2823-3", "unit": "mmol/L", **limits("3.5", "5.1"), **more}
    return lab(value, day, f"k-{day}", **known, **(flagged(mark) if mark else {}))


def test_a_critical_value_since_the_last_visit_is_told_however_many_came_after_it():
    after = [_potassium(f"4.{n}", f"2026-11-1{n}") for n in range(6)]
    made = brief(_SEEN, _potassium("1.9", "2026-11-09", "LL"), *after)
    [line] = made.section("attention")
    assert line.text.startswith(
        "Was critical since the last visit: Potassium 1.9 mmol/L (LL critical, ref 3.5-5.1), 2026-11-09; now 4.5"
    )
    assert {"Observation/k-2026-11-09", "Observation/k-2026-11-15"} <= {*line.statement.refs}
    assert cards(made)[0].summary.startswith("Was critical since the last visit: Potassium 1.9")
    before = [_potassium(f"4.{n}", f"2026-11-1{n}") for n in range(6)]
    assert not texts(brief(_SEEN, _potassium("1.9", "2026-08-09", "LL"), *before), "attention")


def test_before_a_first_visit_a_critical_value_of_the_last_weeks_is_told_and_an_old_one_is_not():
    stay = seen("2026-11-08T10:00:00-06:00", kind="IMP")
    now = _potassium("3.9", "2026-11-10")
    [said] = texts(brief(stay, _potassium("2.1", "2026-11-09", "LL"), now), "attention")
    assert said.startswith(
        "Was critical: Potassium 2.1 mmol/L (LL critical, ref 3.5-5.1), 2026-11-09; now 3.9"
    )
    assert not texts(brief(stay, _potassium("2.1", "2026-01-09", "LL"), now), "attention")


def test_what_was_out_of_range_since_the_last_visit_and_is_not_now_is_told_once_behind_what_is():
    glucose = _result("Glucose", "104", "70", "99")
    then = [_potassium("5.9", "2026-11-09", "H"), _potassium("5.3", "2026-11-10", "H")]
    made = brief(_SEEN, *then, _potassium("4.2", "2026-11-12"), glucose)
    now, former = texts(made, "changes")
    assert now == f"Glucose 104 u (H, ref 70-99), {_DAY}"
    assert former == (
        "Was out of range since the last visit: Potassium 5.9 mmol/L (H, ref 3.5-5.1), 2026-11-09; "
        "now 4.2 mmol/L (ref 3.5-5.1), 2026-11-12"
    )
    assert cards(made)[-1].detail[0].lines == tuple(texts(made, "changes"))


def test_what_was_out_of_range_before_the_last_visit_or_was_critical_is_not_told_so():
    now = _potassium("4.2", "2026-11-12")
    for then in (_potassium("5.9", "2026-08-09", "H"), _potassium("6.9", "2026-11-09", "HH")):
        said = texts(brief(_SEEN, then, now), "changes")
        assert said == [
            "New and not marked out of range, by date of the newest value: Potassium (2026-11-12)"
        ]


def test_of_what_was_out_of_range_the_few_that_were_farthest_out_are_told_and_the_others_named():
    results = []
    for n in range(6):
        code = {"code": {"text": f"Test {n}"}, **limits("3", "5")}
        results += [
            lab(f"{6 + n}", "2026-11-09", f"then{n}", **code),
            lab("4", "2026-11-12", f"now{n}", **code),
        ]
    told = texts(brief(_SEEN, *results), "changes")
    assert [each.split(":")[1].split()[1] for each in told[:4]] == ["5", "4", "3", "2"]
    assert told[4:] == [
        "New and not marked out of range, by date of the newest value: Test 0 (2026-11-12), Test 1 (2026-11-12)"
    ]


def test_before_a_first_visit_what_was_out_of_range_of_late_is_told_and_not_called_new():
    stay = seen("2026-11-08T10:00:00-06:00", kind="IMP")
    made = brief(stay, _potassium("5.9", "2026-11-09", "H"), _potassium("4.2", "2026-11-12"))
    line = made.section("changes")[-1]
    assert line.text.startswith("Was out of range: Potassium 5.9")
    assert line.statement.flags == ("changed",)


@pytest.mark.parametrize("value", ["1e99999999", "-1e999999999999", "1e-99999999", "1e200"])
def test_a_number_beyond_all_that_is_measured_is_said_to_be_unreadable(value):
    out = lab(value, _DAY, unit="mmol/L", **limits("3", "5"), **flagged("H"))
    made = brief(_SEEN, out, lab("5", "2026-10-02", "o2", unit="mmol/L", **limits("3", value)))
    assert any("(unreadable) mmol/L" in each for each in texts(made, "results"))
