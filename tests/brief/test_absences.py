"""Nothing is called absent or old while an entry of the record may be of it, by its code or by a word."""

import pytest

from cds_service.brief import rule_brief
from tests.brief.charts import (
    PATIENT,
    SUBJECT,
    booked,
    brief,
    coded,
    concept,
    condition,
    flagged,
    lab,
    plain,
    searched,
    texts,
)


def named(words, value, when="2026-11-17", identity="n1", **more):
    """A result that has a name and no code."""
    said = {"status": "final", "category": [coded("laboratory")], "code": {"text": words}}
    return plain(
        "Observation", identity, **{**said, **more}, effectiveDateTime=when, valueString=value
    )


def visit(reason):
    return booked(reasonCode=[{"text": reason}])


def of_the_visit(*resources):
    return [each for each in texts(brief(*resources), "visit") if "reason of this visit" in each]


WANTED = {
    "Diabetes": "HEMOGLOBIN A1C",
    "INR check": "PT/INR fingerstick",
    "Kidney disease": "Creat, whole blood",
    "Thyroid": "TSH reflex",
    "Cholesterol": "LDL-C direct",
    "Anemia": "CBC w diff",
}


@pytest.mark.parametrize("reason", WANTED)
def test_a_test_is_not_called_missing_beside_its_name(reason):
    assert len(of_the_visit(visit(reason))) == 1
    for status in ("final", "cancelled", "registered", "preliminary"):
        assert not of_the_visit(visit(reason), named(WANTED[reason], "5", status=status))
    report = plain("DiagnosticReport", "r1", status="final", code={"text": "Outside results"})
    told = {**report, "conclusion": f"{WANTED[reason]}: 5"}
    assert len(of_the_visit(visit(reason), report)) == 1
    assert not of_the_visit(visit(reason), told)
    asked = {"status": "active", "intent": "order", "code": {"text": WANTED[reason]}}
    assert not of_the_visit(visit(reason), plain("ServiceRequest", "x1", **asked))


def test_a_test_is_not_called_old_beside_a_newer_entry_of_it():
    old = lab("8.1", "2026-01-02")
    assert of_the_visit(visit("Diabetes"), old)
    newer = (
        named("HEMOGLOBIN A1C", "8.3"),
        named("A1C POC", "8.3", when=None),
        lab("60", "2026-11-01", "o2", loinc="59261-8", unit="mmol/mol"),
        lab("8.0", "2026-11-01", "o2", status="cancelled"),
    )
    for each in newer:
        made = brief(
            visit("Diabetes"),
            condition("Type 2 diabetes", code=concept("x", ("", "44054006"))),
            old,
            each,
        )
        assert not [x for x in texts(made, "visit") if "reason of this visit" in x]
        assert not [x for x in texts(made, "prevention") if "8.1" in x]
    assert of_the_visit(visit("Diabetes"), old, named("HEMOGLOBIN A1C", "7", "2025-11-17"))
    assert of_the_visit(visit("Diabetes"), old, lab("14", "2026-11-01", "o2", loinc="718-7"))


def test_codes_of_another_unit_or_of_the_point_of_care_are_one_line_that_says_the_unit():
    at_hand = lab("4.8", "2026-11-20", "o2", loinc="46418-0", unit=None, **flagged("H"))
    made = texts(brief(lab("2.2", "2026-08-20", loinc="6301-6", unit=None), at_hand), "results")
    assert made == ["INR 4.8 (H), 2026-11-20; earlier 2.2 (2026-08-20); rising"]
    moles = lab("4.9", "2026-11-10", "o2", loinc="22748-8", unit="mmol/L", **flagged("H"))
    made = texts(brief(lab("131", "2026-01-10", loinc="13457-7", unit="mg/dL"), moles), "results")
    assert made == ["LDL cholesterol 4.9 mmol/L (H), 2026-11-10; earlier 131 mg/dL (2026-01-10)"]
    ifcc = lab("60", "2026-11-10", "o2", loinc="59261-8", unit="mmol/mol")
    made = texts(brief(lab("8.1", "2026-10-02"), ifcc), "results")
    assert made == ["HbA1c 8.1 %, 2026-10-02", "HbA1c (IFCC) 60 mmol/mol, 2026-11-10"]


