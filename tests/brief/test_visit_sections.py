"""The visit, what changed, what is open, and the rest of the sections."""

import pytest

from tests.brief.charts import (
    PATIENT,
    SUBJECT,
    allergy,
    booked,
    brief,
    coded,
    concept,
    condition,
    flags,
    lab,
    order,
    plain,
    seen,
    texts,
)


def test_who_comes_and_why():
    made = brief(
        seen(),
        booked("2026-12-24T09:00:00-06:00", "later"),
        booked(identity="next", description="Bring the meter"),
        booked("2026-01-01T09:00:00-06:00", "past"),
        booked("2026-11-23T10:00:00-06:00", "off", status="cancelled"),
    )
    assert texts(made, "visit") == [
        "66 years old, female",
        "Booked 2026-11-24 09:00 -06:00: Diabetes follow-up; Bring the meter",
        "Last visit: 2026-09-01 10:00 -05:00, Office visit",
    ]


@pytest.mark.parametrize(
    ("born", "said"),
    [
        ("2026-11-03", "20 days old"),
        ("2026-02-23", "9 months old"),
        ("2024-11-24", "23 months old"),
        ("2024-11-23", "2 years old"),
        ("1942", "born in 1942"),
        ("", "age not recorded"),
    ],
)
def test_age(born, said):
    made = brief({**PATIENT, "birthDate": born, "meta": {"versionId": "2"}})
    assert texts(made, "visit")[0] == f"{said}, female"


def test_an_emergency_or_a_stay_is_not_the_last_visit_but_is_a_change():
    made = brief(
        seen("2026-05-01T10:00:00-05:00", "e1"),
        seen("2026-10-01T10:00:00-05:00", "e2", kind="EMER"),
        seen("2026-10-02T10:00:00-05:00", "e3", kind="IMP"),
    )
    assert "Last visit: 2026-05-01" in texts(made, "visit")[1]
    assert [t.partition(":")[0] for t in texts(made, "changes")] == ["Hospital stay", "Emergency"]
    assert len(texts(made, "encounters")) == 3


def test_what_changed_since_the_last_visit():
    made = brief(
        seen("2026-05-01T10:00:00-05:00"),
        order("lisinopril 20 mg", "m2", authoredOn="2026-06-01"),
        order("lisinopril 10 mg", "m1", authoredOn="2026-01-01", status="stopped"),
        order("metformin 500 mg", "m3", authoredOn="2026-07-01"),
        order(
            "aspirin 81 mg",
            "m4",
            authoredOn="2020-01-01",
            status="stopped",
            statusReason={"text": "Bruising"},
            dispenseRequest={"validityPeriod": {"end": "2026-08-01"}},
        ),
        condition("Anemia", recordedDate="2026-09-09"),
        allergy("Latex", recordedDate="2026-09-10"),
    )
    assert [text.partition(",")[0] for text in texts(made, "changes")] == [
        "New: metformin 500 mg: Take 1 tablet daily",
        "Changed: lisinopril 20 mg: Take 1 tablet daily",
        "Stopped: aspirin 81 mg; ended 2026-08-01; Bruising",
        "Anemia",
        "Latex: reaction not recorded",
    ]


def test_a_renewal_is_no_change():
    made = brief(
        seen("2026-05-01T10:00:00-05:00"),
        order("lisinopril 10 mg", "m2", authoredOn="2026-06-01"),
        order("lisinopril 10 mg", "m1", authoredOn="2025-06-01", status="completed"),
    )
    assert not texts(made, "changes")


def _draft(start, end, reason="Knee pain"):
    return {
        "resourceType": "Appointment",
        "status": "proposed",
        "start": start,
        "end": end,
        "reasonCode": [{"text": reason}],
    }


def test_a_booking_that_overlaps_is_a_clash():
    there = booked(end="2026-11-24T09:30:00-06:00")
    made = brief(there, proposed=(_draft("2026-11-24T15:15:00Z", "2026-11-24T15:45:00Z"),))
    assert texts(made, "visit")[-1] == (
        "Overlaps a booked appointment, 2026-11-24 09:00 -06:00 to 2026-11-24 09:30 -06:00: "
        "Diabetes follow-up"
    )
    assert "conflict" in flags(made, "visit")[-1]


def test_a_booking_for_the_same_reason_is_told():
    draft = _draft("2026-12-01T15:00:00Z", "2026-12-01T15:30:00Z", "Diabetes follow-up")
    assert texts(brief(booked(), proposed=(draft,)), "visit")[-1].startswith(
        "Same reason as a booked"
    )


def test_another_booking_is_no_clash():
    draft = _draft("2026-11-24T15:30:00Z", "2026-11-24T16:00:00Z")
    made = brief(booked(end="2026-11-24T09:30:00-06:00"), proposed=(draft, {}))
    assert not any("booked appointment" in text for text in texts(made, "visit"))


