"""An allergy meets what a patient takes by its own name, by class, and by a note where its name says nothing."""

import pytest

from tests.brief.charts import RXNORM, allergy, brief, concept, condition, order, plain, texts


def _met(said, medicine, **more):
    """What stands under Needs attention of an allergy and one order."""
    lines = texts(brief(allergy(said, **more), order(medicine)), "attention")
    return [line for line in lines if ", yet " in line]


@pytest.mark.parametrize(
    ("said", "medicine"),
    [
        ("proguanil", "atovaquone-proguanil (Malarone) 250-100 mg"),
        ("Allergy to lacosamide (finding)", "lacosamide 100 mg tablet"),
        ("RALTEGRAVIR POTASSIUM", "raltegravir 400 mg"),
        ("vancomycin", "Vancomycin HCl 125 mg capsule"),
        ("atovaquone-proguanil", "chloroquine / proguanil 200 mg"),
        ("Morphine and related", "morphine 15 mg"),
        ("magnesium sulfate", "magnesium sulfate 500 mg"),
        ("insulin", "insulin glargine 100 units/mL"),
    ],
)
def test_an_allergy_meets_a_medicine_that_is_called_the_same_and_stands_in_no_table(
    said, medicine
):
    assert _met(said, medicine) == [
        f"Allergy to {said.removesuffix(' (finding)')}, yet active: {medicine}, ordered 2026-05-04"
    ]


@pytest.mark.parametrize(
    ("said", "medicine"),
    [
        ("latex, natural rubber", "natural tears"),
        ("Other (see comments)", "other supply"),
        ("Drug allergy", "drug holder"),
        ("milk", "Milk of Magnesia 400 mg/5 mL"),
        ("alpha-galactosidase", "alpha lipoic acid 300 mg"),
        ("magnesium sulfate", "ferrous sulfate 325 mg"),
        ("potassium", "penicillamine potassium 50 mg"),
        ("dust", "Adustrin 5 mg"),
        ("short ragweed pollen", "short ragweed pollen allergen extract (Ragwitek)"),
        ("wasp venom", "wasp venom protein 100 mcg"),
    ],
)
def test_words_that_tell_no_substance_or_stand_within_another_meet_nothing(said, medicine):
    assert _met(said, medicine) == []


@pytest.mark.parametrize(
    ("said", "harmless", "medicine"),
    [
        ("ACE inhibitor (tolerates ARB)", "losartan 50 mg", "lisinopril 10 mg"),
        ("ACE inhibitors, ok with losartan", "losartan 50 mg", "lisinopril 10 mg"),
        ("Penicillin (not all beta-lactams)", "cephalexin 500 mg", "amoxicillin 500 mg"),
        ("Tree nuts, does not tolerate lisinopril", "losartan 50 mg", "lisinopril 10 mg"),
    ],
)
def test_what_a_name_says_is_tolerated_is_no_allergy(said, harmless, medicine):
    assert _met(said, harmless) == []
    assert len(_met(said, medicine)) == 1


def test_one_code_is_one_substance_under_whatever_names():
    coded = concept("Zyx", (RXNORM, "999001"))
    drug = order("Brand", medicationCodeableConcept=concept("Brand 5 mg", (RXNORM, "999001")))
    made = brief(allergy("", code=coded), drug)
    assert texts(made, "attention") == [
        "Allergy to Zyx, yet active: Brand 5 mg, ordered 2026-05-04"
    ]


def test_but_no_code_that_says_of_both_that_they_are_unknown():
    nothing = ("http://terminology.hl7.org/CodeSystem/v3-NullFlavor", "OTH")
    drug = order("Brand", medicationCodeableConcept=concept("Brand 5 mg", nothing))
    assert not texts(brief(allergy("", code=concept("Zyx", nothing)), drug), "attention")


def test_an_allergy_meets_what_a_medicine_contains():
    inside = plain("Medication", "d1", ingredient=[{"itemCodeableConcept": {"text": "proguanil"}}])
    made = brief(
        allergy("proguanil"),
        {
            **order("Malarone"),
            "medicationCodeableConcept": None,
            "medicationReference": {"reference": "#d1", "display": "Malarone"},
            "contained": [inside],
        },
    )
    assert texts(made, "attention") == [
        "Allergy to proguanil, yet active: Malarone, ordered 2026-05-04"
    ]


