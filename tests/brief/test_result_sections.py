"""Results and vital signs: newest first, as stored, with flag, range, date and what came before."""

from zoneinfo import ZoneInfo

import pytest

from tests.brief.charts import (
    brief,
    coded,
    flagged,
    flags,
    lab,
    limits,
    plain,
    seen,
    texts,
)


def test_a_series_reads_like_a_note():
    made = brief(
        lab("8.1", "2026-10-02", "o1", **flagged("H"), **limits("4.0", "5.6")),
        lab("7.6", "2026-04-01", "o2"),
        lab("7.2", "2025-10-03", "o3"),
    )
    assert texts(made, "results") == [
        "HbA1c 8.1 % (H, ref 4.0-5.6), 2026-10-02; earlier 7.6 (2026-04-01), 7.2 (2025-10-03); rising"
    ]
    assert made.section("results")[0].statement.refs == (
        "Observation/o1",
        "Observation/o2",
        "Observation/o3",
    )


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ({"valueQuantity": {"value": 7, "unit": "%"}}, "HbA1c 7 %, "),
        ({"valueQuantity": {"value": 5, "unit": "%", "comparator": "<"}}, "HbA1c <5 %, "),
        ({"valueString": "hemolyzed"}, "HbA1c: hemolyzed, "),
        ({"valueString": "Negative for malignancy."}, "HbA1c: Negative for malignancy, "),
        ({"valueCodeableConcept": {"text": "Negative"}}, "HbA1c: Negative, "),
        ({"valueInteger": 3}, "HbA1c: 3, "),
        ({"valueBoolean": False}, "HbA1c: no, "),
        (
            {"valueRange": {"low": {"value": 5}, "high": {"value": 10, "unit": "/HPF"}}},
            "5-10 /HPF",
        ),
        ({"valueRatio": {"numerator": {"value": 1}, "denominator": {"value": 160}}}, "1 : 160"),
        ({"dataAbsentReason": coded("not-performed")}, "HbA1c: no value (not performed), "),
        ({"dataAbsentReason": coded("masked")}, "HbA1c: value withheld (masked), "),
        ({}, "HbA1c: no value recorded, "),
    ],
)
def test_a_value_is_shown_as_it_is_stored(more, said):
    assert said in texts(brief(lab("", **more)), "results")[0]


def test_digits_are_kept():
    assert texts(brief(lab("7.10")), "results") == ["HbA1c 7.10 %, 2026-10-02"]


def test_components_are_written_out():
    parts = [
        {"code": {"text": "Color"}, "valueString": "amber"},
        {"code": {"text": "pH"}, "valueQuantity": {"value": 6}, **flagged("A")},
    ]
    urine = lab("", component=parts, code={"text": "Urinalysis"})
    assert texts(brief(urine), "results") == [
        "Urinalysis: Color amber; pH 6 (abnormal), 2026-10-02"
    ]


@pytest.mark.parametrize(
    ("code", "section"), [("HH", "attention"), ("LL", "attention"), ("AA", "attention")]
)
def test_a_critical_flag_is_always_honoured(code, section):
    made = brief(lab("6.9", loinc="2823-3", unit="mmol/L", **flagged(code)))
    assert texts(made, section)[0].startswith(f"Potassium 6.9 mmol/L ({code} critical)")
    assert {"must_show", "critical"} <= set(flags(made, section)[0])


def test_a_critical_value_that_was_followed_by_a_normal_one_needs_no_attention():
    made = brief(
        lab("6.9", "2026-01-02", "o1", loinc="2823-3", **flagged("HH")),
        lab("4.1", "2026-01-03", "o2", loinc="2823-3", **flagged("N")),
    )
    assert not texts(made, "attention")


def test_but_it_does_where_nobody_saw_it_since_the_last_visit():
    made = brief(
        seen("2025-12-01T10:00:00-06:00"),
        lab("6.9", "2026-01-02", "o1", loinc="2823-3", **flagged("HH")),
        lab("4.1", "2026-01-03", "o2", loinc="2823-3", **flagged("N")),
    )
    assert texts(made, "attention") == [
        "Was critical since the last visit: Potassium 6.9 % (HH critical), 2026-01-02; now 4.1 %, 2026-01-03"
    ]


