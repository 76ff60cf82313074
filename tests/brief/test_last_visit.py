"""Which visit was the last, and what is told as new since it: around hospital stays and contacts that are no visit."""

from dataclasses import replace

import pytest

from cds_service.brief import rule_brief
from cds_service.brief.reread import Sight, for_call
from cds_service.brief.verify import verify
from cds_service.domain.draft import Draft, Proposed
from hooks.patient_view.cards import cards
from tests.brief.charts import booked, brief, concept, flagged, flags, lab, searched, seen, texts

FIRST = seen("2026-06-01T09:00:00-05:00", "e1")


def _stay(start, end=None, *, kind="IMP", **more):
    period = {"start": start, **({"end": end} if end else {})}
    return seen(
        identity="stay",
        kind=kind,
        period=period,
        reasonCode=[{"text": "Acute heart failure"}],
        **more,
    )


def _last(made):
    return next((each for each in texts(made, "visit") if each.startswith("Last visit")), "")


def _changes(made):
    return [each.partition(",")[0] for each in texts(made, "changes")]


STAY = _stay("2026-11-02T08:00:00-06:00", "2026-11-12T11:00:00-06:00")
WOUND = seen("2026-11-04T10:00:00-06:00", "wound", type=[{"text": "Wound clinic"}])


def test_a_clinic_that_saw_a_patient_of_the_ward_hides_no_stay():
    made = brief(FIRST, STAY, WOUND)
    assert _last(made).startswith("Last visit: 2026-06-01")
    assert _changes(made) == [
        "Hospital stay: 2026-11-02 08:00 to 2026-11-12",
        "2026-11-04 10:00",
    ]
    assert flags(made, "changes")[0] == ("new", "must_show", "acute")


def test_a_visit_before_or_after_the_stay_is_the_last_one():
    before = seen("2026-11-02T07:30:00-06:00", "e2")
    assert _last(brief(FIRST, before, STAY)).startswith("Last visit: 2026-11-02 07:30")
    after = seen("2026-11-13T07:30:00-06:00", "e3")
    made = brief(FIRST, STAY, after)
    assert _last(made).startswith("Last visit: 2026-11-13")
    assert not texts(made, "changes")


def test_a_stay_that_began_before_the_last_visit_and_ended_after_it_is_a_change():
    """The visit of the day of admission is the last one, where the stay has days alone; its end is news."""
    made = brief(_stay("2026-11-02", "2026-11-12"), seen("2026-11-02T09:00:00-06:00", "e2"))
    assert _last(made).startswith("Last visit: 2026-11-02 09:00")
    assert _changes(made) == ["Hospital stay: 2026-11-02 to 2026-11-12"]


@pytest.mark.parametrize("status", ["in-progress", "onleave"])
def test_a_stay_that_goes_on_is_told_whatever_happened_during_it(status):
    going = _stay("2026-11-20T08:00:00-06:00", status=status)
    wound = seen("2026-11-21T10:00:00-06:00", "e2", type=[{"text": "Wound clinic"}])
    made = brief(FIRST, going, wound)
    assert _last(made).startswith("Last visit: 2026-06-01")
    assert texts(made, "changes")[0] == (
        "Hospital stay: 2026-11-20 08:00, Office visit, Acute heart failure, "
        + {"onleave": "onleave", "in-progress": "in progress"}[status]
    )


@pytest.mark.parametrize(
    "open_one",
    [
        _stay("2026-06-20T08:00:00-05:00", status="in-progress"),
        _stay("2026-11-20T08:00:00-06:00", kind="EMER", status="in-progress"),
        _stay("2026-11-20T08:00:00-06:00"),
        _stay("2026-11-20T08:00:00-06:00", "2026-11-29T08:00:00-06:00", status="cancelled"),
    ],
    ids=["began long ago", "an emergency", "finished", "cancelled"],
)
def test_an_encounter_that_nobody_closed_takes_no_visit_away(open_one):
    made = brief(FIRST, open_one, seen("2026-11-21T10:00:00-06:00", "e2"))
    assert _last(made).startswith("Last visit: 2026-11-21")
    assert not texts(made, "changes")


@pytest.mark.parametrize(
    ("begun", "last"), [("2026-10-24", "2026-06-01"), ("2026-10-23", "2026-11-21")]
)
def test_a_stay_without_an_end_goes_on_for_thirty_days(begun, last):
    going = _stay(f"{begun}T08:00:00-05:00", status="in-progress")
    made = brief(FIRST, going, seen("2026-11-21T10:00:00-06:00", "e2"))
    assert _last(made).startswith(f"Last visit: {last}")


