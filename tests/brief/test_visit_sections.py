"""The visit, what changed, what is open, and the rest of the sections."""

import pytest

from cds_service.brief import rule_brief
from cds_service.context.bundle import bundle_context
from hooks.appointment_book.cards import cards as booking_cards
from hooks.patient_view.cards import cards
from tests.brief.charts import (
    NOW,
    PATIENT,
    SUBJECT,
    ZONE,
    allergy,
    booked,
    brief,
    coded,
    concept,
    condition,
    flagged,
    flags,
    lab,
    limits,
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
        "Booked 2026-11-24 09:00: Diabetes follow-up; Bring the meter",
        "Last visit: 2026-09-01 10:00, Office visit",
        "Also booked: 2026-12-24 Diabetes follow-up",
        "Not recorded in this bundle, for the reason of this visit: HbA1c",
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
        "Stopped: aspirin 81 mg; ended 2026-08-01; reason: Bruising",
        "New: metformin 500 mg: Take 1 tablet daily",
        "Changed: lisinopril 20 mg: Take 1 tablet daily",
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
        "Overlaps a booked appointment, 2026-11-24 09:00 to 2026-11-24 09:30: Diabetes follow-up"
    )
    assert "conflict" in flags(made, "visit")[-1]


def test_a_booking_for_the_same_reason_is_told():
    draft = _draft("2026-12-01T15:00:00Z", "2026-12-01T15:30:00Z", "Diabetes follow-up")
    assert texts(brief(booked(), proposed=(draft,)), "visit")[-2].startswith(
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
        {"intent": "plan"},
        {"status": "completed"},
    ],
)
def test_other_orders_are_not(more):
    order_ = {**_order(when=more.get("when", "2026-08-01")), **more}
    assert not texts(brief(seen("2026-11-15T10:00:00-06:00"), order_), "open_loops")


_ANSWERS = (
    {"basedOn": [{"reference": "ServiceRequest/sr1"}]},
    {"code": concept("", ("http://loinc.org", "34552-0")), "effectiveDateTime": "2026-08-09"},
)


@pytest.mark.parametrize("answer", _ANSWERS)
def test_a_result_closes_an_order(answer):
    done = plain("DiagnosticReport", "dr1", status="final", **answer)
    assert not texts(brief(_order(), done), "open_loops")


@pytest.mark.parametrize("status", ["cancelled", "registered"])
@pytest.mark.parametrize("answer", _ANSWERS)
def test_a_result_that_was_cancelled_or_is_only_awaited_closes_no_order(answer, status):
    told = texts(
        brief(_order(), plain("DiagnosticReport", "dr1", status=status, **answer)), "open_loops"
    )
    assert "Ordered, no result in the record: Echocardiogram, ordered 2026-08-01" in told


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
        "Referral open: Referral to cardiology, ordered 2026-08-01",
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
    assert texts(made, "procedures") == [
        "Cataract surgery, 2026-03-01",
        "Older procedures, by date of the newest: Colonoscopy (2019-03-01)",
    ]
    assert texts(made, "prevention") == [
        "Influenza, high-dose, 2024-10-01; none newer recorded in this bundle",
        "Refused or not given: Zoster, 2024-10-01",
        "Colonoscopy, 2019-03-01",
        "Not recorded in this bundle, by code or name: Mammogram, Bone density",
    ]
    assert texts(made, "attention") == ["Flag: Falls risk"]
    assert texts(made, "context") == [
        "Advance directive, dated 2025-01-02, no text attached",
        "Care team: Dr. Adler (Primary care)",
    ]
    assert texts(made, "notes") == ["Progress note, 2026-10-01 04:00, by Dr. Adler"]


@pytest.mark.parametrize(("end", "stands"), [("2026-11-22", False), ("2026-11-23", True)])
def test_a_flag_stands_until_the_day_of_its_end_is_over(end, stands):
    flag = plain("Flag", "f1", status="active", code={"text": "Falls risk"}, period={"end": end})
    assert any("Falls risk" in each for each in texts(brief(flag), "attention")) is stands


