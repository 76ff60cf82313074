"""An agent's draft against the record: what holds is written by code, what does not is dropped with a reason."""

from base64 import b64encode
from dataclasses import replace

import pytest

from cds_service.brief import rule_brief, to_json
from cds_service.brief.must_show import missing
from cds_service.brief.record import index
from cds_service.brief.verify import MAX_LEADS, verify
from cds_service.brief.why import WORDS
from cds_service.domain.draft import CODES, Draft, Proposed
from cds_service.domain.evidence import Evidence
from tests.brief.charts import (
    NOW,
    allergy,
    booked,
    condition,
    flagged,
    lab,
    limits,
    order,
    plain,
    report,
    searched,
    seen,
)


def note(words, identity="d1"):
    data = b64encode(words.encode()).decode()
    return plain(
        "DocumentReference",
        identity,
        status="current",
        type={"text": "Progress note"},
        date="2026-10-01",
        content=[{"attachment": {"contentType": "text/plain", "data": data}}],
    )


CHART = (
    condition("Gout"),
    condition("Migraine", "c2"),
    condition("Pneumonia", "c3", status="resolved"),
    condition("Lupus", "c4", verified="refuted"),
    condition("Measles", "c5", verified="entered-in-error"),
    allergy("Penicillin", criticality="high"),
    allergy("Latex", "a2"),
    order("allopurinol 100 mg", "m1"),
    order("warfarin 5 mg", "m2"),
    order("ibuprofen 400 mg", "m3", status="stopped"),
    report("Coumadin 5 mg", "s1"),
    lab("8.1", "2026-10-02", "o1", **flagged("H"), **limits("4.0", "5.6")),
    lab("8.9", "2026-06-12", "o2", **flagged("H")),
    lab("6.3", "2026-11-20", "o3", loinc="2823-3", unit="mmol/L", **flagged("HH")),
    lab("", "2026-10-02", "o4", loinc="2951-2"),
    lab("1.0", "2026-10-02", "o5", loinc="2160-0", unit="mg/dL"),
    lab("1.1", "2026-01-02", "o6", loinc="2160-0", unit="mg/dL"),
    seen(),
    seen("2026-03-01T10:00:00-05:00", "e2"),
    seen("2026-12-01T10:00:00-05:00", "e3", status="planned"),
    booked(),
    note("She walks two miles daily and sleeps well."),
    plain(
        "Procedure",
        "pr1",
        status="completed",
        code={"text": "Appendectomy"},
        performedDateTime="2010",
    ),
    plain(
        "Immunization",
        "i1",
        status="completed",
        vaccineCode={"text": "Influenza"},
        occurrenceDateTime="2025-10-01",
    ),
    plain(
        "ServiceRequest",
        "s9",
        status="active",
        intent="order",
        code={"text": "MRI knee"},
        authoredOn="2026-08-01",
    ),
    plain("Flag", "f1", status="active", code={"text": "Falls"}),
)
CONTEXT = searched(*CHART)
RULES = rule_brief(CONTEXT)


def says(kind, *refs, **more):
    return Proposed(kind=kind, refs=refs, **more)


FILLING = tuple(
    says(kind, ref)
    for kind, ref in (
        ("problem", "Condition/c2"),
        ("problem", "Condition/c1"),
        ("allergy", "AllergyIntolerance/a2"),
        ("result", "Observation/o5"),
        ("encounter", "Encounter/e2"),
        ("visit", "Appointment/ap1"),
    )
)
"""Enough that holds, so that one drop does not discard a draft."""


def checked(*statements, on=CONTEXT, filling=FILLING, shown=None):
    refs = frozenset(on.ledger.evidence) if shown is None else shown
    draft = Draft(statements=(*statements, *filling), shown=refs, read=refs)
    return verify(draft, on, rule_brief(on))


def codes(found):
    return [each.code for each in found.findings]


def model_lines(found, section):
    return [x for x in found.brief.section(section) if x.statement.added_by == "model"]