@pytest.mark.parametrize(
    ("kind", "begun", "last"),
    [
        ("NONAC", "2026-11-02", "2026-11-04"),
        ("IMP", "2026-10-14", "2026-11-04"),
        ("EMER", "2026-10-14", "2026-11-04"),
        ("IMP", "2026-10-15", "2026-06-01"),
        ("EMER", "2026-11-02", "2026-06-01"),
    ],
)
def test_a_nursing_home_or_a_stay_that_was_closed_late_takes_no_visit_away(kind, begun, last):
    stay = _stay(f"{begun}T08:00:00-05:00", "2026-11-14T06:00:00-06:00", kind=kind)
    assert _last(brief(FIRST, stay, WOUND)).startswith(f"Last visit: {last}")


@pytest.mark.parametrize(("whole", "last"), [("stay", "2026-06-01"), ("e1", "2026-11-04")])
def test_what_is_part_of_a_stay_is_no_visit_however_long_it_was(whole, last):
    home = _stay("2026-02-01T08:00:00-06:00", "2026-11-14T06:00:00-06:00", kind="NONAC")
    part = {**WOUND, "partOf": {"reference": f"Encounter/{whole}"}}
    assert _last(brief(FIRST, home, part)).startswith(f"Last visit: {last}")


def test_an_emergency_during_a_stay_does_not_end_it():
    emergency = seen(
        identity="ed",
        kind="EMER",
        period={"start": "2026-11-03T08:00:00-06:00", "end": "2026-11-03T10:00:00-06:00"},
    )
    assert _last(brief(FIRST, STAY, emergency, WOUND)).startswith("Last visit: 2026-06-01")


def test_a_visit_of_the_day_of_discharge_without_a_time_is_the_last_one():
    assert _last(brief(FIRST, STAY, seen("2026-11-12", "e2"))).startswith("Last visit: 2026-11-12")


def test_what_is_no_stay_is_no_change_for_having_ended_after_the_visit():
    care = {"start": "2026-05-01T09:00:00-05:00", "end": "2026-08-01T09:00:00-05:00"}
    assert not texts(brief(FIRST, seen(identity="hh", kind="HH", period=care)), "changes")


@pytest.mark.parametrize("kind", ["HH", "AMB", "IMP"])
@pytest.mark.parametrize("begun", ["2026-05-20T09:00:00-05:00", "2026-11-07T09:00:00-06:00"])
def test_the_care_of_a_hospice_that_goes_on_is_told_like_a_stay(kind, begun):
    hospice = [concept("", ("http://snomed.info/sct", "305336008", "Admission to hospice"))]
    said = seen(begun, "h1", kind=kind, status="in-progress", type=hospice)
    made = brief(FIRST, said)
    word = "Hospital stay" if kind == "IMP" else "Hospice"
    assert texts(made, "changes")[0].startswith(
        f"{word}: {begun[:10]} 09:00, Admission to hospice"
    )
    assert texts(made, "changes")[0].endswith("in progress")
    assert flags(made, "changes")[0] == ("new", "must_show", "acute")
    assert texts(brief(said), "changes")[0] == texts(made, "changes")[0]


def test_the_care_of_a_hospice_is_no_visit_and_its_end_is_told():
    period = {"start": "2026-05-20", "end": "2026-11-07"}
    over = seen(identity="h1", kind="HH", type=[{"text": "Hospice"}], period=period)
    made = brief(FIRST, over)
    assert _last(made).startswith("Last visit: 2026-06-01")
    assert texts(made, "changes") == ["Hospice: 2026-05-20 to 2026-11-07, Hospice"]
    assert not _last(brief(over))


def test_the_care_of_a_hospice_that_nobody_closed_goes_on_for_a_year():
    old = seen("2025-11-20", "h1", kind="HH", status="in-progress", type=[{"text": "Hospice"}])
    assert not texts(brief(FIRST, old), "changes")


def _contact(*types, when="2026-11-20T09:00:00-06:00", **more):
    return seen(when, "contact", type=[{"text": each} for each in types], **more)