@pytest.mark.parametrize(
    ("value", "word", "flag"), [("5.9", "above range", "high"), ("3.1", "below range", "low")]
)
def test_a_value_outside_its_own_range_says_so_without_a_flag(value, word, flag):
    made = brief(lab(value, **limits("4.0", "5.6")))
    assert f"({word}, ref 4.0-5.6)" in texts(made, "results")[0]
    assert flag in flags(made, "results")[0]


def test_a_final_result_that_is_older_than_a_preliminary_one_is_told_with_it_and_is_no_news_of_its_own():
    made = brief(
        seen("2026-03-01T10:00:00-06:00"),
        lab("8.1", "2026-10-02", "o1", status="preliminary", **flagged("H")),
        lab("7.6", "2026-04-01", "o2"),
    )
    said = "HbA1c 8.1 % (H), 2026-10-02; preliminary; earlier 7.6 (2026-04-01); rising"
    assert texts(made, "results") == [said]
    assert texts(made, "changes") == [said]


def test_a_preliminary_result_takes_no_critical_final_one_away():
    made = brief(
        lab("4.2", "2026-10-02", "o1", status="preliminary", loinc="2823-3"),
        lab("7.1", "2026-10-01", "o2", loinc="2823-3", unit="mmol/L", **flagged("HH")),
    )
    assert texts(made, "attention") == ["Potassium 7.1 mmol/L (HH critical), 2026-10-01"]


def test_a_preliminary_result_older_than_the_final_one_is_over():
    made = brief(
        lab("8.1", "2026-04-01", "o1", status="preliminary"), lab("7.6", "2026-10-02", "o2")
    )
    assert texts(made, "results") == ["HbA1c 7.6 %, 2026-10-02"]


def test_no_trend_between_units():
    made = brief(lab("8.1", "2026-10-02", "o1"), lab("42", "2026-04-01", "o2", unit="mmol/mol"))
    assert texts(made, "results") == ["HbA1c 8.1 %, 2026-10-02; earlier 42 mmol/mol (2026-04-01)"]
    high = {**flagged("H"), **limits("4.0", "5.6")}
    for unit, said in (("mmol/mol", False), ("%", True)):
        before = lab("42", "2026-04-01", "o2", unit=unit)
        [line] = texts(brief(lab("8.1", "2026-10-02", "o1", **high), before), "results")
        assert ("falling" in line) is said


def test_an_undated_or_future_result_never_passes_for_the_newest():
    made = brief(
        lab("7.1", "2026-10-02", "o1"), lab("9.9", "", "o2"), lab("8.8", "2031-01-01", "o3")
    )
    assert sorted(texts(made, "results")) == [
        "HbA1c 7.1 %, 2026-10-02",
        "HbA1c 8.8 %, 2031-01-01; dated in the future",
        "HbA1c 9.9 %, undated",
    ]


def test_a_result_entered_in_error_is_never_shown():
    made = brief(
        lab("99.9", "2026-10-03", "o1", status="entered-in-error"), lab("7.1", "2026-10-02", "o2")
    )
    assert texts(made, "results") == ["HbA1c 7.1 %, 2026-10-02"]


def test_times_are_shown_by_the_clock_of_the_site():
    made = brief(lab("7.1", "2026-10-02T23:30:00-07:00"))
    assert "2026-10-03 01:30" in texts(made, "results")[0]


def test_a_site_that_names_no_zone_shows_times_with_their_own_offset():
    made = brief(lab("7.1", "2026-10-02T23:30:00-07:00"), zone=ZoneInfo("UTC"))
    assert "2026-10-02 23:30 -07:00" in texts(made, "results")[0]


def test_results_before_the_window_are_named_with_their_date():
    assert texts(brief(lab("7.1", "2019-10-02")), "results") == [
        "Older, by date of the newest value: HbA1c (2019-10-02)"
    ]


def test_what_is_out_of_range_comes_first():
    made = brief(
        lab("7.1", "2026-10-02", "o1"),
        lab("3.0", "2026-10-02", "o2", loinc="2823-3", **flagged("L")),
        lab("120", "2026-10-02", "o3", loinc="2951-2", **flagged("LL")),
    )
    assert [t.split()[0] for t in texts(made, "results")] == ["Sodium", "Potassium", "HbA1c"]


