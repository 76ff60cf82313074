"""Ordinary spellings of a laboratory's alarm are understood, also in a note, behind a value and of a range in words."""

import pytest

from hooks.patient_view.cards import cards
from tests.brief.charts import brief, lab, seen, texts

_SEEN = seen("2026-09-10T10:00:00-05:00")


def _result(value="9", **more):
    return lab(value, "2026-11-18", loinc="2823-3", unit="mmol/L", **more)


def _level(**more):
    made = brief(_SEEN, _result(**more))
    said = made.section("results")[0].statement.flags
    return next((each for each in ("critical", "abnormal") if each in said), "")


@pytest.mark.parametrize(
    ("said", "level"),
    [
        ("CRIT", "critical"), ("LOW CRIT", "critical"), ("Crit H", "critical"), ("HI CRIT", "critical"),
        ("PANICHIGH", "critical"), ("EXTREMEHIGH", "critical"), ("Not crit", ""),
        ("HI", "abnormal"), ("lo", "abnormal"), ("ABN", "abnormal"),
        ("extreme caution", ""), ("criteria met", ""),
    ],
)  # fmt: skip
def test_a_mark_in_an_ordinary_spelling(said, level):
    assert _level(interpretation=[{"text": said}]) == level


@pytest.mark.parametrize(
    ("note", "level"),
    [
        ("Critical result called to RN at 09:10, read back", "critical"),
        ("PANIC VALUE phoned to clinic", "critical"),
        ("No critical values were called", ""),
        ("Critical limits are below 2.5 and above 6.5", ""),
        ("Called to clinic", ""),
    ],
)
def test_a_note_that_a_critical_result_was_told_to_somebody_makes_it_one(note, level):
    assert _level(note=[{"text": note}]) == level
    made = brief(_SEEN, _result(note=[{"text": note}]))
    assert len(cards(made)) == (2 if level else 1)
    assert f"note: “{note}”" in texts(made, "changes")[0]


def test_a_note_beside_a_number_without_mark_or_range_is_told_and_beside_one_in_range_is_not():
    note = {"note": [{"text": "Above the threshold for phototherapy"}]}
    [line] = texts(brief(_SEEN, _result("18.9", **note)), "changes")
    assert line.endswith("; note: “Above the threshold for phototherapy”")
    ranged = {"referenceRange": [{"text": "1-20"}], **note}
    [line] = texts(brief(_SEEN, _result("18.9", **ranged)), "changes")
    assert line.startswith("New and not marked out of range")


@pytest.mark.parametrize(
    ("value", "level"),
    [
        ("6.9 HI CRIT", "critical"),
        ("6.9 H", "abnormal"),
        ("6.9 mmol/L", ""),
        ("3 high grade lesions", ""),
        ("6.9", ""),
    ],
)
def test_a_mark_behind_a_number_in_a_text_is_one(value, level):
    assert _level(value=None, valueString=value) == level


@pytest.mark.parametrize(
    ("value", "written", "said"),
    [
        ("4.4", "0.6-1.2", "above range, ref 0.6-1.2"),
        ("0.4", "0.6 - 1.2", "below range, ref 0.6 - 1.2"),
        ("0.9", "0.6-1.2", "ref 0.6-1.2"),
        ("4.4", "up to 1.2", "ref up to 1.2"),
        ("4.4 or more", "0.6-1.2", "ref 0.6-1.2"),
    ],
)
def test_a_number_in_a_text_is_compared_with_a_range_in_words(value, written, said):
    made = brief(_SEEN, _result(None, valueString=value, referenceRange=[{"text": written}]))
    assert f"({said})" in texts(made, "results")[0]


def test_a_number_with_a_unit_is_compared_with_a_range_in_words_too():
    assert _level(value="9", referenceRange=[{"text": "3.5-5.1"}]) == "abnormal"


def test_of_a_new_patient_results_in_words_of_late_are_told():
    made = brief(_result(None, valueString="Borderline TSH, repeat specimen requested"))
    assert any("Borderline TSH" in each for each in texts(made, "changes"))
