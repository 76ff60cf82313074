"""The first lines say what is so now, and nothing twice or against itself."""

import pytest

from tests.brief.charts import booked, brief, concept, condition, texts

ICD = "http://hl7.org/fhir/sid/icd-10-cm"


def _coded(code, name, identity, **more):
    return condition(name, identity, code=concept(name, (ICD, code, name)), **more)


def test_a_booking_with_words_of_its_own_does_not_say_that_its_reason_is_not_recorded():
    said = {"reasonCode": [], "description": "Chronic pain, refill"}
    [_, line] = texts(brief(booked(**said)), "visit")
    assert line.endswith(": Chronic pain, refill")
    [_, line] = texts(brief(booked(reasonCode=[])), "visit")
    assert line.endswith(": reason not recorded")


def test_of_the_weeks_of_one_pregnancy_the_newest_stands():
    weeks = [
        _coded("Z3A.24", "24 weeks gestation", "c1", onsetDateTime="2026-10-26"),
        _coded("Z3A.28", "28 weeks gestation", "c2", onsetDateTime="2026-11-20"),
    ]
    made = brief(*weeks)
    said = texts(made, "problems") + texts(made, "attention")
    assert any("28 weeks" in text for text in said)
    assert not any("24 weeks" in text for text in said)
    alone = brief(weeks[0])
    assert any("24 weeks" in text for text in texts(alone, "problems"))


SNOMED = "http://snomed.info/sct"
OLD_WEEKS = {
    "by code": {"code": concept("", (SNOMED, "23464008", "Week twenty (finding)"))},
    "by the name of its code": {"code": {"text": "Gestation period, 20 weeks (finding)"}},
    "by the name of ICD-10-CM": {"code": {"text": "20 weeks gestation of pregnancy"}},
}


@pytest.mark.parametrize("known", OLD_WEEKS)
def test_weeks_of_one_pregnancy_are_known_by_snomed_ct_and_by_name_too(known):
    old = condition("", "c1", onsetDateTime="2026-10-01", **OLD_WEEKS[known])
    new = _coded("Z3A.27", "27 weeks gestation", "c2", onsetDateTime="2026-11-20")
    assert len(texts(brief(old), "problems")) == 1
    [line] = texts(brief(old, new), "problems")
    assert line.startswith("27 weeks")


def test_what_happened_in_a_week_of_a_pregnancy_stands_beside_a_newer_week():
    labor = condition("Preterm labor, 26 weeks gestation", "c1", onsetDateTime="2026-11-10")
    new = _coded("Z3A.27", "27 weeks gestation", "c2", onsetDateTime="2026-11-20")
    assert len(texts(brief(labor, new), "problems")) == 2


def test_a_week_of_a_newborn_is_no_pregnancy_of_its_own():
    week = condition("", code=concept("", (SNOMED, "46230007", "Gestation period, 40 weeks")))
    assert "pregnan" not in " ".join(
        texts(brief(week), "problems") + texts(brief(week), "attention")
    )


def test_a_body_mass_index_and_long_term_use_of_a_medicine_stand_below_illnesses():
    made = brief(
        _coded("Z68.34", "BMI 34.0-34.9", "c1"),
        _coded("Z79.82", "Long term use of aspirin", "c2"),
        _coded("C50.9", "Breast cancer", "c3", onsetDateTime="2015-01-01"),
    )
    assert texts(made, "problems")[0].startswith("Breast cancer")
