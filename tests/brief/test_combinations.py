"""A brand of several ingredients is all of them: one medicine beside its parts, and what it shares is told."""

import pytest

from cds_service.domain.tables import words
from cds_service.rulebook import DEFAULT, Changes, load_tables
from cds_service.rulebook.load import data
from tests.brief.charts import allergy, brief, order, report, texts


def _attention(*chart):
    return texts(brief(*chart), "attention")


@pytest.mark.parametrize(
    ("brand", "parts"),
    [
        ("Percocet 5-325 mg tablet", {"oxycodone", "acetaminophen"}),
        ("Norco 10/325", {"hydrocodone", "acetaminophen"}),
        ("Tylenol #3", {"codeine", "acetaminophen"}),
        ("Augmentin 875", {"amoxicillin", "clavulanate"}),
        ("Entresto 49/51", {"sacubitril", "valsartan"}),
        ("sacubitril-valsartan 49-51 mg", {"sacubitril", "valsartan"}),
        ("Diovan HCT 160/12.5", {"valsartan", "hydrochlorothiazide"}),
        ("Exforge HCT", {"amlodipine", "valsartan", "hydrochlorothiazide"}),
        ("Janumet XR 50/1000", {"sitagliptin", "metformin"}),
        ("Humulin 70/30 KwikPen", {"insulin isophane", "insulin regular"}),
        ("Trelegy Ellipta", {"fluticasone", "umeclidinium", "vilanterol"}),
        ("Genvoya", {"elvitegravir", "cobicistat", "emtricitabine", "tenofovir"}),
        ("Excedrin PM", {"acetaminophen", "diphenhydramine"}),
    ],
)
def test_a_brand_of_several_ingredients_is_known_as_all_of_them(brand, parts):
    assert {each.name for each in DEFAULT.ingredients(words(brand))} == parts


def test_every_combination_has_two_ingredients_or_more_that_the_table_knows():
    drugs = data("ingredients")
    known = {name for listed in (*drugs["high_alert"].values(), drugs["other"]) for name in listed}
    for brand, parts in drugs["combination"].items():
        assert len(parts) > 1, brand
        assert known.issuperset(parts), brand
        assert {each.name for each in DEFAULT.ingredients(words(brand))} == set(parts), brand


def test_a_site_has_brands_of_several_ingredients_of_its_own():
    named = {"names": ["zyxicet"], "source": "Formulary", "reviewed": "2026-10-01"}
    site = {"oxycodone": named, "acetaminophen": named}
    tables = load_tables(
        Changes.model_validate({"owner": "Lead", "reviewed": "2026-11-01", "ingredients": site})
    )
    assert {each.name for each in tables.ingredients(("zyxicet",))} == set(site)


def test_percocet_beside_acetaminophen_is_two_medicines_and_one_ingredient_twice():
    made = brief(order("Percocet 5-325 mg", "m1"), order("Tylenol 500 mg", "m2"))
    assert len(texts(made, "medications")) == 2
    assert any(
        each.startswith("Acetaminophen listed twice and not alike: ")
        and "Percocet 5-325 mg" in each
        and "Tylenol 500 mg" in each
        for each in texts(made, "attention")
    )
    assert "High-alert: oxycodone (opioid)" in texts(made, "attention")


def test_a_combination_is_no_other_order_of_one_of_its_parts():
    made = brief(order("Percocet 5-325 mg", "m1"), order("OxyContin 20 mg", "m2"))
    assert [each.partition(":")[0] for each in texts(made, "medications")] == [
        "OxyContin 20 mg",
        "Percocet 5-325 mg",
    ]
    assert texts(made, "attention")[0].startswith("Oxycodone listed twice and not alike: ")


def test_insulin_in_a_brand_with_another_medicine_is_high_alert():
    assert _attention(order("Soliqua 100/33")) == ["High-alert: insulin glargine"]
    assert _attention(order("Duetact 30/4")) == ["High-alert: glimepiride (sulfonylurea)"]


@pytest.mark.parametrize(
    ("said", "medicine"),
    [
        ("acetaminophen", "Percocet 5/325"),
        ("aspirin", "Excedrin"),
        ("sumatriptan", "Treximet"),
        ("abacavir", "Triumeq"),
        ("metformin", "Jentadueto"),
    ],
)
def test_an_allergy_meets_every_part_of_a_brand(said, medicine):
    assert f"Allergy to {said}, yet active: {medicine}, ordered 2026-05-04" in _attention(
        allergy(said), order(medicine)
    )


def test_an_allergy_to_a_brand_that_meets_one_of_its_parts_says_which():
    assert _attention(allergy("Percocet"), order("Tylenol 500 mg")) == [
        (
            "Allergy to Percocet, yet active: Tylenol 500 mg, ordered 2026-05-04, "
            "in common: acetaminophen"
        )
    ]
    assert "in common" not in str(_attention(allergy("Percocet"), order("Endocet 5/325")))


def test_a_report_that_one_part_was_stopped_says_nothing_of_the_combination():
    stopped = {"status": "stopped", "dateAsserted": "2026-10-01"}
    assert "reported as" not in str(
        _attention(order("oxycodone-acetaminophen 5-325"), report("Tylenol 500 mg", **stopped))
    )
    told = _attention(order("Percocet 5/325"), report("oxycodone-acetaminophen", **stopped))
    assert told[0] == "Active: Percocet 5/325, ordered 2026-05-04; reported as stopped 2026-10-01"


def test_what_a_combination_holds_for_anothers_sake_is_no_medicine_listed_twice():
    kit = order("naloxone 0.4 mg injection", "m2", dose="as needed", authoredOn="2026-06-02")
    assert "Naloxone" not in str(_attention(order("Suboxone 8-2 mg film"), kit))
    again = order("Zimhi 5 mg injection naloxone", "m3", dose="once", authoredOn="2026-06-01")
    assert "Naloxone listed twice" in str(_attention(kit, again))
    two = _attention(order("Suboxone 8-2 mg film"), order("Zubsolv 5.7-1.4 mg", "m2"))
    assert two[0].startswith("Buprenorphine, naloxone listed twice")