def test_an_old_a1c_is_shown_beside_diabetes_only():
    diabetes = condition("", code=concept("Diabetes", ("http://snomed.info/sct", "44054006")))
    old = lab("7.1", "2026-01-02")
    assert texts(brief(diabetes, old), "prevention")[2:] == [
        "HbA1c 7.1 %, 2026-01-02; over 180 days old"
    ]
    assert not any("HbA1c" in each for each in texts(brief(old), "prevention"))


def test_the_last_visit_is_one_in_person_and_a_call_since_then_is_a_change():
    made = brief(
        seen("2026-05-01T10:00:00-05:00", "e1"),
        seen("2026-10-01T10:00:00-05:00", "e2", kind="VR", type=[{"text": "Video visit"}]),
    )
    assert "Last visit: 2026-05-01" in texts(made, "visit")[1]
    assert texts(made, "changes") == ["2026-10-01 10:00, Video visit"]
    assert flags(made, "changes") == [("new",)]


def test_where_nobody_was_seen_in_person_a_call_is_the_last_visit():
    made = brief(seen("2026-10-01T10:00:00-05:00", kind="VR"))
    assert "Last visit: 2026-10-01" in texts(made, "visit")[1]


@pytest.mark.parametrize("kind", ["EMER", "IMP", "OBSENC"])
def test_an_emergency_or_a_stay_never_stands_in_for_the_last_visit(kind):
    stay = seen("2026-10-02T10:00:00-05:00", "e2", kind=kind)
    assert not any("Last visit" in each for each in texts(brief(stay), "visit"))
    call = seen("2026-05-01T10:00:00-05:00", "e1", kind="VR")
    assert "Last visit: 2026-05-01" in texts(brief(call, stay), "visit")[1]


def test_an_emergency_on_the_day_of_the_visit_is_a_change_by_the_clock():
    made = brief(
        seen("2026-09-01T10:00:00-05:00", "e1"),
        seen("2026-09-01T15:00:00-05:00", "e2", kind="EMER"),
        seen("2026-09-01T08:00:00-05:00", "e3", kind="EMER"),
    )
    assert [x.statement.refs for x in made.section("changes")] == [("Encounter/e2",)]
    assert flags(made, "changes") == [("new", "must_show", "acute")]


_UNSAID = {"reasonCode": []}


def test_missed_visits_are_named_with_what_they_were_for():
    made = brief(
        booked("2026-09-01T09:00:00-05:00", status="noshow"),
        booked("2026-08-01T09:00:00-05:00", "a2", status="noshow", description="Stress test", **_UNSAID),
        booked("2026-07-01T09:00:00-05:00", "a3", status="noshow", **_UNSAID),
    )  # fmt: skip
    assert texts(made, "visit")[1:] == [
        "Missed appointments: 2026-09-01 Diabetes follow-up; 2026-08-01 Stress test; 2026-07-01"
    ]


def test_what_is_booked_after_the_next_visit_is_named_below_the_fold():
    later = [
        booked(f"2026-12-{day}T09:00:00-06:00", f"a{day}", description=f"Study {day}", **_UNSAID)
        for day in range(10, 18)
    ]
    made = brief(booked(), *later)
    named = "; ".join(f"2026-12-{day} Study {day}" for day in range(10, 16))
    assert texts(made, "visit")[2] == f"Also booked: {named}; and 2 more"
    assert flags(made, "visit")[2] == ("grouped", "new")
    kind = {"serviceType": [{"text": "Endoscopy"}], "appointmentType": {"text": "Procedure"}}
    made = brief(booked(), booked("2026-12-10T09:00:00-06:00", "a2", **_UNSAID, **kind))
    assert texts(made, "visit")[2] == "Also booked: 2026-12-10 Endoscopy"
    assert "Also booked" not in " ".join(texts(brief(booked()), "visit"))