@pytest.mark.parametrize(
    "name",
    [
        *("Immunization only", "LAB DRAW", "X-ray only", "Nurse visit", "Refill"),
        *(
            "Hemodialysis",
            "Hämodialyse",
            "Infusion",
            "Chemotherapy",
            "Injection visit",
            "Allergy shot",
        ),
        *("Physical Therapy", "Speech therapy", "Radiation treatment", "Cardiac rehab"),
        *("Anticoagulation clinic pharmacist", "INR check", "Methadone dosing"),
    ],
)
def test_a_contact_at_which_nobody_reads_the_chart_hides_nothing_and_stands_behind_results(name):
    assert _changes_beside(name) == ["Emergency:", "Potassium", "2026-11-20"]


@pytest.mark.parametrize(
    "name",
    [
        *("Urgent Care Visit", "Walk-in clinic", "Retail clinic", "Eye exam", "Dental visit"),
        "Ophthalmic examination and evaluation (procedure)",
    ],
)
def test_the_care_of_another_house_hides_nothing_and_stands_among_the_visits(name):
    assert _changes_beside(name) == ["Emergency:", "2026-11-20", "Potassium"]


def _changes_beside(name):
    emergency = seen("2026-11-01T09:00:00-05:00", "e2", kind="EMER")
    potassium = lab("5.9", "2026-11-10T09:00:00-06:00", loinc="2823-3", **flagged("H"))
    made = brief(FIRST, emergency, potassium, _contact(name))
    assert _last(made).startswith("Last visit: 2026-06-01")
    return [each.split()[0] for each in texts(made, "changes")]


def test_the_blood_draw_of_this_morning_is_not_the_last_visit_of_this_afternoon():
    made = brief(
        FIRST, _contact("Lab draw", when="2026-11-23T08:00:00-06:00"), booked("2026-11-23T14:00:00-06:00")
    )  # fmt: skip
    assert _last(made).startswith("Last visit: 2026-06-01")


@pytest.mark.parametrize(
    "types",
    [
        (),
        ("Office visit", "Lab draw"),
        ("Office visit with lab draw",),
        ("Nurse practitioner visit",),
        ("Something new",),
    ],
)
def test_whatever_is_not_known_to_be_such_a_contact_is_a_visit(types):
    assert _last(brief(FIRST, _contact(*types))).startswith("Last visit: 2026-11-20")


@pytest.mark.parametrize("types", [(), ("Encounter for problem (procedure)",), ("Outpatient",)])
def test_where_the_type_says_nothing_the_reason_tells_what_contact_it_was(types):
    dialysis = _contact(*types, reasonCode=[{"text": "Renal dialysis"}])
    assert _last(brief(FIRST, dialysis)).startswith("Last visit: 2026-06-01")
    cough = _contact(*types, reasonCode=[{"text": "Cough"}])
    assert _last(brief(FIRST, cough)).startswith("Last visit: 2026-11-20")


def test_a_type_that_says_what_it_was_is_believed_whatever_the_reason():
    visit = _contact("Office visit", reasonCode=[{"text": "Hemodialysis"}])
    assert _last(brief(FIRST, visit)).startswith("Last visit: 2026-11-20")


@pytest.mark.parametrize(
    "coding",
    [
        ("http://www.ama-assn.org/go/cpt", "36415", "Collection of venous blood"),
        ("http://snomed.info/sct", "265764009", "Dialysis of a kidney"),
    ],
)
def test_a_contact_is_known_by_its_code_too(coding):
    made = brief(FIRST, seen("2026-11-20T09:00:00-06:00", "e2", type=[concept("", coding)]))
    assert _last(made).startswith("Last visit: 2026-06-01")


def test_a_call_that_is_filed_as_a_clinic_visit_counts_as_a_call():
    call = _contact("Telephone encounter")
    assert _last(brief(FIRST, call)).startswith("Last visit: 2026-06-01")
    assert _last(brief(call)).startswith("Last visit: 2026-11-20")


def _elsewhere(name, display, when, identity, **more):
    """An encounter whose class is a vendor's own number, with a word."""
    own = {"system": "urn:oid:1.2.840.114350.1.72.1.7.7.10", "code": "13", "display": display}
    return {**seen(when, identity, **more), "class": own, "type": [{"text": name}]}


OFFICE = _elsewhere("Office Visit", "Appointment", "2026-09-01T10:00:00-05:00", "office")