def test_a_panel_that_only_holds_others_says_nothing():
    panel = lab("", hasMember=[{"reference": "Observation/o2"}])
    assert texts(brief(panel), "results") == ["Results: none recorded in this bundle"]


def _vital(identity, when, loinc, **more):
    made = lab("", when, identity, loinc=loinc, **more)
    return {**made, "category": [coded("vital-signs")]}


def test_blood_pressure_and_weight_with_its_change():
    parts = [
        {
            "code": {"coding": [{"code": code}]},
            "valueQuantity": {"value": value, "unit": "mmHg"},
        }
        for code, value in (("8480-6", 128), ("8462-4", 76))
    ]
    made = brief(
        _vital("v1", "2026-10-02", "85354-9", component=parts),
        _vital("v2", "2026-10-02", "29463-7", valueQuantity={"value": 83, "unit": "kg"}),
        _vital("v3", "2026-04-02", "29463-7", valueQuantity={"value": 81, "unit": "kg"}),
    )
    assert texts(made, "vitals") == [
        "Blood pressure 128/76 mmHg, 2026-10-02",
        "Weight 83 kg, 2026-10-02; earlier 81 (2026-04-02); change +2 kg",
    ]


def test_pregnancy_needs_attention():
    made = brief(
        lab(
            "",
            "2026-09-01",
            loinc="82810-3",
            valueCodeableConcept={"text": "Pregnant", "coding": [{"code": "77386006"}]},
        )
    )
    assert texts(made, "attention") == ["Pregnancy status: Pregnant, 2026-09-01"]


def test_a_registered_result_is_an_open_loop():
    made = brief(lab("", "2026-11-20", status="registered", code={"text": "Potassium"}))
    assert texts(made, "open_loops") == ["Not final: Potassium, registered, 2026-11-20"]


def test_a_restricted_label_is_kept_as_a_flag():
    label = {"meta": {"security": [{"code": "R"}]}}
    assert "restricted" in flags(brief(lab("7.1", **label)), "results")[0]


def test_an_unknown_category_is_still_a_result():
    made = brief(
        plain("Observation", "x", status="final", code={"text": "Gait speed"}, valueString="slow")
    )
    assert texts(made, "results") == ["Gait speed: slow, undated"]


def test_an_observation_of_something_else_never_passes_for_the_patients():
    made = brief(
        lab("140", "2026-10-02", "o1", loinc="8867-4", unit="/min", focus=[{"display": "Fetus"}]),
        lab("70", "2026-10-01", "o2", loinc="8867-4", unit="/min"),
    )
    assert texts(made, "vitals") == [
        "Heart rate 70 /min, 2026-10-01",
        "Heart rate (not of the patient, but of its focus) 140 /min, 2026-10-02",
    ]


def test_answers_of_a_questionnaire_are_named_and_not_told():
    survey = {"category": [coded("survey")], "valueString": "6503 Russel Glen"}
    made = brief(
        lab("", identity="o1", code={"text": "Address"}, **survey),
        lab("4", identity="o2", loinc="44261-6", unit="{score}", category=[coded("survey")]),
    )
    assert texts(made, "context") == [
        "Answers on file, by date of the newest value: Address (2026-10-02)"
    ]
    assert texts(made, "results") == ["PHQ-9 score 4, 2026-10-02"]


def test_a_trend_needs_a_value_out_of_range_and_looks_as_far_back_as_is_shown():
    def potassium(*values):
        return [
            lab(value, f"2026-0{9 - n}-02", f"o{n}", loinc="2823-3", **limits("3.5", "5.1"))
            for n, value in enumerate(values)
        ]

    assert texts(brief(*potassium("5.3", "5.0", "4.9", "4.6")), "results")[0].endswith("; rising")
    assert "rising" not in texts(brief(*potassium("5.0", "4.4", "4.0")), "results")[0]
    for mixed in (("5.3", "4.0", "6.9"), ("5.9", "6.1", "4.6")):
        assert "ing" not in texts(brief(*potassium(*mixed)), "results")[0]


