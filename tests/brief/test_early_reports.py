"""Reports that are not final, that say of themselves that they are critical, or that say nothing: which stand first."""

import pytest

from hooks.appointment_book.cards import cards as booking_cards
from hooks.patient_view.cards import cards
from tests.brief.charts import brief, flagged, lab, order, plain, seen, texts

_SEEN = seen("2026-09-01T10:00:00-05:00")
_PULMONARY = "Acute saddle embolus. CRITICAL RESULT communicated to Dr. X."


def _study(identity, when, said, name="CT chest", status="final", **more):
    own = {"status": status, "effectiveDateTime": when, "code": {"text": name}}
    return plain("DiagnosticReport", identity, **own, conclusion=said, **more)


def _fold(made):
    first = cards(made)[-1].detail[0]
    return () if getattr(first, "heading", "none") else first.lines


@pytest.mark.parametrize("chart", [(_SEEN,), ()], ids=["since a visit", "before a first visit"])
@pytest.mark.parametrize("status", ["preliminary", "partial", "registered"])
def test_an_early_report_of_late_that_says_something_stands_above_the_fold_and_is_told_once(
    chart, status
):
    made = brief(*chart, _study("r1", "2026-11-20", "Gram-negative rods", status=status))
    line = f"Not final: CT chest, {status}, 2026-11-20: “Gram-negative rods”"
    assert _fold(made) == (line,)
    assert texts(made, "open_loops") == [line]
    assert not texts(made, "changes")
    [card] = booking_cards(made)
    assert card.summary == "Before this visit: 1 result not final"


def test_one_of_several_early_reports_stands_before_results_out_of_range_and_the_rest_behind():
    early = [
        _study("r1", "2026-11-19", "Rods", status="preliminary"),
        _study("r2", "2026-11-20", "Normal.", name="CT head", status="preliminary"),
    ]
    potassium = lab("6.1", "2026-11-13", loinc="2823-3", **flagged("H"))
    first, second, third = _fold(brief(_SEEN, *early, potassium))
    assert "Rods" in first
    assert "6.1" in second
    assert "CT head" in third


def test_one_without_words_or_of_before_the_last_visit_does_not():
    made = brief(
        _SEEN,
        _study("r1", "2026-11-20", "", status="preliminary"),
        _study("r2", "2026-08-20", "Rods", status="preliminary"),
    )
    assert not _fold(made)
    assert len(texts(made, "open_loops")) == 2


def test_what_says_something_already_stands_before_orders_that_wait():
    order = {"status": "active", "intent": "order", "code": {"text": "Echocardiogram"}}
    made = brief(
        _SEEN,
        plain("ServiceRequest", "x1", **order, authoredOn="2026-06-01"),
        _study("r1", "2026-11-20", "", status="preliminary", name="MRI"),
        _study("r2", "2026-11-19", "Rods", status="preliminary", name="Culture"),
    )
    heads = [each.partition(",")[0] for each in texts(made, "open_loops")]
    assert heads[0] == "Not final: Culture"
    assert heads[-1] == "Not final: MRI"


def test_a_plain_report_leaves_its_line_to_results_and_medicines_and_fills_a_free_one():
    made = brief(
        _SEEN,
        _study("r1", "2026-11-20", "No acute fracture.", "X-ray hand"),
        _study("r2", "2026-11-12", "A mass of 4 cm.", "CT abdomen"),
        lab("6.1", "2026-11-13", loinc="2823-3", **flagged("H")),
        order("warfarin 5 mg", authoredOn="2026-11-09"),
    )
    told = [each.split(",")[0] for each in _fold(made)]
    assert told == [
        "Report: CT abdomen",
        "Potassium 6.1 % (H)",
        "Drug changes since the last visit: new warfarin 5 mg",
        "High-alert: warfarin (anticoagulant)",
        "Report: X-ray hand",
    ]


@pytest.mark.parametrize(
    ("said", "is_plain"),
    [
        ("No acute cardiopulmonary abnormality.", True),
        ("IMPRESSION: No acute fracture.", True),
        ("No pneumothorax. No pleural effusion.", True),
        ("BI-RADS 1: Negative", True),
        ("No growth to date", True),
        ("No acute fracture. Lytic lesion of the femur.", False),
        ("No acute cardiopulmonary abnormality but a nodule of 9 mm.", False),
        ("BI-RADS 4: Suspicious", False),
        ("Impression:", False),
    ],
)
@pytest.mark.parametrize("status", ["final", "preliminary"])
def test_plain_sentences_are_known_each_by_itself_and_one_that_is_not_counts(
    said, is_plain, status
):
    newer = _study("r1", "2026-11-20", said, "Study", status=status)
    made = brief(_SEEN, newer, _study("r2", "2026-11-12", "Saddle embolus.", status=status))
    assert ["Saddle" in each for each in _fold(made)] == [is_plain, not is_plain]