@pytest.mark.parametrize(
    ("name", "display"),
    [
        ("Telephone", "Support OP Encounter"),
        ("MyChart encounter", "Support OP Encounter"),
        ("Anything", "Telephone"),
        ("Refill", "Support OP Encounter"),
        ("Hospital Encounter", "HOV"),
        ("Procedure", "HOV"),
        ("Hospital Outpatient Visit", "Outpatient"),
        ("Hospital Outpatient Surgery", "Ambulatory"),
    ],
)
def test_where_the_class_is_a_vendors_number_words_tell_what_is_no_visit(name, display):
    other = _elsewhere(name, display, "2026-11-20T09:00:00-06:00", "e9")
    made = brief(OFFICE, other)
    assert _last(made) == "Last visit: 2026-09-01 10:00, Office Visit"
    assert texts(made, "changes") == [f"2026-11-20 09:00, {name}"]


def test_a_call_is_the_last_visit_only_where_nothing_else_is():
    call = _elsewhere("Telephone", "", "2026-11-20T09:00:00-06:00", "call")
    unknown = _elsewhere("Nutrition", "", "2026-10-20T09:00:00-05:00", "n")
    assert _last(brief(call)).startswith("Last visit: 2026-11-20")
    assert _last(brief(unknown, call)).startswith("Last visit: 2026-10-20")
    assert _last(brief(OFFICE, unknown, call)).startswith("Last visit: 2026-09-01")


def test_a_call_by_the_word_of_its_class_is_one_and_an_encounter_of_a_hospital_is_no_visit_at_all():
    unknown = _elsewhere("Nutrition", "", "2026-10-20T09:00:00-05:00", "n")
    call = _elsewhere("Anything", "Telephone", "2026-11-20T09:00:00-06:00", "call")
    assert _last(brief(unknown, call)).startswith("Last visit: 2026-10-20")
    assert not _last(
        brief(_elsewhere("Procedure", "HOV", "2026-11-20T09:00:00-06:00", "hospital"))
    )


@pytest.mark.parametrize("display", ["Appointment", "Support OP Encounter", "Outpatient", "HOV"])
def test_a_visit_in_person_is_known_by_the_words_of_its_type_beside_one_of_hl7(display):
    later = _elsewhere("Office Visit", display, "2026-11-20T09:00:00-06:00", "e9")
    assert _last(brief(FIRST, later)).startswith("Last visit: 2026-11-20")


@pytest.mark.parametrize(
    ("name", "display", "word"),
    [
        ("Emergency", "", "Emergency"),
        ("Hospital Encounter", "Emergency", "Emergency"),
        ("Hospital Encounter", "Inpatient", "Hospital stay"),
        ("Hospital Encounter", "Observation", "Observation stay"),
    ],
)
def test_an_emergency_and_a_stay_are_known_by_words_too(name, display, word):
    other = _elsewhere(name, display, "2026-11-20T09:00:00-06:00", "e9")
    made = brief(OFFICE, other)
    assert texts(made, "changes") == [f"{word}: 2026-11-20 09:00, {name}"]
    assert flags(made, "changes") == [("new", "must_show", "acute")]


@pytest.mark.parametrize(
    "name", ["Emergency contact update", "Post-hospitalization check", "Emergency follow-up"]
)
def test_only_a_whole_name_tells_an_emergency_or_a_stay(name):
    other = _elsewhere(name, "", "2026-11-20T09:00:00-06:00", "e9")
    assert texts(brief(FIRST, other), "changes") == [f"2026-11-20 09:00, {name}"]


def test_where_a_class_code_is_known_no_word_is_asked():
    hospital = _contact("Hospital Encounter", kind="AMB")
    assert _last(brief(FIRST, hospital)).startswith("Last visit: 2026-11-20")
    at_home = _contact("Office visit", kind="HH")
    assert _last(brief(FIRST, at_home)).startswith("Last visit: 2026-06-01")


_NEVER_SEEN = (
    _stay("2026-11-02T08:00:00-06:00", "2026-11-12T11:00:00-06:00"),
    seen("2026-11-18T08:00:00-06:00", "ed", kind="EMER"),
    seen("2026-06-18T08:00:00-05:00", "before", kind="EMER"),
    lab("5.9", "2026-11-18T09:00:00-06:00", "o1", loinc="2823-3", **flagged("H")),
    lab("9.9", "2026-08-18T09:00:00-05:00", "o2", **flagged("H")),
    lab("139", "2026-11-18T09:00:00-06:00", "o3", loinc="2951-2", **flagged("N")),
    booked(),
)


def _title(made):
    return [part.title for part in made.sections if part.id == "changes"]


