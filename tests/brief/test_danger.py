"""What tells of suicide, self-harm or violence and is of late stands first, and answers on it are named, never told."""

import time

import pytest

from hooks.patient_view.cards import cards
from tests.brief.charts import (
    LOINC,
    brief,
    coded,
    concept,
    condition,
    flagged,
    lab,
    order,
    plain,
    seen,
    texts,
)

_VISIT = seen("2026-10-10T10:00:00-05:00")
_IDEATION = concept("Suicidal ideation", ("http://snomed.info/sct", "6471006"))
_AT_A_VISIT = [coded("encounter-diagnosis")]


def _thoughts(when="2026-11-02", **more):
    dated = {"recordedDate": when} if when else {}
    return condition("", code=_IDEATION, onsetDateTime=None, category=_AT_A_VISIT, **dated, **more)


def _answer(value, when="2026-11-18", loinc="44260-8", name="PHQ-9 item 9"):
    is_coded = not value.keys().isdisjoint({"text", "coding"})
    answered = {"valueCodeableConcept": value} if is_coded else value
    return plain(
        "Observation", "o9", status="final", category=[coded("survey")],
        code=concept(name, (LOINC, loinc)), effectiveDateTime=when, **answered,
    )  # fmt: skip


def _fold(made):
    return next(part.lines for part in cards(made)[-1].detail if hasattr(part, "lines"))


def test_new_thoughts_of_suicide_stand_above_results_and_changes_of_medicines():
    made = brief(
        _VISIT,
        _thoughts(),
        order("ibuprofen 400 mg", authoredOn="2026-11-02"),
        *(lab("9", "2026-11-18", f"o{n}", loinc=f"{n}-1", **flagged("H")) for n in range(3)),
    )
    head = "Suicidal ideation, not on the problem list, recorded 2026-11-02"
    assert texts(made, "attention")[0] == head
    assert _fold(made)[0] == head
    assert {"must_show", "acute"} <= set(made.section("attention")[0].statement.flags)


def test_thoughts_that_came_back_since_the_last_visit_are_of_late():
    made = brief(_VISIT, _thoughts("2024-01-01", id="c1"), _thoughts(id="c2"))
    assert texts(made, "attention")[0].startswith("Suicidal ideation")
    assert "2 entries, newest 2026-11-02" in texts(made, "attention")[0]


@pytest.mark.parametrize("when", ["2026-10-10", "2025-01-01"])
def test_what_the_last_visit_knew_is_listed_alone(when):
    made = brief(_VISIT, _thoughts(when))
    assert not texts(made, "attention")
    assert len(texts(made, "problems")) == 1


@pytest.mark.parametrize(("when", "told"), [("2026-10-01", 1), ("2026-01-01", 0), (None, 1)])
def test_of_a_new_patient_what_is_of_the_last_weeks_or_undated_is_told(when, told):
    assert len(texts(brief(_thoughts(when)), "attention")) == told


@pytest.mark.parametrize("status", ["resolved", "remission"])
def test_what_has_ended_is_no_danger_of_today(status):
    made = brief(_VISIT, _thoughts(clinicalStatus=coded(status)))
    assert not texts(made, "attention")


@pytest.mark.parametrize(
    ("value", "loinc", "name"),
    [
        (concept("Nearly every day", (LOINC, "LA6571-9")), "44260-8", "PHQ-9 item 9"),
        ({"valueInteger": 1}, "44260-8", "PHQ-9 item 9"),
        (concept("Sometimes"), "x-1", "EPDS: The thought of harming myself has occurred to me"),
        (concept("Yes"), "93247-5", "Thoughts of killing oneself"),
        ({"valueBoolean": True}, "76501-6", "Afraid of a partner"),
        ({"valueString": "Several days"}, "44260-8", "PHQ-9 item 9"),
        ({"valueString": "Several days"}, "x-1", "PHQ-9 item 9"),
        ({"valueString": "High risk"}, "x-1", "C-SSRS screen"),
        ({"valueString": "Yes"}, "x-1", "Do you feel unsafe at home"),
    ],
)
def test_an_answer_that_is_no_plain_no_is_named_first_and_its_words_nowhere(value, loinc, name):
    made = brief(_VISIT, _answer(value, loinc=loinc, name=name))
    told = (
        "Answers on file on suicide, self-harm or violence, not a plain no and not told here, "
        f"by date of the newest value: {name} (2026-11-18)"
    )
    assert texts(made, "attention") == [told]
    assert _fold(made) == (told,)
    assert not texts(made, "context")
    assert not any("day" in each.text.split(":")[-1] for each in made.lines() if name in each.text)


@pytest.mark.parametrize(
    "value",
    [
        concept("Überhaupt nicht", (LOINC, "LA6568-5")),
        concept("Not at all"),
        {"valueInteger": 0},
        {"valueBoolean": False},
        {"valueString": "No"},
        {"valueString": "Negative screen"},
        {"dataAbsentReason": coded("asked-declined")},
    ],
)
def test_a_plain_no_and_no_answer_are_no_news(value):
    made = brief(_VISIT, _answer(value))
    assert not texts(made, "attention")
    assert texts(made, "context")[0].startswith("Answers on file, by date")


def test_an_answer_of_the_last_visit_is_no_news():
    assert not texts(brief(_VISIT, _answer(concept("Yes"), "2026-10-10")), "attention")


def test_a_score_is_told_with_its_value_since_nothing_marks_one():
    score = lab("24", "2026-11-18", loinc="44261-6", unit="{score}", category=[coded("survey")])
    other = lab("1.1", "2026-11-18", "o2", loinc="2160-0", unit="mg/dL")
    [told] = texts(brief(_VISIT, score, other), "changes")
    assert told.endswith("newest value: PHQ-9 score 24 (2026-11-18), Creatinine (2026-11-18)")