@pytest.mark.parametrize(
    ("said", "medicine"),
    [
        ("heparin", "enoxaparin 80 mg/0.8 mL syringe"),
        ("enoxaparin", "tinzaparin 10000 units"),
        ("Penicillin", "Flucloxacillin 500mg capsules"),
        ("amoxicillin", "dicloxacillin 500 mg"),
        ("Phenoxymethylpenicillin", "oxacillin 1 g"),
        ("Penicillin", "Augmentin 875 mg"),
        ("Penicillin", "Co-amoxiclav 500/125"),
    ],
)
def test_heparins_and_the_penicillins_of_everyday_are_classes(said, medicine):
    assert _met(said, medicine) == [
        (
            f"Allergy to {said}, yet active: {medicine}, ordered 2026-05-04, "
            "a medicine of the same class"
        )
    ]


def test_a_brand_of_two_ingredients_is_both():
    assert (
        "Allergy to trimethoprim, yet active: Bactrim DS" in _met("trimethoprim", "Bactrim DS")[0]
    )
    assert "Allergy to Metamizol, yet active: Novalgin" in _met("Metamizol", "Novalgin 500 mg")[0]


OTHER = "Other (see comments)"


def _noted(words, medicine="cephalexin 500 mg"):
    return brief(allergy(OTHER, note=[{"text": words}]), order(medicine))


def test_the_note_of_an_allergy_without_a_name_is_read_and_quoted():
    made = _noted("ANAPHYLAXIS to cefazolin in OR 2019")
    [first, second, *_] = texts(made, "attention")
    assert first == (
        "Allergy to Other (see comments), note: “ANAPHYLAXIS to cefazolin in OR 2019”, "
        "yet active: cephalexin 500 mg, ordered 2026-05-04, a medicine of the same class"
    )
    assert second.startswith("Other (see comments): reaction not recorded")
    assert made.section("allergies")[0].statement.flags == ("must_show", "severe")


@pytest.mark.parametrize(
    "words",
    [
        "Tolerated cefazolin 2020",
        "Mother: anaphylaxis to cefazolin",
        "not allergic to cefazolin",
        "no anaphylaxis with cefazolin",
        "rash with something",
    ],
)
def test_a_note_of_what_was_tolerated_or_of_somebody_else_tells_nothing(words):
    made = _noted(words)
    assert texts(made, "attention") == []
    assert words in texts(made, "allergies")[0]


def test_the_note_of_an_allergy_with_a_name_tells_no_other_substance():
    chart = (
        allergy("Latex", note=[{"text": "anaphylaxis; cefazolin given"}]),
        order("cephalexin"),
    )
    assert texts(brief(*chart), "attention") == []


@pytest.mark.parametrize(
    "words", ["Keine bekannten Allergien", "Geen gekende allergie", "Pas d'allergie connue"]
)
def test_none_known_is_understood_in_german_dutch_and_french(words):
    assert texts(brief(allergy(words)), "allergies") == [f"{words}, recorded 2019-04-02"]
    assert (
        "yet allergies are listed: Latex"
        in (texts(brief(allergy(words), allergy("Latex", "a2")), "attention")[0])
    )


@pytest.mark.parametrize(
    ("said", "medicine"),
    [
        ("PCN", "amoxicillin 500 mg"),
        ("Pcn (penicillins)", "Augmentin 875 mg"),
        ("PENICILLIAN", "amoxicillin 500 mg"),
        ("PCN", "Pen VK 500 mg"),
        ("Beta-lactams", "cefpodoxime 200 mg"),
        ("Beta Lactam Antibiotics", "amoxicillin 500 mg"),
        ("ASA", "aspirin 81 mg"),
        ("ASA", "Ecotrin 81 mg"),
        ("aspirin", "ASA 81 mg"),
        ("ACE-I", "lisinopril 10 mg"),
        ("ACEI", "fosinopril 10 mg"),
        ("ARBs", "losartan 50 mg"),
        ("HMG-CoA reductase inhibitors", "lovastatin 20 mg"),
        ("NSAIDs", "etodolac 400 mg"),
        ("Cephalosporins", "cefepime 1 g"),
        ("Sulfa", "sulfasalazine 500 mg"),
        ("Narcotics", "codeine 30 mg"),
        ("Tetracyclines", "minocycline 100 mg"),
        ("Sulfa", "SMX-TMP DS"),
        ("Tylenol", "hydrocodone-APAP 5-325"),
        ("abacavir", "Triumeq"),
    ],
)
def test_what_charts_abbreviate_and_whole_classes_meet_their_medicines(said, medicine):
    [line] = _met(said, medicine)
    assert line.startswith(f"Allergy to {said}, yet active: {medicine}, ordered 2026-05-04")