@pytest.mark.parametrize("made", [brief(*_NEVER_SEEN), rule_brief(searched(*_NEVER_SEEN))])
def test_of_a_patient_who_was_never_seen_here_the_last_three_months_are_told(made):
    assert _title(made) == ["Last 90 days (no earlier visit was found)"]
    assert [each.partition(",")[0] for each in texts(made, "changes")] == [
        "Emergency: 2026-11-18 08:00",
        "Hospital stay: 2026-11-02 08:00 to 2026-11-12",
        "Potassium 5.9 % (H)",
    ]
    assert flags(made, "changes")[:2] == [("must_show", "acute")] * 2
    assert not any("new" in each for each in flags(made, "changes"))


@pytest.mark.parametrize(
    ("told", "untold"),
    [
        (
            seen("2026-08-25T08:00:00-05:00", "ed", kind="EMER"),
            seen("2026-08-24T08:00:00-05:00", "ed", kind="EMER"),
        ),
        (
            _stay("2026-08-01T08:00:00-05:00", "2026-09-01T08:00:00-05:00"),
            _stay("2026-08-01T08:00:00-05:00", "2026-08-20T08:00:00-05:00"),
        ),
        (
            lab("9.9", "2026-08-20", issued="2026-08-27T08:00:00-05:00", **flagged("H")),
            lab("9.9", "2026-08-20", issued="2026-08-21T08:00:00-05:00", **flagged("H")),
        ),
        (
            _stay("2026-11-02T08:00:00-06:00", "2026-11-12T11:00:00-06:00"),
            _stay("2026-11-02T08:00:00-06:00", "2026-11-12T11:00:00-06:00", status="cancelled"),
        ),
    ],
    ids=["by the day", "a stay by its end", "a result by its issue", "what took place"],
)
def test_at_a_first_visit_ninety_days_are_counted(told, untold):
    assert len(texts(brief(told), "changes")) == 1
    assert not texts(brief(untold), "changes")


@pytest.mark.parametrize("state", ["partial", "failed", "denied"])
def test_where_encounters_were_not_all_read_nobody_is_called_new_here(state):
    made = rule_brief(searched(*_NEVER_SEEN, states={"encounters": state}))
    assert not _title(made)


def test_whoever_was_seen_here_has_changes_since_then():
    assert _title(brief(FIRST, *_NEVER_SEEN)) == ["Changes since the last visit"]


def test_what_was_told_of_a_first_visit_keeps_its_title_when_it_is_shown_again():
    context = searched(*_NEVER_SEEN)
    stored = rule_brief(context)
    nothing_new = replace(context, ledger=replace(context.ledger, evidence={}))
    shown = for_call(stored, Sight(sent=frozenset(), fresh=nothing_new, since=""))
    assert _title(shown) == _title(stored)


def test_the_title_is_the_same_whoever_chose_the_lines():
    context = searched(*_NEVER_SEEN)
    stay = Proposed(kind="encounter", refs=("Encounter/stay",))
    draft = Draft(statements=(stay,), shown=frozenset(context.ledger.evidence))
    chosen = verify(draft, context, rule_brief(context))
    assert chosen.status == "ok"
    assert _title(chosen.brief) == ["Last 90 days (no earlier visit was found)"]


def test_a_first_visit_shows_the_stay_above_the_fold():
    top = cards(brief(*_NEVER_SEEN))[-1].detail[0].lines
    assert [each.partition(",")[0] for each in top[1:3]] == [
        "Emergency: 2026-11-18 08:00",
        "Potassium 5.9 % (H)",
    ]
    assert "; Hospital stay: 2026-11-02 08:00 to 2026-11-12" in top[1]


@pytest.mark.parametrize(
    ("left", "told"),
    [
        (concept("Left against advice"), ", discharge: Left against advice"),
        (
            concept("", ("", "snf", "Skilled nursing facility")),
            ", discharge: Skilled nursing facility",
        ),
        ({"coding": [{"code": "snf"}]}, ""),
    ],
)
def test_how_or_whereto_a_patient_left_stands_on_the_line_of_the_stay(left, told):
    stay = _stay("2026-11-02", "2026-11-12", hospitalization={"dischargeDisposition": left})
    [line] = texts(brief(FIRST, stay), "changes")
    assert (
        line == f"Hospital stay: 2026-11-02 to 2026-11-12, Office visit, Acute heart failure{told}"
    )