def test_what_holds_is_written_by_code_and_keeps_the_models_order():
    found = checked()
    assert (found.status, found.findings) == ("ok", ())
    problems = [line.text for line in found.brief.section("problems")]
    assert problems[0].startswith("Migraine")
    assert problems[1].startswith("Gout")
    rules = {line.text for line in RULES.lines()}
    assert {line.text for line in found.brief.section("results")} <= rules


DROPPED = [
    (says("result", "Observation/nowhere"), "ref_not_retrieved"),
    (says("result", ""), "ref_not_retrieved"),
    (says("problem"), "no_refs"),
    (says("problem", "Condition/c5"), "entered_in_error"),
    (says("problem", "Condition/c4"), "refuted"),
    (says("problem", "Condition/c3"), "not_active"),
    (says("medication", "MedicationRequest/m3"), "not_active"),
    (says("encounter", "Encounter/e3"), "not_active"),
    (says("problem", "Observation/o1"), "kind_mismatch"),
    (says("result", "Observation/o1", "Observation/o3"), "kind_mismatch"),
    (says("result", "Observation/o4"), "no_value"),
    (says("conflict", "Condition/c1", "MedicationRequest/m1"), "not_computed"),
    (says("medication_change", "MedicationRequest/m3"), "not_computed"),
    (says("order_open", "ServiceRequest/s9", "ServiceRequest/s8"), "ref_not_retrieved"),
    (says("clash", "Appointment/ap1"), "not_computed"),
    (says("no_known", "AllergyIntolerance/a2"), "not_computed"),
    (says("note_quote", "DocumentReference/d1", quote="She runs two miles daily"), "not_in_note"),
    (says("note_quote", "DocumentReference/d1", quote=""), "not_in_note"),
    (says("note_quote", "DocumentReference/d1", quote="miles"), "not_in_note"),
    (says("note_quote", "DocumentReference/d1", quote="x" * 300), "quote_too_long"),
    (
        says("note_quote", "DocumentReference/d1", quote="see https://evil.example.org"),
        "quote_markup",
    ),
    (says("absence", needs=("allergies",)), "absence_denied"),
    (says("absence", needs=("problems", "directives")), "absence_denied"),
    (says("absence"), "kind_mismatch"),
    (says("absence", "Condition/c1", needs=("directives",)), "kind_mismatch"),
    (says("absence", needs=("orders",)), "absence_denied"),
]


@pytest.mark.parametrize(("said", "code"), DROPPED, ids=lambda each: str(each)[:60])
def test_what_does_not_hold_is_dropped_with_its_code(said, code):
    found = checked(said)
    assert codes(found) == [code]
    assert (found.status, found.dropped) == ("ok", 1)
    whole = checked()
    assert [x.text for x in found.brief.lines()] == [x.text for x in whole.brief.lines()]


def test_what_was_not_shown_in_this_run_is_not_cited_even_if_it_is_there():
    shown = frozenset(CONTEXT.ledger.evidence) - {"Observation/o1"}
    assert codes(checked(says("result", "Observation/o1"), shown=shown)) == ["ref_not_retrieved"]


def test_anything_of_another_patient_discards_the_whole_draft():
    theirs = lab("4.1", "2026-11-19", "o99", subject={"reference": "Patient/p2"})
    item = Evidence(
        ref="Observation/o99", resource=theirs, version="1", source="read", need="results", at=NOW
    )
    ledger = replace(CONTEXT.ledger, evidence={**CONTEXT.ledger.evidence, item.ref: item})
    found = checked(says("result", "Observation/o99"), on=replace(CONTEXT, ledger=ledger))
    assert (found.status, found.brief) == ("wrong_patient", None)


def test_too_many_drops_discard_the_draft():
    wrong = [says("result", f"Observation/x{n}") for n in range(2)]
    found = checked(*wrong)
    assert (found.status, found.brief, found.dropped) == ("too_many_drops", None, 2)
    assert checked(*wrong, filling=()).status == "too_many_drops"
    assert checked(filling=()).status == "empty"