@pytest.mark.parametrize(
    ("said", "medicine"),
    [
        ("ASA", "mesalamine (5-ASA) 1.2 g"),
        ("5-ASA", "aspirin 81 mg"),
        ("ASA", "Asacol HD 800 mg"),
        ("penicillin", "cefpodoxime 200 mg"),
        ("cefazolin", "amoxicillin 500 mg"),
        ("lisinopril", "losartan 50 mg"),
        ("codeine", "morphine 15 mg"),
        ("Sulfa", "furosemide 20 mg"),
    ],
)
def test_an_abbreviation_counts_as_a_whole_word_and_one_class_is_not_another(said, medicine):
    assert _met(said, medicine) == []


def _reacted(name, identity, reaction, **more):
    said = [{"manifestation": [{"text": reaction}]}]
    return allergy(name, identity, reaction=said, **more)


AUGMENTIN = order("Augmentin 875 mg")
FOUR = (
    _reacted("Penicillins", "a1", "Hives"),
    _reacted("PENICILLIN", "a2", "Rash"),
    _reacted("Penicillin G", "a3", "Wheeze", criticality="high"),
    _reacted("amoxicillin", "a4", "Itching"),
)


def _conflicts(*chart):
    return [x for x in brief(*chart).section("attention") if x.statement.kind == "conflict"]


def test_one_medicine_takes_one_line_that_names_the_worst_allergy_first_and_cites_all():
    [line] = _conflicts(*FOUR, AUGMENTIN)
    assert line.text == (
        "Allergy to Penicillin G (Wheeze), also to amoxicillin (Itching), to Penicillins (Hives), "
        "to PENICILLIN (Rash), yet active: Augmentin 875 mg, ordered 2026-05-04"
    )
    cited = ["AllergyIntolerance/a3", "AllergyIntolerance/a4", "AllergyIntolerance/a1"]
    assert list(line.statement.refs) == [*cited, "AllergyIntolerance/a2", "MedicationRequest/m1"]
    assert "severe" in line.statement.flags


def test_two_medicines_take_two_lines_and_the_one_of_a_severe_allergy_stands_first():
    chart = (allergy("Codeine", "a5"), order("codeine 30 mg", "m2"))
    first, second = _conflicts(*FOUR, AUGMENTIN, *chart)
    assert "Augmentin" in first.text
    assert second.text.startswith("Allergy to Codeine, yet active: codeine 30 mg")


def test_many_allergies_to_one_medicine_are_counted_and_alike_ones_named_once():
    more = [allergy(f"Penicillin {at}", f"b{at}") for at in "wxyz"]
    twice = allergy("PENICILLIN Z", "c9")
    [line] = _conflicts(*more, twice, AUGMENTIN)
    assert line.text.startswith(
        "Allergy to Penicillin w, also to Penicillin x, to Penicillin y, to Penicillin z, yet active"
    )
    assert len(line.statement.refs) == 6
    [line] = _conflicts(*more, twice, allergy("Pcn", "b8"), AUGMENTIN)
    assert ", and 1 more, yet active: Augmentin" in line.text


def test_a_same_class_is_said_only_where_no_allergy_names_the_medicine():
    said = [
        _conflicts(allergy("Penicillin G", "a1"), allergy(each, "a2"), AUGMENTIN)[0].text
        for each in ("Ampicillin", "amoxicillin")
    ]
    assert [each.endswith("a medicine of the same class") for each in said] == [True, False]


def test_an_intolerance_and_a_problem_stand_behind_an_allergy_to_the_same_medicine():
    chart = (
        _reacted("amoxicillin", "a1", "Nausea", type="intolerance"),
        allergy("Penicillin", "a2"),
        condition("Allergy to penicillin"),
        AUGMENTIN,
    )
    [line] = _conflicts(*chart)
    assert line.text.startswith(
        "Allergy to Penicillin, also Allergy to penicillin (listed as a problem), "
        "intolerance to amoxicillin (Nausea), yet active: Augmentin 875 mg"
    )


def test_a_restricted_allergy_shares_no_line():
    label = {"security": [{"code": "R"}]}
    lines = _conflicts(allergy("Penicillin", "a1"), allergy("Pcn", "a2", meta=label), AUGMENTIN)
    assert [(x.text.partition(",")[0], "restricted" in x.statement.flags) for x in lines] == [
        ("Allergy to Pcn", True),
        ("Allergy to Penicillin", False),
    ]
