"""A stored brief is what code writes of the record that it was made of, or it is told what is not."""

import copy
from dataclasses import replace

import pytest
from msgspec import structs

from cds_service.brief import rule_brief, to_json, to_text
from cds_service.brief.made import attributed
from cds_service.brief.recheck import FAULTS, fingerprint, rebuilt, recheck
from cds_service.domain.json import decode, encode
from tests.brief.charts import allergy, condition, flagged, lab, order, plain, searched, seen

CHART = (
    condition("Gout"),
    allergy("Penicillin", criticality="high"),
    order("warfarin 5 mg"),
    lab("6.3", "2026-11-20", loinc="2823-3", unit="mmol/L", **flagged("HH")),
    seen(),
    plain("Flag", "f1", status="active", code={"text": "Falls"}),
)
CONTEXT = searched(*CHART, states={"immunizations": "denied"})


def stored():
    made = attributed(rule_brief(CONTEXT), {"evidence": fingerprint(CONTEXT.ledger)}, ["Said."])
    return decode(encode(to_json(made)))


def lines(brief):
    return [each for part in brief["sections"] for each in part["statements"]]


def test_what_was_stored_is_written_again_byte_for_byte():
    assert recheck(stored(), CONTEXT) == ()
    assert encode(to_json(rebuilt(stored(), CONTEXT))) == encode(stored())
    assert to_text(rebuilt(stored(), CONTEXT))


def _line(kind, /, **change):
    def edit(brief):
        next(each for each in lines(brief) if each["kind"] == kind).update(change)

    return edit


def _without(kind):
    def edit(brief):
        for part in brief["sections"]:
            part["statements"] = [each for each in part["statements"] if each["kind"] != kind]

    return edit


EDITS = [
    (lambda b: b.update(rules_version="0"), "other_rules"),
    (lambda b: b.update(patient="Patient/p2"), "other_patient"),
    (_line("problem", text="Gout, resolved"), "text_changed"),
    (_line("problem", refs=["Condition/c9"]), "ref_missing"),
    (_line("problem", kind="allergy"), "statement_changed"),
    (_line("problem", flags=["critical"]), "statement_changed"),
    (_line("problem", why="stop it", added_by="model"), "reason_changed"),
    (_line("problem", why="related to this visit"), "reason_changed"),
    (_without("allergy"), "must_show_missing"),
    (_without("flag"), "must_show_missing"),
    (_without("problem"), "line_missing"),
    (lambda b: b.update(gaps=[]), "gap_changed"),
    (lambda b: b["sections"][0]["statements"].append({"text": "All well"}), "shape_changed"),
    (lambda b: b.update(sections="none"), "shape_changed"),
    (lambda b: b.update(advice="rest"), "shape_changed"),
]


@pytest.mark.parametrize(("edit", "fault"), EDITS)
def test_every_change_of_a_stored_brief_is_found(edit, fault):
    brief = copy.deepcopy(stored())
    edit(brief)
    assert fault in recheck(brief, CONTEXT)


def test_every_change_of_the_kept_record_is_found():
    evidence = CONTEXT.ledger.evidence
    item = evidence["Observation/o1"]
    for change in (
        {"status": "preliminary"},
        {"subject": {"reference": "Patient/p2"}},
        {"note": []},
    ):
        other = structs.replace(item, resource={**item.resource, **change})
        ledger = replace(CONTEXT.ledger, evidence={**evidence, item.ref: other})
        assert "record_changed" in recheck(stored(), replace(CONTEXT, ledger=ledger))
    theirs = structs.replace(
        item, resource={**item.resource, "subject": {"reference": "Patient/p2"}}
    )
    ledger = replace(CONTEXT.ledger, evidence={**evidence, item.ref: theirs})
    assert "wrong_patient" in recheck(stored(), replace(CONTEXT, ledger=ledger))


def test_every_fault_was_tried_here():
    assert {fault for _, fault in EDITS} | {"record_changed", "wrong_patient"} == set(FAULTS)