def test_old_results_come_last():
    made = brief(
        lab("9.1", "2025-01-02", "o1", **flagged("H")),
        lab("140", "2026-10-02", "o2", loinc="2951-2"),
    )
    assert [text.split()[0] for text in texts(made, "results")] == ["Sodium", "HbA1c"]


_LOCAL = {"system": "urn:oid:1.2.3", "code": "7"}


@pytest.mark.parametrize(
    ("interpretation", "flag", "said"),
    [
        ({"text": "Panic High"}, "critical", "(marked “Panic High”)"),
        ({"text": "CRITICAL!"}, "critical", "(marked “CRITICAL!”)"),
        ({"coding": [{**_LOCAL, "display": "Critical High"}]}, "critical", "(HH critical)"),
        ({"text": "Above upper panic limits"}, "critical", "(marked “Above upper panic limits”)"),
        ({"text": "Low*"}, "low", "(marked “Low*”)"),
        ({"text": "H*"}, "high", "(marked “H*”)"),
        ({"text": "H"}, "high", "(H)"),
        ({"text": "High (A)"}, "abnormal", "(marked “High (A)”)"),
        ({"text": "Critical", **coded("H")}, "critical", "(AA critical)"),
        (coded("R"), "abnormal", "(resistant)"),
        ({"text": "not critical"}, "worded", "(marked “not critical”)"),
        ({"text": "no abnormality"}, "worded", "(marked “no abnormality”)"),
        ({"text": "See comment"}, "worded", "(marked “See comment”)"),
        ({"coding": [_LOCAL]}, "worded", "(marked, by a code without words)"),
        (coded("I"), "worded", "(intermediate)"),
    ],
)
def test_a_mark_is_read_by_its_words_where_its_code_is_not_known(interpretation, flag, said):
    made = brief(seen(), lab("7", interpretation=[interpretation]))
    assert flag in flags(made, "changes")[0]
    assert texts(made, "changes")[0].startswith(f"HbA1c 7 % {said}, 2026-10-02")
    assert bool(texts(made, "attention")) is (flag == "critical")


@pytest.mark.parametrize(
    "interpretation",
    [
        coded("N"),
        coded("S"),
        {"text": "normal"},
        {"text": "Within normal limits"},
        {"text": "N/A"},
    ],
)
def test_what_is_marked_as_in_range_or_not_at_all_is_told_by_name(interpretation):
    made = brief(seen(), lab("7", interpretation=[interpretation]))
    assert texts(made, "changes") == [
        "New and not marked out of range, by date of the newest value: HbA1c (2026-10-02)"
    ]


@pytest.mark.parametrize(
    ("value", "told"),
    [
        ({"valueString": "Adenocarcinoma, Gleason 4+4=8"}, True),
        ({"valueString": "3+"}, True),
        ({"valueCodeableConcept": {"text": "DETECTED: 2,300,000 IU/mL"}}, True),
        ({"component": [{"code": {"text": "Nitrite"}, "valueString": "Positive"}]}, True),
        ({"valueString": "Negative"}, False),
        ({"valueCodeableConcept": {"text": "Not Detected"}}, False),
        ({"valueString": "< 0.5"}, False),
        ({"valueString": "Reactive", **flagged("N")}, False),
    ],
)
def test_a_new_value_in_words_is_told_with_its_words(value, told):
    [line] = texts(brief(seen(), lab("", **value)), "changes")
    assert line.startswith("New and not marked out of range") is not told


def test_letters_of_susceptibility_are_read_in_their_own_system_only():
    local = {"coding": [{"system": "urn:oid:1.2.3", "code": "S", "display": "Severe"}]}
    assert texts(brief(seen(), lab("7", interpretation=[local])), "changes") == [
        "HbA1c 7 % (marked “Severe”), 2026-10-02"
    ]


_K = {"loinc": "2823-3", "unit": "mmol/L"}
_AT = "2026-11-12T08:00:00-06:00"