def _order(name="Echocardiogram", when="2026-08-01", identity="sr1", **more):
    return plain(
        "ServiceRequest",
        identity,
        status="active",
        intent="order",
        code=concept(name, ("http://loinc.org", "34552-0")),
        authoredOn=when,
        **more,
    )


def test_an_old_order_without_a_result_is_open():
    made = brief(_order(reasonCode=[{"text": "Edema"}]))
    assert texts(made, "open_loops") == [
        "Ordered, no result in the record: Echocardiogram, for Edema, ordered 2026-08-01"
    ]


@pytest.mark.parametrize(
    "more",
    [
        {"when": "2026-11-10"},
        {"intent": "plan"},
        {"status": "completed"},
    ],
)
def test_other_orders_are_not(more):
    assert not texts(brief({**_order(when=more.pop("when", "2026-08-01")), **more}), "open_loops")


@pytest.mark.parametrize(
    "answer",
    [
        {"basedOn": [{"reference": "ServiceRequest/sr1"}]},
        {"code": concept("", ("http://loinc.org", "34552-0")), "effectiveDateTime": "2026-08-09"},
    ],
)
def test_a_result_closes_an_order(answer):
    done = plain("DiagnosticReport", "dr1", status="final", **answer)
    assert not texts(brief(_order(), done), "open_loops")


def test_reports_and_tasks_that_wait():
    made = brief(
        plain("DiagnosticReport", "dr1", status="preliminary", code={"text": "CT chest"}),
        {
            "resourceType": "Task",
            "id": "t1",
            "status": "requested",
            "for": SUBJECT,
            "description": "Call the patient",
            "authoredOn": "2026-11-01",
        },
        _order("Referral to cardiology", identity="sr2", category=[coded("3457005")]),
    )
    assert texts(made, "open_loops") == [
        "Referral open: Referral to cardiology, active, since 2026-08-01",
        "Not final: CT chest, preliminary, undated",
        "Task open: Call the patient, requested, since 2026-11-01",
    ]


def test_the_quieter_sections():
    made = brief(
        plain("Procedure", "p1", status="completed", code={"text": "Cataract surgery"}, performedDateTime="2026-03-01"),
        plain("Procedure", "p2", status="completed", code={"text": "Colonoscopy"}, performedDateTime="2019-03-01"),
        plain("Procedure", "p3", status="not-done", code={"text": "Biopsy"}),
        plain("Flag", "f1", status="active", code={"text": "Falls risk"}),
        plain("Flag", "f2", status="inactive", code={"text": "Old flag"}),
        plain("CareTeam", "ct1", status="active", participant=[
            {"member": SUBJECT, "role": [{"text": "Patient"}]},
            {"member": {"display": "Dr. Adler"}, "role": [{"text": "Primary care"}]},
        ]),
        {"resourceType": "Consent", "id": "cn1", "status": "active", "patient": SUBJECT,
         "scope": coded("adr"), "category": [{"text": "Advance directive"}], "dateTime": "2025-01-02"},
        plain("DocumentReference", "d1", status="current", type={"text": "Progress note"},
              date="2026-10-01T09:00:00Z", author=[{"display": "Dr. Adler"}]),
        {"resourceType": "Immunization", "id": "i1", "status": "completed", "patient": SUBJECT,
         "vaccineCode": {"text": "Influenza, high-dose"}, "occurrenceDateTime": "2024-10-01"},
        {"resourceType": "Immunization", "id": "i2", "status": "not-done", "patient": SUBJECT,
         "vaccineCode": {"text": "Zoster"}, "occurrenceDateTime": "2024-10-01"},
    )  # fmt: skip
    assert texts(made, "procedures") == ["Cataract surgery, 2026-03-01"]
    assert texts(made, "prevention") == [
        "Influenza, high-dose, 2024-10-01; none newer recorded in this bundle",
        "Colonoscopy, 2019-03-01",
    ]
    assert texts(made, "attention") == ["Flag: Falls risk"]
    assert texts(made, "context") == [
        "Advance directive, dated 2025-01-02, text on file",
        "Flag: Falls risk",
        "Care team: Dr. Adler (Primary care)",
    ]
    assert texts(made, "notes") == ["Progress note, 2026-10-01 09:00 UTC, by Dr. Adler"]


def test_an_old_a1c_is_shown_beside_diabetes_only():
    diabetes = condition("", code=concept("Diabetes", ("http://snomed.info/sct", "44054006")))
    old = lab("7.1", "2026-01-02")
    assert texts(brief(diabetes, old), "prevention")[1:] == [
        "HbA1c 7.1 %, 2026-01-02; over 180 days old"
    ]
    assert len(texts(brief(old), "prevention")) == 1
