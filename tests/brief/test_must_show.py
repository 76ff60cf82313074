"""What no brief may leave out can be asked of any record, and what a choice leaves out is found."""

from cds_service.brief import index, line, missing, must_show
from tests.brief.charts import (
    allergy,
    booked,
    brief,
    context,
    flagged,
    lab,
    limits,
    order,
    plain,
    report,
    searched,
    seen,
)

CHART = (
    allergy("Penicillin", criticality="high"),
    allergy("Dust", "a2"),
    order("warfarin 5 mg"),
    order("Apixaban 5 mg", "m2", authoredOn="2026-11-01"),
    order("Lisinopril 10 mg", "m3", doNotPerform=True),
    lab("8.1", **flagged("HH"), **limits("4.0", "5.6")),
    lab("140", identity="o2", loinc="2951-2"),
    plain("ServiceRequest", "x", status="active", intent="order", authoredOn="2026-01-01"),
    plain("Flag", "f", status="active", code={"text": "Falls"}),
    seen(),
    seen("2026-10-04T10:00:00-05:00", "e2", kind="EMER"),
    booked(),
)


def test_it_is_the_same_as_what_the_brief_marks():
    told = [(each.kind, each.refs) for each in must_show(index(context(*CHART)))]
    marked = {
        (x.statement.kind, ref)
        for x in brief(*CHART).lines()
        if "must_show" in x.statement.flags
        for ref in x.statement.refs
    }
    assert told[0] == ("visit", ("Appointment/ap1",))
    assert ("allergy", ("AllergyIntolerance/a1",)) in told
    assert ("encounter", ("Encounter/e2",)) in told
    assert ("medication", ("MedicationRequest/m3",)) in told
    assert {(kind, ref) for kind, refs in told for ref in refs} == marked
    assert "AllergyIntolerance/a2" not in {ref for _, refs in told for ref in refs}


def test_each_resource_is_told_once_for_each_kind():
    told = [(s.kind, ref) for s in must_show(index(context(*CHART))) for ref in s.refs]
    assert len(told) == len(set(told))


def test_what_a_choice_leaves_out_is_found():
    record = index(context(*CHART))
    needed = must_show(record)
    assert missing(record, iter(needed)) == ()
    for left_out in needed:
        chosen = (each for each in needed if each != left_out)
        assert missing(record, chosen) == (left_out,)


def test_a_line_may_be_written_of_any_choice_and_says_when_it_is_restricted():
    secret = order("warfarin 5 mg", meta={"security": [{"code": "R"}]})
    record = index(searched(secret, report("Aspirin")))
    written = [line(record, each) for each in must_show(record)]
    assert [x.statement.flags[-1] for x in written] == ["restricted"]
    assert written[0].text == "High-alert: warfarin (anticoagulant)"