def test_of_two_values_of_one_time_the_one_that_was_issued_last_is_the_newest():
    first = {"issued": "2026-11-12T09:00:00-06:00", **flagged("HH")}
    made = brief(
        lab("7.1", _AT, "o1", **_K, **first),
        lab("4.2", _AT, "o2", **_K, issued="2026-11-12T13:00:00-06:00"),
    )
    assert texts(made, "results") == [
        "Potassium 4.2 mmol/L, 2026-11-12 08:00; earlier 7.1 HH (2026-11-12 08:00); falling"
    ]


@pytest.mark.parametrize("names", [("o1", "o2"), ("o2", "o1")])
def test_of_two_values_of_one_time_that_nothing_orders_both_are_told_the_worse_first(names):
    made = brief(
        lab("4.2", _AT, names[0], **_K, issued="2026-11-12T13:00:00-06:00"),
        lab("7.1", _AT, names[1], **_K, **flagged("HH")),
        lab("5.0", "2026-11-01", "o3", **_K),
    )
    said = (
        "Potassium 7.1 mmol/L (HH critical), 2026-11-12 08:00; two values of this time, which is newer"
        " is not recorded: the other 4.2 mmol/L; earlier 5.0 (2026-11-01)"
    )
    assert texts(made, "results") == texts(made, "attention") == [said]


def test_values_of_one_day_without_a_time_are_of_one_day():
    made = brief(lab("4.2", "2026-11-12", "o1", **_K), lab("5.0", "2026-11-12", "o2", **_K))
    assert "; two values of this day, which is newer" in texts(made, "results")[0]


@pytest.mark.parametrize(
    ("more", "quoted"),
    [
        (flagged("HH"), True),
        ({"status": "preliminary"}, True),
        ({"status": "corrected"}, True),
        ({"valueQuantity": None, "valueString": "See note"}, True),
        (flagged("N"), False),
        (limits("4.0", "8.0"), False),
        ({}, True),
    ],
)
def test_what_the_laboratory_wrote_beside_a_result_is_quoted_where_it_matters(more, quoted):
    note = {"note": [{"text": "Specimen grossly hemolyzed. " + 40 * "Recollect. "}]}
    made = lab("7.1", **note, **more)
    made = {name: value for name, value in made.items() if value is not None}
    [line] = texts(brief(made), "results")
    assert ("; note: “Specimen grossly hemolyzed. Recollect." in line) is quoted
    assert ("(cut; the record has more)" in line) is quoted
    assert len(line) < 320


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("[degF]", " °F"),
        ("Cel", " °C"),
        ("[lb_av]", " lb"),
        ("[in_i]", " in"),
        ("10*3/uL", " 10³/µL"),
        ("mL/min/{1.73_m2}", " mL/min/1.73 m²"),
        ("U/g{Hb}", " U/g Hb"),
        ("{beats}/min", " beats/min"),
        ("{score}", ""),
        ("K/uL", " K/uL"),
    ],
)
def test_units_are_written_as_one_reads_them_and_values_as_they_are_stored(written, read):
    assert texts(brief(lab("7.10", unit=written)), "results") == [f"HbA1c 7.10{read}, 2026-10-02"]


def test_a_value_that_is_critical_now_comes_before_one_that_was():
    made = brief(
        seen("2025-12-01T10:00:00-06:00"),
        lab("2.6", "2026-01-02", "o1", loinc="2823-3", **flagged("LL")),
        lab("3.1", "2026-01-03", "o2", loinc="2823-3", **flagged("L")),
        lab("1.1", "2026-01-03", "o3", loinc="19123-9", **flagged("LL")),
    )
    assert [line.split()[0] for line in texts(made, "attention")] == ["Magnesium", "Was"]


def test_an_earlier_value_says_its_flag_or_else_where_it_lies_in_its_range():
    final = lab("6.9", "2026-09-01", "o1", **limits("4.0", "5.6"))
    flagged_ = lab("6.5", "2026-08-01", "o2", **limits("4.0", "5.6"), **flagged("H"))
    inside = lab("5.0", "2026-07-01", "o3", **limits("4.0", "5.6"))
    early = lab("5.5", "2026-10-02", "o4", status="preliminary", **limits("4.0", "5.6"))
    [line] = texts(brief(final, flagged_, inside, early), "results")
    assert "earlier 6.9 above range (2026-09-01), 6.5 H (2026-08-01), 5.0 (2026-07-01)" in line


