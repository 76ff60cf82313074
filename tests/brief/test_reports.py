"""No final report is silently left out, a long one is quoted where it concludes, and an early one as early."""

import pytest

from tests.brief.charts import booked, brief, coded, concept, lab, plain, seen, texts

FINDING = "IMPRESSION: New 18 mm nodule."


def study(identity="r1", when="2026-11-12", name="CT chest", status="final", **more):
    said = {"status": status, "effectiveDateTime": when, "code": {"text": name}}
    return plain("DiagnosticReport", identity, **{**said, **more})


def test_a_report_without_a_conclusion_is_named():
    made = brief(seen(), study(category=[coded("RAD")]))
    assert texts(made, "changes") == ["Report: CT chest, 2026-11-12: no conclusion recorded"]
    panel = study(category=[coded("LAB")])
    assert not texts(brief(seen(), panel), "changes")
    outside = study(category=[coded("LAB")], result=[{"reference": "Observation/o9"}])
    assert len(texts(brief(seen(), outside), "changes")) == 1


def test_a_report_that_holds_results_of_the_record_together_needs_no_line():
    told = study(category=[coded("RAD")], result=[{"reference": "Observation/o1"}])
    assert not any("CT" in each for each in texts(brief(lab("8.1"), told), "results"))


def test_a_long_report_is_quoted_from_where_it_concludes():
    long_ = "FINDINGS: " + "The heart is of normal size. " * 20
    made = texts(brief(study(conclusion=long_ + FINDING)), "results")
    assert made[0].endswith(f"“… {FINDING}” (cut; the record has more)")
    made = texts(brief(study(conclusion=long_)), "results")
    assert "“FINDINGS: The heart" in made[0]
    short = f"FINDINGS: None. {FINDING}"
    assert f"“{short}”" in texts(brief(study(conclusion=short)), "results")[0]


def test_what_an_early_report_says_is_quoted_as_not_final():
    made = brief(study(status="preliminary", conclusion="Possible thrombus."))
    assert texts(made, "open_loops") == [
        "Not final: CT chest, preliminary, 2026-11-12: “Possible thrombus.”"
    ]


@pytest.mark.parametrize(("name", "both"), [("Imaging report", True), ("Chest X-ray", False)])
def test_a_code_of_all_imaging_lets_no_report_take_the_place_of_another(name, both):
    code = concept(name, ("http://loinc.org", "18748-4"))
    breast = study("r1", "2026-11-10", code=code, conclusion="BI-RADS 5.")
    chest = study("r2", "2026-11-18", code=code, conclusion="Normal.")
    made = texts(brief(seen(), breast, chest), "results")
    assert any("BI-RADS 5" in each for each in made) is both
    other = study("r2", "2026-11-18", code={**code, "text": "Chest film"}, conclusion="Normal.")
    assert any("BI-RADS 5" in each for each in texts(brief(breast, other), "results"))


def waiting(when="2026-11-20"):
    said = {"status": "active", "intent": "order", "code": {"text": "CT angiogram"}}
    return plain("ServiceRequest", "x1", **said, authoredOn=when, priority="urgent")


def test_of_a_new_patient_young_orders_and_reports_of_late_are_told():
    made = brief(
        booked(), waiting(), study(conclusion="A mass."), study("r2", "2026-01-01", "MRI")
    )
    assert texts(made, "open_loops") == [
        "Ordered, no result yet: CT angiogram, ordered 2026-11-20, urgent"
    ]
    assert texts(made, "changes") == ["Report: CT chest, 2026-11-12: “A mass.”"]
    assert "new" not in made.section("changes")[0].statement.flags


@pytest.mark.parametrize("kind", ["deny", None])
def test_a_directive_against_resuscitation_cannot_be_read_as_its_refusal(kind):
    will = {
        "resourceType": "Consent", "id": "cn1", "status": "active", "scope": coded("adr"),
        "patient": {"reference": "Patient/p1"}, "dateTime": "2025-05-01",
        "category": [{"coding": [{"code": "dnr", "display": "Do Not Resuscitate"}]}],
        **({"provision": {"type": kind}} if kind else {}),
    }  # fmt: skip
    told = texts(brief(will), "context")
    assert told == ["DNR directive on file, dated 2025-05-01, no text attached"]