def test_an_older_value_is_corrected_to_the_newest():
    found = checked(says("result", "Observation/o6"), filling=FILLING[:3])
    assert codes(found) == ["not_newest"]
    assert found.dropped == 0
    assert found.brief.section("results")[0].text.startswith("Creatinine 1.0 mg/dL")


def test_a_series_is_told_whole_whatever_part_of_it_is_cited():
    one = checked(says("result", "Observation/o1"))
    both = checked(says("result", "Observation/o2", "Observation/o1"))
    assert one.brief.section("results") == both.brief.section("results")
    assert "earlier 8.9" in one.brief.section("results")[0].text


def test_a_thing_said_twice_is_said_once_and_costs_nothing():
    found = checked(
        says("problem", "Condition/c1"), says("problem", "Condition/c1"), *FILLING[1:2]
    )
    assert set(codes(found)) == {"duplicate"}
    assert found.dropped == 0


def test_an_absence_needs_a_complete_and_empty_search():
    assert checked(says("absence", needs=("directives",))).findings == ()
    for state in ("partial", "failed", "denied", "timeout", "no_access", "withheld"):
        on = searched(*CHART, states={"directives": state})
        assert codes(checked(says("absence", needs=("directives",)), on=on)) == [
            "absence_unproven"
        ]


def test_words_of_a_note_are_quoted_as_they_stand():
    found = checked(says("note_quote", "DocumentReference/d1", quote="walks two miles  daily"))
    [line] = [x for x in found.brief.section("notes") if x.statement.kind == "note_quote"]
    assert line.text.startswith("“walks two miles daily”: Progress note")


def test_a_note_whose_text_was_not_read_is_not_quoted():
    said = says("note_quote", "DocumentReference/d1", quote="walks two miles daily")
    refs = frozenset(CONTEXT.ledger.evidence)
    found = verify(Draft(statements=(said, *FILLING), shown=refs), CONTEXT, RULES)
    assert codes(found) == ["ref_not_retrieved"]


def test_a_lead_stands_in_attention_after_what_is_critical_and_before_lists():
    found = checked(says("encounter", "Encounter/e2", lead=True))
    lines = found.brief.section("attention")
    place = next(n for n, x in enumerate(lines) if x.statement.added_by == "model")
    assert any("critical" in x.statement.flags for x in lines[:place])
    assert not any("critical" in x.statement.flags for x in lines[place:])


def test_leads_are_few():
    leads = [
        says(each.kind, *each.refs, lead=True)
        for each in (
            *FILLING,
            says("problem", "Condition/c1"),
            says("medication", "MedicationRequest/m1"),
        )
    ]
    found = checked(*leads, filling=())
    assert len(model_lines(found, "attention")) <= MAX_LEADS


@pytest.mark.parametrize("filling", [FILLING, FILLING[:1], FILLING[-1:]])
def test_nothing_that_must_be_shown_is_ever_left_out(filling):
    found = checked(filling=filling)
    record = index(CONTEXT)
    assert missing(record, (x.statement for x in found.brief.lines())) == ()
    for section in RULES.sections:
        ours = {x.text for x in section.lines}
        assert ours <= {x.text for x in found.brief.section(section.id)}, section.id


def test_a_brief_of_a_model_shows_no_line_twice_in_a_section():
    for section in checked(*FILLING[:2]).brief.sections:
        texts = [x.text for x in section.lines]
        assert len(texts) == len(set(texts)), section.id


def test_gaps_stay_whatever_a_model_says():
    on = searched(*CHART, states={"immunizations": "denied"})
    assert checked(on=on).brief.gap_texts == rule_brief(on).gap_texts