def part(name, value, identity, **more):
    when = more.pop("when", "2026-11-12T08:00:00-06:00")
    coded_ = {"code": {"text": name}, "valueCodeableConcept": {"text": value}}
    return lab("", when, identity, **coded_, **more)


def urinalysis(*parts, kind="DiagnosticReport", member="result"):
    held = [{"reference": f"Observation/{each['id']}"} for each in parts]
    named = {"status": "final", "code": {"text": "Urinalysis"}, member: held}
    return plain(kind, "ua", category=[coded("LAB")], **named)


STRIP = (
    part("Leukocyte esterase", "Large", "o1", **flagged("A")),
    part("Nitrite", "Positive", "o2", **flagged("A")),
    part("Blood", "Small", "o3"),
    part("Bacteria", "Few", "o4", status="preliminary"),
    part("Color", "Yellow", "o5"),
)


@pytest.mark.parametrize("holder", [("DiagnosticReport", "result"), ("Observation", "hasMember")])
def test_the_new_parts_in_words_of_one_panel_stand_on_one_line_among_the_changes(holder):
    (kind, member), words_ = holder, "In words, 2026-11-12 08:00"
    made = brief(seen(), *STRIP, urinalysis(*STRIP, kind=kind, member=member))
    assert texts(made, "changes") == [
        f"{words_}: Leukocyte esterase: Large (abnormal); Nitrite: Positive (abnormal)",
        f"{words_}: Bacteria: Few, preliminary; Blood: Small",
        "New and not marked out of range, by date of the newest value: Color (2026-11-12)",
    ]
    out, other = (each.statement.flags for each in made.section("changes")[:2])
    assert set(out) == {"grouped", "worded", "abnormal", "new"}
    assert set(other) == {"grouped", "worded", "new"}


@pytest.mark.parametrize("holder", [("DiagnosticReport", "result"), ("Observation", "hasMember")])
def test_the_parts_in_words_of_one_panel_stand_on_one_line_among_the_newest_results(holder):
    kind, member = holder
    plain_ = part("Glucose", "Negative", "o6")
    made = brief(seen(), *STRIP, plain_, urinalysis(*STRIP, plain_, kind=kind, member=member))
    assert texts(made, "results") == [
        "Leukocyte esterase: Large (abnormal), 2026-11-12 08:00",
        "Nitrite: Positive (abnormal), 2026-11-12 08:00",
        "Bacteria: Few, 2026-11-12 08:00; preliminary",
        "In words, 2026-11-12 08:00: Blood: Small; Color: Yellow; Glucose: Negative",
    ]
    said = made.section("results")[-1].statement
    assert said.refs == ("Observation/o3", "Observation/o5", "Observation/o6")
    assert set(said.flags) == {"grouped", "worded", "new"}


def _newest(*more, before=()):
    """The newest results of a panel of two parts in words and more."""
    parts = (part("Color", "Yellow", "o1"), part("Glucose", "Negative", "o2"), *more)
    return texts(brief(*parts, *before, urinalysis(*parts)), "results")


TWO = "In words, 2026-11-12 08:00: Color: Yellow; Glucose: Negative"


@pytest.mark.parametrize(
    "other",
    [
        part("Ketones", "Large", "o9", **flagged("A")),
        part("Ketones", "Large", "o9", **flagged("AA")),
        part("Ketones", "Large", "o9", interpretation=[{"text": "See comment"}]),
        part("Ketones", "Large", "o9", note=[{"text": "Repeat"}]),
        part("Ketones", "Large", "o9", when="2026-11-12T09:00:00-06:00"),
        part("Ketones", "Large", "o9", status="preliminary"),
        part("Ketones", "x" * 61, "o9"),
        lab("1.020", "2026-11-12T08:00:00-06:00", "o9", loinc="5811-5", unit="1"),
    ],
)
def test_what_is_marked_noted_long_not_final_a_number_or_of_another_time_stands_alone(other):
    lines = _newest(other)
    assert len(lines) == 2
    assert TWO in lines


BEFORE = {"when": "2026-06-01T08:00:00-05:00"}