WILL = plain(
    "Consent",
    "cn1",
    status="active",
    scope=coded("adr"),
    patient={"reference": "Patient/p1"},
    category=[{"text": "Living will"}],
    dateTime="2025-05-01",
)


@pytest.mark.parametrize(
    ("where", "said"),
    [
        (
            {"sourceAttachment": {"contentType": "application/pdf", "url": "Binary/1"}},
            "text on file",
        ),
        ({"sourceReference": {"reference": "DocumentReference/d1"}}, "text on file"),
        ({"sourceAttachment": {"title": "Living will"}}, "no text attached"),
        ({}, "no text attached"),
    ],
)
def test_the_text_of_a_directive_is_on_file_only_where_its_entry_holds_or_names_it(where, said):
    told = texts(brief({**WILL, **where}), "context")
    assert told == [f"Living will, dated 2025-05-01, {said}"]


def test_that_an_interpreter_is_needed_is_said(monkeypatch):
    url = "http://hl7.org/fhir/StructureDefinition/patient-interpreterRequired"
    patient = {
        "resourceType": "Patient", "id": "p1", "birthDate": "1960-06-01", "gender": "male",
        "communication": [{"language": {"text": "Spanish"}}],
        "extension": [{"url": url, "valueBoolean": True}],
    }  # fmt: skip
    monkeypatch.setattr("tests.brief.charts.PATIENT", patient)
    made = texts(brief(), "visit")
    assert made[0] == "66 years old, male, speaks Spanish, interpreter needed"


def test_what_the_codes_of_a_conclusion_say_is_told_beside_its_text():
    coded_as = [{"text": "Bethesda V, suspicious for malignancy"}]
    made = brief(seen(), study(name="Cytology", conclusion="See note", conclusionCode=coded_as))
    said = "“See note”; coded as “Bethesda V, suspicious for malignancy”"
    assert texts(made, "changes") == [f"Report: Cytology, 2026-11-12: {said}"]
    early = study(status="preliminary", conclusion="See note", conclusionCode=coded_as)
    assert texts(brief(early), "open_loops")[0].endswith(said)


def test_codes_that_the_text_holds_already_are_not_repeated():
    coded_as = [{"text": "normal chest"}]
    made = brief(seen(), study(conclusion="Normal chest.", conclusionCode=coded_as))
    assert texts(made, "changes")[0].endswith("“Normal chest.”")
    alone = brief(seen(), study(conclusionCode=coded_as))
    assert texts(alone, "changes")[0].endswith("“normal chest”")


_AT, _LATER, _LAST = (f"2026-11-12T{hour}:00:00-06:00" for hour in ("10", "11", "15"))


def _twice(*, early=_LATER, final=_LAST, when=_AT, other=_AT, code=None, status="preliminary"):
    said = {} if early is None else {"issued": early}
    named = {} if code is None else {"code": code}
    return brief(
        study("r1", when, status=status, conclusion="No bleeding.", **said),
        study("r2", other, conclusion="A bleeding.", **{"issued": final, **named}),
    )


@pytest.mark.parametrize("status", ["preliminary", "partial", "registered"])
def test_an_early_report_is_not_open_beside_the_final_one_of_its_study(status):
    assert not texts(_twice(status=status), "open_loops")
    assert not texts(_twice(early=None, status=status), "open_loops")


@pytest.mark.parametrize(
    "more",
    [
        {"early": "2026-11-13T10:00:00-06:00"},
        {"other": "2026-11-12T09:00:00-06:00"},
        {"when": "2026-11-12", "other": "2026-11-12"},
        {"code": {"text": "CT head"}},
    ],
)
def test_but_one_of_another_study_time_or_issued_after_it_is(more):
    [told] = texts(_twice(**more), "open_loops")
    assert told.endswith("“No bleeding.”")
