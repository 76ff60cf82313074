"""Episodes that are over contradict nothing, and a circumstance of life takes no illness's place above the fold."""

import pytest

from hooks.patient_view.cards import cards
from tests.brief.charts import (
    allergy,
    brief,
    coded,
    concept,
    condition,
    flags,
    order,
    plain,
    report,
    seen,
    texts,
)

_SNOMED = "http://snomed.info/sct"
_VISIT = seen("2026-07-01T10:00:00-05:00")
_AT_A_VISIT = {"category": [coded("encounter-diagnosis")]}


def _top(made):
    [first] = [part for part in cards(made)[-1].detail if hasattr(part, "lines")][:1]
    return first.lines


def _twice(active, ended, name="Acute cystitis", **more):
    return brief(
        condition(name, "c1", onsetDateTime=active, **_AT_A_VISIT),
        condition(name, "c2", status="resolved", onsetDateTime=ended, **more),
    )


@pytest.mark.parametrize(("active", "ended"), [("2014-03-01", "2024-03-01"), ("2024", "2014")])
def test_two_episodes_are_no_contradiction(active, ended):
    over = {"abatementDateTime": f"{ended[:4]}-03-10"}
    assert not texts(_twice(active, ended, **over, **_AT_A_VISIT), "attention")


@pytest.mark.parametrize(
    ("active", "ended", "more"),
    [
        ("2024-03-01", "2024-03-01", _AT_A_VISIT),
        (None, "2024-03-01", _AT_A_VISIT),
        ("2024-03-01", None, _AT_A_VISIT),
        ("2014-03-01", "2024-03-01", {}),
        ("2020-03-01", "2014-03-01", {"abatementDateTime": "2022-01-01"}),
    ],
)
def test_one_episode_is_and_so_is_a_list_that_says_it_ended_later(active, ended, more):
    [line] = texts(_twice(active, ended, **more), "attention")
    assert line.startswith("Acute cystitis: listed as active")


def test_a_list_whose_illness_ended_before_the_other_began_says_nothing_against_it():
    assert not texts(_twice("2020-03-01", "2014-03-01", abatementDateTime="2015"), "attention")


def test_any_active_entry_of_the_same_day_counts():
    made = brief(
        condition("Gout", "c1", onsetDateTime="2010-01-01"),
        condition("Gout", "c2", onsetDateTime="2024-05-01", **_AT_A_VISIT),
        condition("Gout", "c3", status="resolved", onsetDateTime="2024-05-01", **_AT_A_VISIT),
    )
    assert texts(made, "attention") == [
        "Gout: listed as active (since 2024-05-01) and as resolved (onset 2024-05-01)"
    ]


_LIFE = [
    {"code": concept("", (_SNOMED, "1", "Chapped lips (finding)"))},
    {"code": concept("Medication review due", (_SNOMED, "314529007"))},
    {"code": concept("Problem at work", ("http://hl7.org/fhir/sid/icd-10-cm", "Z56.9"))},
    {"code": concept("Not enough food"), "category": [coded("sdoh")]},
    {"code": concept("Mammogram", ("http://hl7.org/fhir/sid/icd-10-cm", "Z12.31"))},
    {
        "code": concept(
            "Breast cancer in the family", ("http://hl7.org/fhir/sid/icd-10-cm", "Z80.3")
        )
    },
    {"code": concept("Encounter for screening mammogram for malignant neoplasm of breast")},
]


@pytest.mark.parametrize("more", _LIFE)
def test_a_circumstance_of_life_is_listed_and_not_above_the_fold(more):
    made = brief(_VISIT, condition("", onsetDateTime="2026-09-01", **more))
    assert len(texts(made, "problems")) == len(texts(made, "changes")) == 1
    assert flags(made, "changes") == [()]
    ended = condition("", "c2", status="resolved", onsetDateTime="2026-09-01", **more)
    assert not texts(brief(condition("", onsetDateTime="2026-09-01", **more), ended), "attention")


@pytest.mark.parametrize(
    "code",
    [
        concept("", (_SNOMED, "225444004", "At risk for suicide (finding)")),
        concept("", (_SNOMED, "706893006", "Victim of intimate partner abuse (finding)")),
        concept("", (_SNOMED, "23233009", "Previous known suicide attempt (situation)")),
        concept("Suicidal ideations", ("http://hl7.org/fhir/sid/icd-10-cm", "R45.851")),
        concept("Adult abuse", ("http://hl7.org/fhir/sid/icd-10-cm", "Z91.410")),
        concept("", (_SNOMED, "72892002", "Normal pregnancy (finding)")),
    ],
)
def test_but_danger_to_life_violence_and_pregnancy_are_told_like_an_illness(code):
    more = {"code": code, "category": [coded("sdoh")], "onsetDateTime": "2026-09-01"}
    made = brief(_VISIT, condition("", **more))
    assert "new" in flags(made, "changes")[0]
    assert texts(made, "changes")[0] in _top(made)


@pytest.mark.parametrize(
    ("name", "icd10"),
    [
        *(
            ("History of breast cancer", "Z85.3"),
            ("Liver transplant", "Z94.4"),
            ("Dialysis", "Z99.2"),
        ),
        *(
            ("Encounter for palliative care", "Z51.5"),
            ("BRCA1", "Z15.01"),
            ("Amputation", "Z89.511"),
        ),
        ("Examination after alleged rape", "Z04.41"),
        ("Encounter for palliative care", "local"),
    ],
)
def test_what_was_done_to_the_body_or_is_care_of_an_illness_is_told_like_one(name, icd10):
    code = concept(name, ("http://hl7.org/fhir/sid/icd-10-cm", icd10))
    made = brief(_VISIT, condition("", code=code, onsetDateTime="2026-09-01"))
    assert "new" in flags(made, "changes")[0]


def test_a_child_that_was_born_is_no_pregnancy():
    born = concept("", (_SNOMED, "169826009", "Single live birth (finding)"))
    made = brief(condition("", code=born, onsetDateTime="2026-09-01"))
    assert len(texts(made, "problems")) == 1
    assert not texts(made, "attention")


def test_severe_allergies_pregnancy_and_flags_stand_before_lists_that_disagree():
    made = brief(
        condition("Gout", "c1"),
        condition("Gout", "c2", status="resolved"),
        allergy("Latex", criticality="high"),
        plain("Flag", "f1", status="active", code={"text": "Falls"}),
        order("lisinopril 20 mg"),
        report("lisinopril 10 mg"),
    )
    heads = ["Lisinopril", "Latex", "Flag", "Gout"]
    assert [text.split()[0].strip(":") for text in texts(made, "attention")] == heads
    assert [text.split()[0].strip(":") for text in _top(made)] == heads
