"""An allergy that only the problem list tells meets medicines and "none known" as any other does."""

import pytest

from cds_service.brief import rule_brief
from cds_service.brief.recheck import recheck
from cds_service.brief.show import to_json
from hooks.patient_view.cards import cards
from tests.brief.charts import allergy, brief, concept, condition, context, order, texts

ICD, SNOMED = "http://hl7.org/fhir/sid/icd-10-cm", "http://snomed.info/sct"
NKDA = allergy("No Known Drug Allergies")


def _met(problem, medicine="amoxicillin 500 mg"):
    said = texts(brief(problem, order(medicine)), "attention")
    return [each for each in said if ", yet " in each]


@pytest.mark.parametrize(
    ("name", "medicine"),
    [
        ("Allergy to penicillin", "amoxicillin 500 mg"),
        ("Penicillin allergy", "amoxicillin 500 mg"),
        ("Personal history of allergy to penicillin", "amoxicillin 500 mg"),
        ("Patient is allergic to sulfonamides", "Bactrim DS"),
        ("Allergy status to sulfonamides status", "Bactrim DS"),
        ("Asthma with aspirin allergy", "aspirin 81 mg"),
        ("Allergy to lacosamide (finding)", "lacosamide 100 mg"),
        ("Allergy to penicillin with anaphylaxis in 1998", "amoxicillin 500 mg"),
        ("Allergic reaction caused by amoxicillin", "amoxicillin 500 mg"),
        ("Anaphylaxis due to penicillin", "amoxicillin 500 mg"),
        ("History of anaphylactic shock due to amoxicillin", "amoxicillin 500 mg"),
        ("Penicillin anaphylaxis", "amoxicillin 500 mg"),
        ("Angioedema due to ACE inhibitor", "lisinopril 20 mg"),
        ("Lisinopril-induced angioedema", "lisinopril 20 mg"),
        ("Stevens-Johnson syndrome due to lamotrigine", "lamotrigine 100 mg"),
        ("Toxic epidermal necrolysis caused by allopurinol", "allopurinol 300 mg"),
    ],
)
def test_a_problem_that_says_of_an_allergy_meets_a_medicine(name, medicine):
    [line] = _met(condition(name), medicine)
    assert line.startswith(
        f"{name.removesuffix(' (finding)')} (listed as a problem), yet active: {medicine}, ordered"
    )


@pytest.mark.parametrize(
    "name",
    [
        "History of allergic rhinitis",
        "Seasonal allergies",
        "Seasonal allergies treated with amoxicillin",
        "Amoxicillin for seasonal allergies",
        "Food allergy",
        "Family history of penicillin allergy",
        "No known allergy to penicillin",
        "Penicillin allergy ruled out",
        "Penicillin allergy testing",
        "Not allergic to penicillin",
        "Mother allergic to penicillin",
        "Mother: penicillin allergy",
        "No penicillin allergy",
        "Does not have a penicillin allergy",
        "Asthma without penicillin allergy",
        "Penicillin allergy not a true allergy",
        "Penicillin allergy (resolved)",
        "Penicillin allergy - ruled out 2019",
        "Penicillin allergy, skin test negative",
        "Allergy to penicillin excluded",
        "Penicillin allergy removed",
        "Penicillin allergy delabeled",
        "Penicillin allergy unlikely",
        "Evaluation for penicillin allergy",
        "Patient's wife has penicillin allergy",
        "Patient's child has a penicillin allergy",
        "Amoxicillin daily, seasonal allergies",
        "On amoxicillin, seasonal allergies",
        "Otitis media on amoxicillin, allergies",
        "Allergic reaction, amoxicillin begun",
        "Allergic rhinitis due to pollen, on amoxicillin",
        "Anaphylaxis",
        "Anaphylaxis, on amoxicillin",
        "Anaphylaxis treated with amoxicillin",
        "Anaphylaxis due to bee sting requiring amoxicillin",
        "Amoxicillin for anaphylaxis",
        "Hereditary angioedema on amoxicillin",
        "No anaphylaxis to penicillin",
        "Anaphylaxis due to penicillin ruled out",
        "Family history of anaphylaxis due to penicillin",
    ],
)
def test_what_names_no_medicine_or_tells_of_somebody_else_meets_none(name):
    chart = brief(condition(name), order("amoxicillin 500 mg"), NKDA)
    assert not [each for each in texts(chart, "attention") if "yet" in each]
    assert texts(chart, "allergies") == [
        "No Known Drug Allergies, covers medication only, recorded 2019-04-02"
    ]


@pytest.mark.parametrize(
    "name",
    [
        "Penicillin allergy (anaphylaxis), tolerates cephalosporins",
        "Allergy to penicillin, use cephalexin instead",
        "Penicillin allergy - hives, no anaphylaxis",
        "Penicillin allergy - hives, no anaphylaxis to date",
        "Penicillin allergy - rash, resolved with cetirizine",
        "Penicillin allergy (rash resolved with cetirizine)",
        "Penicillin allergy (hives, denied anaphylaxis)",
        "Penicillin allergy (reported by mother)",
        "Penicillin allergy confirmed by skin test",
        "Penicillin, sulfa allergy",
        "Asthma without polyps with penicillin allergy",
        "Allergy to sulfa, penicillin",
        "Allergy to penicillin as a child",
        "Penicillin allergy, does not tolerate amoxicillin",
    ],
)
def test_what_is_said_of_something_else_takes_no_allergy_back(name):
    [line] = _met(condition(name))
    assert line.startswith(f"{name} (listed as a problem), yet active: amoxicillin")


