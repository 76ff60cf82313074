"""Whether a patient is to be resuscitated: told wherever an entry says so, and together where two do not agree."""

import pytest

from tests.brief.charts import brief, coded, concept, condition, flags, plain, seen, texts

ICD10 = "http://hl7.org/fhir/sid/icd-10-cm"
FULL = plain(
    "ServiceRequest",
    "sr1",
    status="active",
    intent="order",
    code={"text": "Full code"},
    authoredOn="2026-01-01",
)
Z66 = condition(
    "",
    code=concept("No code blue", (ICD10, "Z66", "Do not resuscitate")),
    onsetDateTime="2026-06-01",
)


def _order(name, **more):
    return {**FULL, "id": "sr2", "code": {"text": name}, "authoredOn": "2026-08-14", **more}


def _conflicts(*entries):
    return [
        each for each in texts(brief(seen(), *entries), "attention") if "resuscitation" in each
    ]


@pytest.mark.parametrize(
    "entry",
    [
        Z66,
        condition("DNR (do not resuscitate)", onsetDateTime="2026-06-01"),
        condition(
            "",
            code=concept(
                "Resus", ("http://snomed.info/sct", "304253006", "Not for resuscitation")
            ),
            onsetDateTime="2026-06-01",
        ),
    ],
)
def test_a_problem_that_says_a_code_status_is_told_among_the_directives(entry):
    name = entry["code"]["text"]
    made = brief(seen(), entry, FULL)
    assert texts(made, "context") == [
        "Order: Full code, ordered 2026-01-01",
        f"Problem: {name}, since 2026-06-01",
    ]
    assert texts(made, "attention") == [
        f"Entries on resuscitation do not agree: {name}, since 2026-06-01; Full code, ordered 2026-01-01"
    ]
    assert flags(made, "attention") == [("must_show", "conflict")]


@pytest.mark.parametrize(
    ("entry", "told"),
    [
        (
            _order("DNR/DNI - comfort measures only"),
            "DNR/DNI - comfort measures only, ordered 2026-08-14",
        ),
        (
            plain(
                "Flag",
                "f1",
                status="active",
                code={"text": "DNR on file"},
                period={"start": "2026-08-14"},
            ),
            "DNR on file, since 2026-08-14",
        ),
        (
            plain(
                "Consent", "co1", status="active", category=[coded("dnr")], dateTime="2026-08-14"
            ),
            "DNR directive on file, dated 2026-08-14",
        ),
    ],
)
def test_two_that_stand_and_take_opposite_sides_are_told_together_newest_first(entry, told):
    assert _conflicts(FULL, entry) == [
        f"Entries on resuscitation do not agree: {told}; Full code, ordered 2026-01-01"
    ]


@pytest.mark.parametrize(
    "entry",
    [
        _order("Full code"),
        _order("Full code, DNR discussed"),
        _order("DNR rescinded"),
        _order("Partial code: no intubation, DNR form"),
        _order("DNI"),
        _order("Do not intubate"),
        _order("not DNR"),
        _order("No DNR, no intubation"),
        _order("DNR", status="revoked"),
        _order("DNR", status="on-hold"),
        condition("DNR", status="resolved"),
        condition("DNR", verified="refuted"),
        condition("DNR", verified="provisional"),
        condition("Family discussion of DNR"),
        plain("Flag", "f1", status="inactive", code={"text": "DNR on file"}),
        plain("Flag", "f1", status="active", code={"text": "DNR"}, period={"end": "2026-11-01"}),
        plain("Consent", "co1", status="inactive", category=[coded("dnr")]),
    ],
)
def test_what_takes_no_side_or_does_not_stand_disagrees_with_nothing(entry):
    assert _conflicts(FULL, entry) == []


@pytest.mark.parametrize(
    "name",
    [
        *("Do Not Resuscitate / Do Not Intubate", "DNR - do not intubate", "DNR, no intubation"),
        *("DNR (no CPR)", "DNR: no CPR, no intubation", "DNR/DNI - family agrees"),
    ],
)
def test_what_else_is_not_done_takes_nothing_back(name):
    assert len(_conflicts(FULL, _order(name))) == 1


@pytest.mark.parametrize(
    "name",
    ["Full code (no limitations)", "Full Code - no restrictions", "Full code, family aware"],
)
def test_a_full_code_without_limits_disagrees_with_its_opposite(name):
    assert len(_conflicts(Z66, _order(name))) == 1


@pytest.mark.parametrize(
    "name", ["Full code, do not intubate", "Full code, no CPR", "No full code"]
)
def test_a_full_code_with_a_limit_takes_no_side(name):
    assert _conflicts(Z66, _order(name)) == []


def test_one_side_alone_is_no_disagreement_and_an_ended_problem_no_directive():
    assert _conflicts(Z66, _order("DNR")) == []
    assert texts(brief(condition("DNR", status="resolved")), "context") == []