def test_a_report_of_late_stands_above_the_fold_before_a_first_visit_too():
    glucose = lab("143", "2026-11-13", loinc="2345-7", **flagged("H"))
    made = brief(glucose, _study("r1", "2026-11-12", "Adenocarcinoma.", name="Pathology"))
    assert _fold(made)[0] == "Report: Pathology, 2026-11-12: “Adenocarcinoma.”"
    assert not _fold(brief(_study("r1", "2026-01-12", "Adenocarcinoma.")))


@pytest.mark.parametrize("status", ["final", "preliminary"])
def test_a_report_that_says_that_a_critical_result_was_told_stands_first_with_a_warning(status):
    plain_ones = [_study(f"x{n}", f"2026-11-2{n}", "Normal.", f"X-ray {n}") for n in range(2)]
    made = brief(_SEEN, *plain_ones, _study("r1", "2026-11-12", _PULMONARY, status=status))
    [line] = made.section("attention")
    assert "Acute saddle embolus" in line.text
    assert "must_show" in line.statement.flags
    assert _fold(made)[0] == line.text
    assert cards(made)[0].summary == f"Critical result: {line.text}"
    assert cards(made)[0].indicator == "warning"


@pytest.mark.parametrize(
    ("said", "is_critical"),
    [
        (_PULMONARY, True),
        ("No pneumothorax. Critical finding called to RN Lee.", True),
        ("Critical findings: free air. Discussed with the surgeon at 10:00.", True),
        ("There is no critical finding. Discussed with Dr. X.", False),
        ("Critical findings: free air.", False),
        ("Critical stenosis of the left main. Discussed with Dr. X.", False),
        ("Discussed with the critical care team.", False),
        ("Critical result: none. Not called.", False),
        ("All critical results are communicated within an hour.", False),
        ("Any critical finding was reported.", False),
        ("Critical values reported per protocol.", False),
        ("Critical results communicated to: N/A", False),
        ("No acute findings. Critical results communicated to: N/A.", False),
        ("Critical results communicated to:", False),
        ("Critical result called: N/A", False),
        ("Critical results discussed at prior exam 2019.", False),
        ("Critical findings were not identified. Case discussed with Dr. X.", False),
        ("Critical findings: there are none. Dr. Lee was called about the result.", False),
        ("Critical finding: embolus. Lungs clear. Heart normal. Dr. Lee was called.", False),
        ("Critical result called to NA Smith", True),
        ("CRITICAL FINDING: Acute pulmonary embolism without strain. Dr. Lee was notified.", True),
        ("Critical finding: subdural hematoma. No midline shift. Dr. Lee was called.", True),
    ],
)
def test_which_words_of_a_report_say_so(said, is_critical):
    assert bool(texts(brief(_SEEN, _study("r1", "2026-11-12", said)), "attention")) is is_critical


def test_a_critical_report_of_before_the_last_visit_is_none_any_more():
    made = brief(_SEEN, _study("r1", "2026-08-12", _PULMONARY))
    assert not texts(made, "attention")
    assert texts(brief(_study("r1", "2026-10-12", _PULMONARY)), "attention")
    assert not texts(brief(_study("r1", "2026-01-12", _PULMONARY)), "attention")


def test_of_new_reports_what_plainly_says_nothing_stands_last():
    made = brief(
        _SEEN,
        _study("r1", "2026-11-20", "Normal.", "X-ray hand"),
        _study("r2", "2026-11-19", "Negative", "X-ray foot"),
        _study("r3", "2026-11-18", "A nodule of 9 mm.", "CT chest"),
        _study("r4", "2026-11-17", "Normal heart, a nodule of 8 mm.", "CT heart"),
    )
    names = [each.split(": ")[1].partition(",")[0] for each in texts(made, "changes")]
    assert names == ["CT chest", "CT heart", "X-ray hand", "X-ray foot"]
    assert [each.split(": ")[1].partition(",")[0] for each in _fold(made)] == names