@pytest.mark.parametrize(
    "name",
    [
        "Allergy to penicillin - tolerates cephalexin",
        "Penicillin allergy denied",
        "Penicillin allergy test",
        "Penicillin allergy in son",
    ],
)
def test_a_code_of_an_allergy_stands_against_hints_in_its_name(name):
    assert len(_met(condition("", code=concept(name, (ICD, "Z88.0"))))) == 1
    assert _met(condition("", code=concept(f"No {name}", (ICD, "Z88.0")))) == []


@pytest.mark.parametrize(
    ("name", "medicine"),
    [
        ("Penicillin allergy, tolerated amoxicillin 2024", "amoxicillin 500 mg"),
        ("Allergy to beta-lactams (tolerates cephalosporins)", "cephalexin 500 mg"),
        ("Allergy to penicillin, use cephalexin instead", "cephalexin 500 mg"),
        ("Allergy to penicillin ok with cephalexin", "cephalexin 500 mg"),
    ],
)
def test_what_a_problem_says_is_tolerated_meets_it_not(name, medicine):
    assert _met(condition(name), medicine) == []
    assert len(_met(condition(name), "penicillin V potassium 500 mg")) == 1


@pytest.mark.parametrize(
    "name", ["Angioedema due to complement deficiency", "Anaphylaxis caused by exercise"]
)
def test_what_such_a_reaction_is_due_to_is_an_allergy_only_where_a_table_knows_it(name):
    made = brief(condition(name), order("complement exercise tablet"), NKDA)
    assert not [each for each in texts(made, "attention") if "yet" in each]


def test_a_nasal_allergy_meets_no_spray():
    assert _met(condition("Nasal allergy"), "nasal spray") == []


@pytest.mark.parametrize(
    "more",
    [
        {"status": "resolved"},
        {"status": "inactive"},
        {"status": "remission"},
        {"verified": "refuted"},
        {"verified": "entered-in-error"},
    ],
)
def test_one_that_does_not_stand_meets_nothing(more):
    assert _met(condition("Allergy to penicillin", **more)) == []


@pytest.mark.parametrize(
    "coding",
    [(ICD, "Z88.0"), (SNOMED, "91936005"), (ICD, "Z88.0", "Allergy status to penicillin")],
)
def test_a_code_of_an_allergy_says_it_where_no_name_does(coding):
    [line] = _met(condition("", code=concept("Drug allergy", coding)))
    assert line.startswith("Drug allergy (listed as a problem), yet active: amoxicillin")


@pytest.mark.parametrize("coding", [(ICD, "D75.829"), (ICD, "D75.82"), (SNOMED, "73397007")])
def test_thrombocytopenia_by_heparin_meets_the_heparins(coding):
    problem = condition("", code=concept("HIT", coding))
    [line] = _met(problem, "enoxaparin 40 mg")
    assert line.startswith("HIT (listed as a problem), yet active: enoxaparin 40 mg")
    assert _met(problem, "apixaban 5 mg") == []


def test_a_code_of_drug_allergies_makes_a_plain_name_one():
    coded = concept("Vancomycin / cefazolin", (ICD, "Z88.1"))
    [line] = _met(condition("", code=coded), "cefazolin 1 g")
    assert line.startswith("Vancomycin / cefazolin (listed as a problem)")


def test_a_diagnosis_off_the_problem_list_is_called_one():
    visit = [{"coding": [{"code": "encounter-diagnosis"}]}]
    [line] = _met(condition("Allergy to penicillin", category=visit))
    assert line.startswith("Allergy to penicillin (listed as a diagnosis), yet active")


def test_the_conflict_cites_the_problem_and_the_medicine_and_stands_where_allergies_do():
    chart = context(condition("Allergy to penicillin"), order("amoxicillin 500 mg"))
    made = rule_brief(chart)
    first = made.section("attention")[0].statement
    assert (first.kind, first.refs) == ("conflict", ("Condition/c1", "MedicationRequest/m1"))
    assert first.flags == ("must_show", "conflict", "allergen")
    assert cards(made)[-1].detail[0].lines[0] == made.section("attention")[0].text
    assert recheck(to_json(made), chart) == ()


def test_none_known_does_not_stand_beside_it():
    made = brief(condition("Allergy to penicillin"), NKDA)
    assert texts(made, "attention") == [
        (
            "“No Known Drug Allergies” recorded 2019-04-02, yet allergies are listed: "
            "Allergy to penicillin (listed as a problem)"
        )
    ]
    assert texts(made, "allergies") == [
        "Allergy to penicillin, since 2020-01-02",
        "Conflict: “No Known Drug Allergies” recorded 2019-04-02 contradicts what is listed here",
    ]
    assert cards(made)[-1].summary.endswith("entries on allergies disagree")


@pytest.mark.parametrize(
    ("code", "name", "denial", "is_denied"),
    [
        ("Z91.010", "Peanut allergy", "No Known Allergies", True),
        ("Z91.010", "Peanut allergy", "No Known Food Allergies", True),
        ("Z91.010", "Peanut allergy", "No Known Drug Allergies", False),
        ("Z88.8", "Drug allergy", "No Known Drug Allergies", True),
        ("J30.1", "Allergy to pollen", "No Known Allergies", False),
    ],
)
def test_a_none_known_denies_what_it_covers(code, name, denial, is_denied):
    made = brief(condition("", code=concept(name, (ICD, code))), allergy(denial))
    assert (
        any("yet allergies are listed" in each for each in texts(made, "attention")) is is_denied
    )


def test_allergies_are_not_called_none_recorded_where_a_problem_says_of_one():
    made = brief(condition("Allergy to penicillin"))
    assert texts(made, "allergies") == ["Allergy to penicillin, since 2020-01-02"]
    assert cards(made)[-1].summary.endswith("allergy among problems")