def test_an_appointment_that_clashes_is_not_told_twice():
    draft = {"status": "proposed", "start": "2026-12-10T15:00:00Z", "end": "2026-12-10T15:30:00Z"}
    there = booked("2026-12-10T09:00:00-06:00", "a2", end="2026-12-10T09:30:00-06:00")
    said = texts(brief(booked(), there, proposed=(draft,)), "visit")
    assert [each.split(",")[0] for each in said if "2026-12-10" in each] == [
        "Overlaps a booked appointment"
    ]


def _of(**said):
    """A brief of a patient who comes for diabetes, and whose entry says more."""
    entries = [{"resource": each} for each in ({**PATIENT, **said}, seen(), booked())]
    whole = {"resourceType": "Bundle", "type": "collection", "entry": entries}
    return rule_brief(bundle_context(whole, patient="p1", now=NOW, zone=ZONE))


@pytest.mark.parametrize(
    ("said", "told"),
    [
        ({"deceasedDateTime": "2026-11-14T03:00:00-06:00"}, "Recorded as deceased 2026-11-14"),
        ({"deceasedDateTime": "unknown"}, "Recorded as deceased"),
        ({"deceasedBoolean": True}, "Recorded as deceased"),
        (
            {"active": False, "link": [{"type": "replaced-by", "other": SUBJECT}]},
            "This patient's entry was replaced by another one, which is not in this brief",
        ),
        ({"active": False}, "This patient's entry is marked as not in use"),
    ],
)
def test_what_a_patient_s_entry_says_of_itself_is_the_first_line_of_both_cards(said, told):
    made = _of(**said)
    assert (texts(made, "visit")[0], flags(made, "visit")[0]) == (told, ("must_show",))
    assert cards(made)[-1].detail[0].lines[0] == told
    assert booking_cards(made)[0].summary == told
    assert booking_cards(made)[0].indicator == "warning"
    assert ("HbA1c" in " ".join(texts(made, "visit"))) == ("deceased" not in told)


@pytest.mark.parametrize(
    "said",
    [
        {"active": True, "deceasedBoolean": False},
        {"link": [{"type": "replaces", "other": SUBJECT}, {"type": "seealso", "other": SUBJECT}]},
    ],
)
def test_a_patient_s_entry_in_use_says_nothing(said):
    assert texts(_of(**said), "visit")[0] == "66 years old, female"


def _report(identity="dr1", *, status="final", when="2026-10-01", name="CT chest", **more):
    return plain(
        "DiagnosticReport",
        identity,
        status=status,
        code={"text": name},
        effectiveDateTime=when,
        **more,
    )


def test_a_final_report_is_quoted_and_is_a_change_until_it_was_seen():
    nodule = _report(conclusion="A 9 mm nodule.")
    said = "Report: CT chest, 2026-10-01: “A 9 mm nodule.”"
    made = brief(seen(), nodule)
    assert texts(made, "changes") == [said]
    assert said in texts(made, "results")
    assert not texts(brief(seen("2026-11-01"), nodule), "changes")


def test_only_the_newest_report_of_a_kind_is_a_result_and_a_bare_panel_is_none():
    made = brief(
        _report("dr1", conclusion="Clear."),
        _report("dr2", when="2026-09-01", conclusion="A nodule."),
        _report("dr3", status="amended", when="2026-08-01", name="Panel"),
    )
    assert texts(made, "results")[:1] == ["Report: CT chest, 2026-10-01: “Clear.”"]
    assert not any("Panel" in text or "A nodule" in text for text in texts(made, "results"))


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ({"conclusionCode": [{"text": "Pneumonia"}]}, "“Pneumonia”"),
        (
            {"presentedForm": [{"contentType": "text/plain", "data": "Tm8gZnJhY3R1cmUu"}]},
            "“No fracture.”",
        ),
        ({"conclusion": "word " * 100}, "…” (cut; the record has more)"),
    ],
)
def test_what_a_report_says_is_found_and_cut_visibly(more, said):
    assert said in texts(brief(_report(**more)), "results")[0]