LOOKED_FOR = ("Mammogram", "Colonoscopy", "Stool test for colorectal cancer", "Bone density")


def absent(*resources):
    return [
        each
        for each in texts(rule_brief(searched(*resources)), "prevention")
        if "Not found" in each
    ]


def test_a_screening_that_stands_as_a_result_is_found():
    fit = lab(None, "2025-10-20", loinc="29771-3", valueString="Positive", **flagged("A"))
    fit["code"] = concept("FIT", ("http://loinc.org", "29771-3"))
    made = texts(rule_brief(searched(fit)), "prevention")
    assert made[-2:] == [
        "FIT: Positive (abnormal), 2025-10-20; over a year old",
        "Not found in the record as of 2026-11-23, by code or name: Mammogram, Bone density",
    ]


@pytest.mark.parametrize(
    ("words", "name"),
    [
        ("MAMMO DIAGNOSTIC BILATERAL", "Mammogram"),
        ("US breast left", "Mammogram"),
        ("Stool FIT", "Stool test"),
        ("GI endoscopy report", "Colonoscopy"),
        ("DEXA scan", "Bone density"),
        ("MAM SCREENING BILATERAL W CAD", "Mammogram"),
        ("MG 3D SCREENING BILAT", "Mammogram"),
        ("MM DIGITAL SCREENING BILAT W TOMO", "Mammogram"),
        ("Virtual colonography CT", "Colonoscopy"),
        ("CT colonography screening", "Stool test"),
        ("OCCULT BLOOD, FECAL, IA", "Colonoscopy"),
    ],
)
def test_a_screening_is_not_called_missing_beside_what_may_be_one(words, name):
    assert name in absent()[0]
    assert all(name not in each for each in absent(named(words, "seen")))
    for kind, status in (("Procedure", "not-done"), ("DiagnosticReport", "preliminary")):
        entry = plain(kind, "x", status=status, code={"text": words})
        assert all(name not in each for each in absent(entry))
    filed = plain("DocumentReference", "d1", status="current", description=words)
    assert all(name not in each for each in absent(filed))


@pytest.mark.parametrize("words", ["IGP, rfx Aptima", "GYN ThinPrep", "Aptima HPV, reflex"])
def test_beside_what_may_be_cytology_or_a_test_for_hpv_neither_is_called_missing(
    words, monkeypatch
):
    monkeypatch.setitem(PATIENT, "birthDate", "1990-06-01")

    def missed(*entries):
        said = texts(rule_brief(searched(*entries)), "prevention")
        return [each for each in said if "Cervical cytology" in each or "HPV" in each]

    assert missed()
    assert not missed(plain("DiagnosticReport", "x", status="preliminary", code={"text": words}))


def test_magnesium_and_millimeters_are_no_mammogram():
    for words in ("MG", "MG, serum", "Nodule 5 mm", "Metoprolol 50 mg level"):
        assert "Mammogram" in absent(named(words, "seen"))[0]


def test_a_word_within_another_is_not_that_word():
    assert "Stool test" in absent(named("Benefit of exercise", "yes"))[0]


def refused(when="2026-11-20", identity="i1", **more):
    return {
        "resourceType": "Immunization", "id": identity, "patient": SUBJECT, "status": "not-done",
        "vaccineCode": {"text": "Hepatitis B"}, "occurrenceDateTime": when, **more,
    }  # fmt: skip


def test_a_vaccine_that_was_refused_is_said_and_then_none_is_not():
    made = brief(refused(statusReason={"text": "Parent refused"}))
    assert texts(made, "prevention") == [
        "Refused or not given: Hepatitis B (Parent refused), 2026-11-20",
        f"Not recorded in this bundle, by code or name: {', '.join(LOOKED_FOR)}",
    ]


def test_a_vaccine_that_was_given_later_is_no_longer_told_as_refused():
    given = refused("2026-11-21", "i2", status="completed")
    told = texts(brief(refused(), given), "prevention")
    assert told[0] == "Other vaccines, newest dose: Hepatitis B 2026-11-21"
    assert not any("Refused" in each for each in told)
    assert any(
        "Refused" in each for each in texts(brief(refused("2026-11-22"), given), "prevention")
    )
