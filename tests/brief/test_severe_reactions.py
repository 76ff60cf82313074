"""A reaction that is severe by what it is counts as severe, also where nobody recorded how severe it was."""

import pytest

from tests.brief.charts import allergy, brief, concept, condition, order, texts

SNOMED = "http://snomed.info/sct"


def _is_severe(**reaction):
    made = brief(allergy("Zyx", reaction=[reaction]))
    return "severe" in made.section("allergies")[0].statement.flags


@pytest.mark.parametrize(
    "said",
    [
        "Angioedema",
        "Stevens-Johnson syndrome",
        "SJS/TEN",
        "Throat swelling",
        "Swelling of throat and shortness of breath",
        "DRESS syndrome",
        "Anaphylactoid reaction",
        "Rash, difficulty breathing",
        "TOXIC EPIDERMAL NECROLYSIS",
        "Can't breathe",
        "Rash, no hives; anaphylaxis",
    ],
)
def test_words_of_a_severe_reaction_make_an_allergy_severe(said):
    assert _is_severe(manifestation=[{"text": said}])
    assert _is_severe(description=said)


@pytest.mark.parametrize(
    "said",
    [
        "Rash",
        "Swelling",
        "Itchy throat",
        "Cough",
        "No anaphylaxis",
        "Hives without angioedema",
        "Nausea",
    ],
)
def test_other_words_and_what_is_said_not_to_have_been_do_not(said):
    assert not _is_severe(manifestation=[{"text": said}])


def test_a_code_of_a_severe_reaction_makes_an_allergy_severe():
    assert _is_severe(manifestation=[concept("Schwellung", (SNOMED, "41291007"))])
    assert not _is_severe(manifestation=[concept("Hives", (SNOMED, "126485001"))])


def test_it_stands_under_attention_and_before_what_is_not():
    said = [{"manifestation": [{"text": "Angioedema"}]}]
    chart = (allergy("Codeine"), allergy("lisinopril", "a2", reaction=said))
    made = brief(*chart, order("codeine 30 mg"), order("Zestoretic 20-12.5 mg", "m2"))
    first, second, third, *_ = texts(made, "attention")
    assert first.startswith("Allergy to lisinopril (Angioedema), yet active: Zestoretic")
    assert second.startswith("Allergy to Codeine, yet active: codeine")
    assert third.startswith("lisinopril: Angioedema, recorded")


def test_the_note_of_an_allergy_without_a_name_and_the_name_of_a_problem_count_too():
    noted = allergy("Other (see comments)", note=[{"text": "SJS after a medicine"}])
    assert "severe" in brief(noted).section("allergies")[0].statement.flags
    made = brief(condition("Penicillin allergy with anaphylaxis"), order("amoxicillin 500 mg"))
    assert "severe" in made.section("attention")[0].statement.flags