@pytest.mark.parametrize(
    "form",
    [
        {"contentType": "text/plain", "data": "*"},
        {"contentType": "application/pdf", "url": "Binary/1"},
        {"contentType": "text/html", "data": "PGI+"},
    ],
)
def test_of_a_form_that_cannot_be_read_it_is_said_that_it_is_there(form):
    said = "Report: CT chest, 2026-10-01: text in an attachment, not read"
    assert said in texts(brief(_report(presentedForm=[form])), "results")
    held = [{"reference": "Observation/o1"}]
    panel = _report(presentedForm=[form], result=held, category=[coded("LAB")])
    assert said not in texts(brief(panel, lab("8.1")), "results")
    assert said in texts(brief(panel), "results")


def test_results_of_the_visit_that_came_after_it_are_changes():
    made = brief(
        seen("2026-09-01T10:00:00-05:00", period={
            "start": "2026-09-01T10:00:00-05:00", "end": "2026-09-01T10:30:00-05:00"}),
        lab("9.1", "2026-09-01T10:05:00-05:00", "o1", issued="2026-09-01T17:00:00-05:00",
            interpretation=[coded("H")]),
        lab("3.0", "2026-09-01T10:05:00-05:00", "o2", loinc="2823-3",
            issued="2026-09-01T10:20:00-05:00", interpretation=[coded("L")]),
    )  # fmt: skip
    assert [x.statement.refs for x in made.section("changes")] == [("Observation/o1",)]


_UNREMARKABLE = "New and not marked out of range, by date of the newest value: "


def test_final_results_that_nothing_marks_as_out_of_range_are_named_on_one_line_last():
    made = brief(
        seen(),
        lab("139", "2026-11-13", "o1", loinc="2951-2", **limits("135", "145")),
        lab("4.1", "2026-11-12", "o2", loinc="2823-3", **flagged("N")),
        lab("8.1", "2026-11-12", "o3", **flagged("H")),
        lab("4.0", "2026-08-12", "o4", loinc="2823-3", **flagged("N")),
    )
    assert texts(made, "changes")[1:] == [
        f"{_UNREMARKABLE}Sodium (2026-11-13), Potassium (2026-11-12)"
    ]
    assert texts(made, "changes")[0].startswith("HbA1c 8.1 %")
    assert made.section("changes")[-1].statement.refs == ("Observation/o1", "Observation/o2")


@pytest.mark.parametrize(
    "result",
    [
        lab("139", "2026-08-13"),
        lab("139", "2026-11-13", status="preliminary"),
        lab("", "2026-11-13", dataAbsentReason=coded("not-performed")),
    ],
    ids=["of before the visit", "not final", "without a value"],
)
def test_but_no_other_result_is(result):
    assert not texts(brief(seen(), result), "changes")


def test_open_orders_and_drug_changes_stand_together_under_attention():
    made = brief(
        seen("2026-07-01T10:00:00-05:00"),
        _order(reasonCode=[{"text": "Edema"}]),
        _order("Referral to cardiology", "2026-07-02", "sr2", category=[coded("3457005")]),
        order("metformin 500 mg", "m3", authoredOn="2026-07-09"),
        order("lisinopril 20 mg", "m2", authoredOn="2026-07-08"),
        order("lisinopril 10 mg", "m1", authoredOn="2026-01-01", status="stopped"),
    )
    assert texts(made, "attention") == [
        "Orders without a result in the record: Echocardiogram for Edema (2026-08-01)",
        "Referrals not answered by anything in the record: Referral to cardiology (2026-07-02)",
        (
            "Drug changes since the last visit: new metformin 500 mg; "
            "changed lisinopril 20 mg (before: lisinopril 10 mg)"
        ),
    ]
    assert [set(x.statement.refs) for x in made.section("attention")] == [
        {"ServiceRequest/sr1"},
        {"ServiceRequest/sr2"},
        {"MedicationRequest/m1", "MedicationRequest/m2", "MedicationRequest/m3"},
    ]
    assert all("must_show" in each for each in flags(made, "attention"))


