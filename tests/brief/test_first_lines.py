"""The first lines say what is so now, and nothing twice or against itself."""

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


def test_a_body_mass_index_and_long_term_use_of_a_medicine_stand_below_illnesses():
    made = brief(
        _coded("Z68.34", "BMI 34.0-34.9", "c1"),
        _coded("Z79.82", "Long term use of aspirin", "c2"),
        _coded("C50.9", "Breast cancer", "c3", onsetDateTime="2015-01-01"),
    )
    assert texts(made, "problems")[0].startswith("Breast cancer")