WHYS = [
    ("seen again since the last visit", None),
    ("new medicine for Gout since last visit", None),
    ("related to the reason for this visit", None),
    ("x" * 200, "why_too_long"),
    ("see https://evil.example.org", "why_markup"),
    ("<b>look</b>", "why_markup"),
    ("**look** here", "why_markup"),
    ("[here](x)", "why_markup"),
    ("level was 9", "why_digits"),
    ("not controlled", "why_negation"),
    ("isn't controlled", "why_negation"),
    ("without symptoms", "why_negation"),
    ("consider to stop it", "why_advice"),
    ("should be reviewed", "why_advice"),
    ("ready for surgery", "why_advice"),
    ("order test today", "why_advice"),
    ("consider medicine change", "why_advice"),
    ("repeat at this visit", "why_advice"),
    ("related to Gout, discuss with patient", "why_advice"),
    ("follow-up needed", "why_advice"),
    ("test due", "why_advice"),
    ("may be changed", "why_advice"),
    ("medicine for Gout", "why_relation"),
    ("visit in weeks", "why_relation"),
    ("related to Gout, visit in weeks", "why_relation"),
    ("related to metformin", "why_foreign_term"),
    ("related to Coumadin", "why_foreign_term"),
    ("related to lupus", "why_vocabulary"),
    ("her mother had it", "why_vocabulary"),
    ("above nine percent", "why_vocabulary"),
    ("falling since the last visit", "why_vocabulary"),
    ("stable and controlled", "why_vocabulary"),
    ("patient lovely", "why_vocabulary"),
    ("…", "why_markup"),
]


@pytest.mark.parametrize(("words", "code"), WHYS)
def test_a_reason_is_kept_only_where_every_word_can_be_checked(words, code):
    found = checked(says("problem", "Condition/c1", why=words), filling=FILLING[:1])
    [line] = [x for x in model_lines(found, "problems") if x.statement.refs == ("Condition/c1",)]
    assert codes(found) == ([code] if code else [])
    assert line.statement.why == (None if code else words)
    assert found.dropped == 0


def test_no_word_of_the_list_advises_or_denies():
    from cds_service.brief.why import _ADVICE, _NEGATION, _OPENING

    assert not set(WORDS) & (_ADVICE | _NEGATION)
    assert set(WORDS) >= _OPENING
    assert all(each.isascii() and each == each.lower() for each in WORDS)


def test_a_name_in_the_chart_lends_a_reason_no_word_of_advice():
    on = searched(*CHART, condition("Gout, to start and to repeat", "c9"))
    for advice in ("start it", "repeat since the last visit", "related to Gout, start"):
        found = checked(says("problem", "Condition/c9", why=advice), on=on)
        assert codes(found) == ["why_advice"], advice


def test_a_group_is_a_problem_that_was_shown():
    found = checked(says("result", "Observation/o1", group="Condition/c1"))
    assert model_lines(found, "results")[0].statement.group == "Condition/c1"
    wrong = checked(says("result", "Observation/o1", group="Observation/o3"))
    assert model_lines(wrong, "results")[0].statement.group is None


def test_what_is_restricted_stays_marked():
    secret = condition("Secretia", "c9", meta={"security": [{"code": "R"}]})
    on = searched(*CHART, secret)
    found = checked(says("problem", "Condition/c9"), on=on)
    [line] = [x for x in found.brief.section("problems") if "Condition/c9" in x.statement.refs]
    assert "restricted" in line.statement.flags


def test_every_code_is_told_in_a_sentence_and_every_drop_was_tried_here():
    tried = {code for _, code in DROPPED} | {code for _, code in WHYS if code}
    tried |= {"wrong_patient", "absence_unproven", "not_newest", "duplicate"}
    assert tried == set(CODES)


def test_a_brief_with_a_model_says_so_in_json():
    made = checked(says("problem", "Condition/c1", why="related to this visit")).brief
    shown = to_json(replace(made, versions={"model": "m"}, notices=("Said.",)))
    assert shown["versions"] == {"model": "m"}
    assert shown["notices"] == ["Said."]
    assert "model" in {s["added_by"] for part in shown["sections"] for s in part["statements"]}