def test_a_young_order_of_the_last_visit_is_told_without_alarm():
    made = brief(seen("2026-11-09T10:00:00-06:00"), _order(when="2026-11-10"))
    assert texts(made, "open_loops") == [
        "Ordered, no result yet: Echocardiogram, ordered 2026-11-10"
    ]
    assert flags(made, "open_loops") == [("new",)]
    assert not texts(made, "attention")


def test_a_referral_and_its_task_are_one_line():
    task = {
        "resourceType": "Task", "id": "t1", "status": "requested", "for": SUBJECT,
        "focus": {"reference": "ServiceRequest/sr2"}, "authoredOn": "2026-08-02",
    }  # fmt: skip
    made = brief(
        _order("Referral to cardiology", identity="sr2", category=[coded("3457005")]), task
    )
    assert texts(made, "open_loops") == [
        "Referral open: Referral to cardiology, ordered 2026-08-01, task requested since 2026-08-02"
    ]


def test_a_change_of_dose_is_told_by_its_structure_and_by_its_numbers():
    def dosed(identity, amount, words, **more):
        dose = {"text": words, "doseAndRate": [{"doseQuantity": {"value": amount, "unit": "mg"}}]}
        return order("warfarin", identity, dosageInstruction=[dose], **more)

    old = dosed("m1", 5, "1 tablet", status="stopped", authoredOn="2026-01-01")
    for amount, words, changed in (
        (5, "one tablet 2 times", True),
        (5, "Take 1 tablet", False),
        (2, "1 tablet", True),
    ):
        new = dosed("m2", amount, words, authoredOn="2026-10-01")
        assert bool(texts(brief(seen(), old, new), "changes")) is changed


@pytest.mark.parametrize("code", ["24606-6", "26175-0"])
def test_a_screening_is_known_by_its_code(code):
    done = plain("Procedure", "p1", status="completed", performedDateTime="2025-03-01",
                 code=concept("Brustbild", ("http://loinc.org", code)))  # fmt: skip
    said = texts(brief(done), "prevention")
    assert "Brustbild, 2025-03-01" in said
    assert "Mammogram" not in said[-1]


def test_an_undated_dose_leaves_this_season_open():
    shots = [
        {"resourceType": "Immunization", "id": f"i{n}", "status": "completed", "patient": SUBJECT,
         "vaccineCode": {"text": "Influenza"}, **when}
        for n, when in enumerate(({"occurrenceDateTime": "2024-10-01"}, {"occurrenceString": "fall"}))
    ]  # fmt: skip
    assert texts(brief(*shots), "prevention")[:1] == [
        "Influenza, 2024-10-01; 2 doses recorded; some undated"
    ]


def test_an_undated_procedure_says_so_in_its_own_words():
    done = plain("Procedure", "p1", code={"text": "Tonsils out"}, performedString="as a child")
    done["status"] = "completed"
    assert texts(brief(done), "procedures") == ["Tonsils out, undated, written as “as a child”"]


def test_the_words_of_a_directive_are_quoted():
    will = {
        "resourceType": "Consent", "id": "cn1", "status": "active", "patient": SUBJECT,
        "scope": coded("adr"), "dateTime": "2025-01-02",
        "sourceAttachment": {"contentType": "text/plain", "data": "RE5S"},
    }  # fmt: skip
    assert texts(brief(will), "context") == ["Advance directive, dated 2025-01-02, “DNR”"]