def _is_first(entry):
    attention = texts(brief(_VISIT, entry), "attention")
    return bool(attention) and attention[0].startswith(entry["code"]["text"])


def _of_late(name, *codings):
    said = {"recordedDate": "2026-11-02", "onsetDateTime": None}
    return condition("", code=concept(name, *codings), **said)


@pytest.mark.parametrize(
    "name",
    [
        *("Suicidal ideation", "Suicide attempt by multiple drug overdose", "High suicide risk"),
        *(
            "Victim of intimate partner violence",
            "Domestic abuse of adult",
            "Child abuse, suspected",
        ),
        *(
            "Deliberate self-harm",
            "Non-suicidal self-injury",
            "Self-inflicted laceration of wrist",
        ),
        *("Suicide ideation", "Homicidal ideation", "Homicidal thoughts toward coworker"),
        *("Passive death wish", "Patient wants to die", "Depression, SI with plan"),
        *(
            "Intentional acetaminophen overdose",
            "Overdose, intentional",
            "Victim of human trafficking",
        ),
    ],
)
def test_words_tell_danger_where_no_code_does(name):
    assert _is_first(_of_late(name))


@pytest.mark.parametrize(
    "name",
    [
        *(
            "No suicidal ideation",
            "Denies suicidal thoughts, suicidal intent",
            "Suicidal: negative",
        ),
        *("Depression without suicidal ideation", "Family history of suicide attempt"),
        *(
            "Intimate partner violence screening",
            "Fear of domestic violence",
            "Son's suicide attempt",
        ),
        *(
            "Mother attempted suicide",
            "Suicide attempt by mother",
            "Daughter with suicidal ideation",
        ),
        *("Suicide risk: low", "Low suicide risk", "Suicide risk assessment"),
        *("Suicide risk assessment: low risk", "Suicide risk: low risk"),
        *("Suicidal ideation absent (situation)", "Domestic violence screening negative"),
        *("Alcohol abuse", "Overdose of warfarin, accidental", "Injury of self"),
        *("Unintentional acetaminophen overdose", "Overdose, unintentional", "Pain of SI joint"),
        *("No suicidal or homicidal ideation", "Denies wish to die"),
    ],
)
def test_words_that_deny_it_or_tell_of_others_do_not(name):
    assert texts(brief(_VISIT, _of_late(name)), "attention") == []


@pytest.mark.parametrize(
    "name",
    [
        *("Suicidal ideation, no plan", "Suicidal ideation without intent"),
        *(
            "Passive suicidal ideation without plan",
            "Depression with suicidal ideation, denies plan",
        ),
        *("Self-injury without suicidal intent", "Domestic violence, not safe at home"),
        *(
            "Depression without psychosis, suicidal ideation",
            "No psychosis, but suicidal ideation",
        ),
        *("Depression, not psychotic, with suicidal ideation", "Low mood, suicidal ideation"),
        *(
            "No suicidal ideation; self-harm",
            "Suicide risk: low to moderate",
            "Moderate to low suicide risk",
        ),
        *("Positive screen for domestic violence", "Screening positive for suicidal ideation"),
        *("Suicidal ideation screening positive", "Suicide risk assessment: high"),
        *("Suicide risk assessment: low risk of harm to others, high to self",),
        *(
            "Sexual abuse by mother's boyfriend",
            "Physical abuse by father",
            "Father: physical abuse",
        ),
        *("Brought by mother for suicide attempt", "Death of son with suicidal ideation"),
        *("Suicide attempt by mother's pills", "Unable to rule out suicidal ideation"),
    ],
)
def test_a_hedge_of_something_else_in_the_name_hides_no_danger(name):
    assert _is_first(_of_late(name))


def _icd10(code):
    return _of_late("Poisoning", ("http://hl7.org/fhir/sid/icd-10-cm", code, "Poisoning"))


@pytest.mark.parametrize(
    "code",
    [
        *("T39.1X2A", "T391X2A", "T39.012A", "T50.902A", "T65.92XA", "T58.02XA", "T71.162A"),
        *("X78.1XXA", "X83.8XXA", "X60", "T14.91XA"),
    ],
)
def test_codes_of_intentional_self_harm_are_known_by_how_they_are_built(code):
    assert _is_first(_icd10(code))


@pytest.mark.parametrize(
    "code",
    [
        *("T39.1X1A", "T39.1X4A", "T40.2X1A", "T40.421A", "T45.521A", "T65.91XA", "T71.221A"),
        *("T66.X2XA", "T81.32XA", "X58", "X85", "W32"),
    ],
)
def test_a_poisoning_by_accident_is_none(code):
    assert texts(brief(_VISIT, _icd10(code)), "attention") == []


@pytest.mark.parametrize("code", ["225444004", "6471006", "397940009"])
def test_a_code_of_danger_tells_it_under_any_name(code):
    assert _is_first(_of_late("Noted at intake", ("http://snomed.info/sct", code)))


@pytest.mark.parametrize("pad", ["!", "- ", "low ", "suicide risk low "])
def test_a_name_that_is_endless_tells_danger_and_costs_no_time(pad):
    endless = _of_late(f"Suicide risk {pad * (20_000 // len(pad))}")
    began = time.process_time()
    attention = texts(brief(_VISIT, endless), "attention")
    assert attention[0].startswith("Suicide risk")
    assert time.process_time() - began < 1