@pytest.mark.parametrize(
    ("old", "said"),
    [
        (part("Glucose", "Trace", "o3", **BEFORE), "earlier Trace (2026-06-01)"),
        (
            part("Glucose", "Negative", "o3", **flagged("A"), **BEFORE),
            "earlier Negative (2026-06-01)",
        ),
        (
            lab("50", BEFORE["when"], "o3", unit="mg/dL", code={"text": "Glucose"}),
            "earlier 50 mg/dL (2026-06-01)",
        ),
    ],
)
def test_a_part_that_was_otherwise_before_stands_alone_with_it(old, said):
    blood = part("Blood", "Small", "o4")
    [one, two] = sorted(_newest(blood, before=[old]))
    assert one.startswith(f"Glucose: Negative, 2026-11-12 08:00; {said}")
    assert two.endswith(": Blood: Small; Color: Yellow")


def test_parts_that_were_the_same_before_say_on_which_days():
    old = [part("Color", "Yellow", "o3", **BEFORE), part("Glucose", "NEGATIVE", "o4", **BEFORE)]
    assert _newest(before=old) == [f"{TWO}; earlier the same (2026-06-01)"]
    assert _newest(before=old[:1]) == [
        "Color: Yellow, 2026-11-12 08:00; earlier Yellow (2026-06-01)",
        "Glucose: Negative, 2026-11-12 08:00",
    ]


def test_a_part_that_was_otherwise_on_the_day_on_which_another_was_the_same_stands_alone():
    old = [part("Color", "Yellow", "o3", **BEFORE), part("Glucose", "Trace", "o4", **BEFORE)]
    assert _newest(before=old) == [
        "Color: Yellow, 2026-11-12 08:00; earlier Yellow (2026-06-01)",
        "Glucose: Negative, 2026-11-12 08:00; earlier Trace (2026-06-01)",
    ]


def test_a_restricted_part_shares_no_line_with_its_panel():
    secret = {"meta": {"security": [{"code": "R"}]}}
    lines = _newest(part("Cocaine", "Negative", "o9", **secret))
    assert len(lines) == 2
    assert TWO in lines


def test_a_panel_in_words_of_long_ago_says_how_old_it_is():
    parts = [
        part(name, "Clear", f"o{name}", when="2025-06-01T08:00:00-05:00") for name in ("A", "B")
    ]
    assert texts(brief(*parts, urinalysis(*parts)), "results") == [
        "In words, 2025-06-01 08:00, over a year old: A: Clear; B: Clear"
    ]


def test_results_in_words_of_no_panel_have_a_line_each_among_the_newest_results():
    assert (
        len(texts(brief(part("Color", "Yellow", "o1"), part("Odor", "None", "o2")), "results"))
        == 2
    )


def test_results_in_words_that_nothing_holds_together_have_a_line_each():
    assert len(texts(brief(seen(), *STRIP), "changes")) == 5


@pytest.mark.parametrize(
    "other",
    [
        part("Comment", "x" * 61, "o9"),
        part("Casts", "Many", "o9", note=[{"text": "Repeat"}]),
        part("Blood gas", "Out", "o9", **flagged("AA")),
        lab("9.1", "2026-11-12", "o9", **flagged("H")),
    ],
)
def test_what_is_long_critical_noted_or_a_number_has_a_line_of_its_own_beside_its_panel(other):
    parts = (*STRIP[:2], other)
    [one, two] = texts(brief(seen(), *parts, urinalysis(*parts)), "changes")
    assert sum("In words" in each and "Nitrite" in each for each in (one, two)) == 1
    assert not any("In words" in each and ("Many" in each or "xxx" in each) for each in (one, two))


def test_parts_of_a_panel_of_two_times_each_say_their_own():
    later = part("Nitrite", "Positive", "o2", when="2026-11-13", **flagged("A"))
    made = brief(seen(), STRIP[0], later, urinalysis(STRIP[0], later))
    [line] = texts(made, "changes")
    assert line == (
        "In words: Nitrite: Positive (abnormal), 2026-11-13; "
        "Leukocyte esterase: Large (abnormal), 2026-11-12 08:00"
    )
