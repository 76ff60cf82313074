"""Beside a delivery older entries of a pregnancy stand lower, on one line that begins with it; newer ones do not."""

import pytest

from tests.brief.charts import LOINC, brief, coded, concept, condition, plain, texts

_SNOMED = "http://snomed.info/sct"
_ICD = "http://hl7.org/fhir/sid/icd-10-cm"
_PREGNANT = concept("Pregnancy", (_SNOMED, "77386006"))


def _pregnancy(when="2026-03-10"):
    return condition("", "c1", code=_PREGNANT, onsetDateTime=None, recordedDate=when)


def _done(when="2026-10-19", code="11466000", name="Cesarean section", status="completed"):
    return plain(
        "Procedure", "p1", status=status, performedDateTime=when,
        code=concept(name, (_SNOMED, code)),
    )  # fmt: skip


def _entry(code, name="Delivered", when="2026-10-19", **more):
    coding = concept(name, (_ICD, code))
    return condition("", "c2", code=coding, onsetDateTime=None, recordedDate=when, **more)


def _observed(identity, code, **value):
    return plain(
        "Observation", identity, status="final", effectiveDateTime="2026-04-02",
        category=[coded("social-history")], code=concept("", (LOINC, code)), **value,
    )  # fmt: skip


def test_a_delivery_comes_first_and_what_told_of_the_pregnancy_follows_on_its_line():
    made = brief(
        _pregnancy(),
        _observed(
            "o1", "82810-3", valueCodeableConcept=concept("Pregnant", (_SNOMED, "77386006"))
        ),
        _observed("o2", "11778-8", valueDateTime="2026-11-01"),
        _done(),
    )
    assert texts(made, "attention") == [
        (
            "Delivery recorded 2026-10-19 (Cesarean section), after: Pregnancy, recorded 2026-03-10; "
            "Pregnancy status: Pregnant, 2026-04-02; "
            "Estimated due date: 2026-11-01 (recorded 2026-04-02)"
        )
    ]
    assert not texts(made, "context")
    assert "must_show" in made.section("attention")[0].statement.flags


@pytest.mark.parametrize(
    ("told", "head"),
    [
        (_entry("O80"), "Delivery recorded 2026-10-19"),
        (_entry("O82", status="resolved"), "Delivery recorded 2026-10-19"),
        (_entry("Z37.0"), "Delivery recorded 2026-10-19"),
        (_entry("O03.9"), "End of a pregnancy recorded 2026-10-19"),
        (_entry("Z39.2"), "Care after a delivery recorded 2026-10-19"),
    ],
)
def test_diagnoses_tell_of_it_too_each_in_its_word(told, head):
    assert texts(brief(_pregnancy(), told), "attention")[-1].startswith(
        f"{head} (Delivered), after"
    )


@pytest.mark.parametrize(
    "other",
    [
        _done("2026-02-01"),
        _done(status="not-done"),
        _done("2026-12-24"),
        _done(code="73761001", name="Colonoscopy"),
        _entry("O80", verified="refuted"),
        _entry("O80", verified="provisional"),
        _entry("Z39.1"),
    ],
)
def test_a_pregnancy_stands_beside_an_earlier_delivery_and_beside_none(other):
    assert texts(brief(_pregnancy(), other), "attention") == ["Pregnancy, recorded 2026-03-10"]


def test_a_pregnancy_without_a_date_may_be_of_today():
    assert texts(brief(_pregnancy(None), _done()), "attention") == ["Pregnancy, undated"]


def test_a_due_date_says_which_of_its_dates_is_which():
    due = _observed("o2", "11778-8", valueDateTime="2027-01-01")
    assert texts(brief(due), "attention") == [
        "Estimated due date: 2027-01-01 (recorded 2026-04-02)"
    ]


def _test(value, code="2106-3", when="2026-11-02", identity="t1", **more):
    said = {"valueCodeableConcept": concept(value)} if value else {}
    return plain(
        "Observation", identity, status="final", effectiveDateTime=when, category=[coded("laboratory")],
        code=concept("Pregnancy test", (LOINC, code)), **{**said, **more},
    )  # fmt: skip


@pytest.mark.parametrize(
    "test",
    [
        _test("Positive"),
        _test("Positive", "2118-8"),
        _test("POS", "2110-5"),
        _test("", valueString="Positive (qualifier value)"),
        _test("", valueCodeableConcept=concept("", (_SNOMED, "10828004", "Positive"))),
        _test("", interpretation=[coded("POS")]),
    ],
)
def test_a_positive_pregnancy_test_is_told_first_as_it_said(test):
    [line] = brief(test).section("attention")
    assert line.text.startswith("Pregnancy test: Positive") or "POS" in line.text.upper()
    assert "regnant" not in line.text
    assert "must_show" in line.statement.flags


@pytest.mark.parametrize(
    "tests",
    [
        [_test("Negative")],
        [_test("Indeterminate")],
        [_test("Not positive")],
        [_test("Negative", interpretation=[coded("POS")])],
        [_test("Positive", when="2025-11-02")],
        [_test("Positive", "999-9")],
        [_test("Positive"), _test("Negative", "2118-8", "2026-11-10", "t2")],
    ],
)
def test_one_that_is_not_or_is_old_or_was_followed_by_another_is_no_sign(tests):
    assert not texts(brief(*tests), "attention")


def test_a_delivery_after_it_ends_what_it_told():
    [line] = texts(brief(_test("Positive", when="2026-04-02"), _done()), "attention")
    assert line.startswith("Delivery recorded 2026-10-19 (Cesarean section), after: ")
    assert "Pregnancy test: Positive" in line
