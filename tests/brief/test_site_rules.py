"""A site changes windows, limits and lists; what it may not change it cannot, and a slip is refused by name."""

from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest

from cds_service.brief import rule_brief
from cds_service.domain.errors import Misconfigured
from cds_service.rulebook import DEFAULT, Changes, entries, load_tables
from cds_service.rulebook.changes import Counts, EncounterClasses, Windows
from cds_service.sites import load_site
from tests.brief.charts import allergy, booked, context, lab, order, plain, report, seen, texts

SIGNED = {"owner": "Dr. A", "reviewed": date(2026, 11, 20)}
SOURCED = {"source": "handbook", "reviewed": date(2026, 10, 1)}
POTASSIUM = {"2823-3": {"low": 2.8, "high": 6.2, "unit": "mmol/L", **SOURCED}}
SITE = """
title = "General"
vendor = "generic-r4"
services = ["patient-view-brief"]
[fhir]
base_url = "https://ehr.example.org/r4"
[[trust]]
iss = "https://ehr.example.org"
jwks_url = "https://ehr.example.org/jwks"
"""


def made(*resources, **changes):
    tables = load_tables(Changes(**SIGNED, **changes))
    return rule_brief(replace(context(*resources), tables=tables))


def loaded(tmp_path, more):
    file = tmp_path / "general.toml"
    file.write_text(SITE + more, "utf-8")
    return load_site(file, services=frozenset({"patient-view-brief"}))


def test_a_critical_limit_counts_in_its_own_unit_and_both_ways():
    for value, unit, told in (
        ("6.3", "mmol/L", True),
        ("6.2", "mmol/L", False),
        ("2.7", "mmol/L", True),
        ("2.8", "mmol/L", False),
        ("6.3", "mg/dL", False),
    ):
        result = lab(value, loinc="2823-3", unit=unit)
        shown = texts(made(result, critical=POTASSIUM), "attention")
        assert bool(shown) is told, (value, unit)
    assert texts(made(lab("6.3", loinc="2823-3", unit="mmol/L")), "attention") == []


def test_windows_and_counts_follow_the_site():
    waiting = plain(
        "ServiceRequest", "x", status="active", intent="order", authoredOn="2026-11-03"
    )
    assert texts(made(waiting), "attention") == []
    assert texts(made(waiting, days={"order_open": 14}), "attention") != []
    labs = [lab("8.1", f"2026-0{n}-02", f"o{n}") for n in range(1, 8)]
    assert texts(made(*labs, count={"earlier": 1}), "results")[0].count("(2026") == 1


def test_a_medicine_is_put_on_the_high_alert_list_or_taken_off_it():
    assert texts(made(order("Codeine 30 mg"), high_alert={"codeine": ""}), "attention") == []
    said = texts(
        made(order("Neurontin 300 mg"), high_alert={"gabapentin": "sedative"}), "attention"
    )
    assert said == ["High-alert: gabapentin (sedative)"]


def test_an_ingredient_and_a_class_of_the_site_meet_an_allergy():
    known = {
        "meropenem": {"names": ["merrem"], **SOURCED},
        "ertapenem": {"names": ["invanz"], **SOURCED},
    }
    carbapenems = {"names": ["carbapenem"], "members": list(known), **SOURCED}
    chart = (allergy("Ertapenem"), order("Merrem 1 g"))
    assert texts(made(*chart), "attention") == []
    said = texts(
        made(*chart, ingredients=known, classes={"carbapenems": carbapenems}), "attention"
    )
    assert said[0].startswith("Allergy to Ertapenem, yet active: Merrem 1 g")


def test_a_site_names_its_own_orders_of_care_of_a_code_status_and_of_a_therapy():
    def ordered(name, **more):
        said = {"status": "active", "intent": "order", "authoredOn": "2026-05-01", **more}
        return plain("ServiceRequest", "x", code={"text": name}, **said)

    turned = ordered("Turn q2h, left and right")
    filed = ordered("Left side up", category=[{"text": "Ward care"}])
    status = ordered("Resus plan B")
    spine = ordered("Spine school")
    words = {
        "care": ["turn q2h", "Ward care"],
        "code_status": ["Resus plan"],
        "therapy": ["spine school"],
    }
    for each in (turned, filed, status, spine):
        assert texts(made(each), "attention")[0].startswith("Orders without a result")
    for each in (turned, filed):
        assert texts(made(each, order=words), "attention") == []
    assert texts(made(status, order=words), "context") == [
        "Order: Resus plan B, ordered 2026-05-01"
    ]
    assert texts(made(spine, order=words), "attention")[0].startswith("Referrals not answered")


def test_a_site_says_which_values_in_words_say_nothing_out_of_the_ordinary():
    cells = lab("", "2026-11-12", "o1", loinc="5778-6", valueString="None observed")
    [plain_] = texts(made(seen(), cells, plain_values=["none observed"]), "changes")
    assert plain_.startswith("New and not marked out of range")
    other = lab("", "2026-11-12", "o1", loinc="5778-6", valueString="陽性")
    [foreign] = texts(made(seen(), other, plain_values=["陰性"]), "changes")
    assert "陽性" in foreign
    [told] = texts(made(seen(), cells), "changes")
    assert "None observed" in told


def test_a_class_name_that_holds_no_word_of_ours_meets_no_allergy():
    known = {"meropenem": {"names": ["merrem"], **SOURCED}}
    named = {"names": ["カルバペネム"], "members": list(known), **SOURCED}
    chart = (allergy("Peanut"), order("Merrem 1 g"))
    assert texts(made(*chart, ingredients=known, classes={"x": named}), "attention") == []


def test_more_names_for_a_known_ingredient_leave_its_group():
    more = {"warfarin": {"names": ["localwarf"], **SOURCED}}
    said = texts(made(order("Localwarf 5 mg"), ingredients=more), "attention")
    assert said == ["High-alert: warfarin (anticoagulant)"]


def test_a_site_says_which_contacts_are_visits():
    nurse = seen("2026-10-04T10:00:00-05:00", "e2", type=[{"text": "Nurse visit"}])
    check = seen("2026-10-05T10:00:00-05:00", "e3", type=[{"text": "BP check, RN"}])
    own = {"nurse visit": "visit", "BP check RN": "no_visit"}
    assert "Last visit: 2026-10-05" in texts(made(seen(), nurse, check), "visit")[1]
    assert "Last visit: 2026-10-04" in texts(made(seen(), nurse, check, contact=own), "visit")[1]


def test_local_encounter_classes_and_words_for_no_allergy_are_read():
    chart = (seen(kind="CLINIC"), seen("2026-10-04T10:00:00-05:00", "e2", kind="ED"), booked())
    classes = {"ambulatory": ["CLINIC"], "emergency": ["ED"]}
    assert texts(made(*chart), "changes") == []
    assert texts(made(*chart, encounter=classes), "changes")[0].startswith("Emergency: ")
    denial = allergy("Keine Allergien bekannt")
    said = made(denial, no_known_allergy={"KEINE Allergien bekannt": ""}).section("allergies")
    assert [x.statement.kind for x in said] == ["no_known"]


def test_a_screening_is_found_by_a_local_code():
    scope = plain(
        "Procedure",
        "x",
        status="completed",
        code={"coding": [{"code": "LC-1", "display": "Scope"}]},
    )
    assert not any("Scope" in each for each in texts(made(scope), "prevention"))
    local = {"Colonoscopy": {"codes": ["LC-1"], **SOURCED}}
    assert any("Scope" in each for each in texts(made(scope, screening=local), "prevention"))


def test_the_version_names_the_day_of_the_changes():
    assert made().rules_version.endswith("+2026-11-20")
    assert "+" not in rule_brief(context()).rules_version


def test_hh_and_an_active_entry_cannot_be_configured_away():
    hidden = dict.fromkeys(Windows.model_fields, 1)
    chart = (
        lab("9", "2026-11-23", loinc="2823-3", interpretation=[{"coding": [{"code": "HH"}]}]),
        allergy("Latex", recordedDate="1999-01-01", criticality="high"),
        order("Aspirin 81 mg", authoredOn="1999-01-01"),
        report("Fish oil", dateAsserted="1999-01-01"),
    )
    shown = made(*chart, days=hidden)
    assert "HH critical" in texts(shown, "attention")[0]
    assert texts(shown, "allergies")[0].startswith("Latex")
    assert len(texts(shown, "medications")) == 2


@pytest.mark.parametrize(
    ("more", "sentence"),
    [
        (
            "[brief]\nowner='A'\nreviewed=2026-11-01\n[brief.dais]\nresults = 1",
            "did you mean 'days'",
        ),
        ("[brief.days]\nresutls = 5", "brief.days.resutls: unknown key; did you mean 'results'"),
        ("[brief.days]\nresults = 5", "brief: a change of the rules needs owner and reviewed"),
        (
            "[brief.critical.'2823-3']\nhihg = 6\nunit='mmol/L'\nsource='x'\nreviewed=2026-11-01",
            "brief.critical.2823-3.hihg: unknown key; did you mean 'high'",
        ),
        (
            "[brief.critical.'2823-3']\nunit='mmol/L'\nsource='x'\nreviewed=2026-11-01",
            "brief.critical.2823-3: give low, high or both",
        ),
        (
            "[brief.ingredients.x]\nnames=['y']\nsource='z'",
            "brief.ingredients.x.reviewed: Field required",
        ),
        (
            "[brief]\nowner='A'\nreviewed=2026-11-01\n[brief.high_alert]\nwarfrin = ''",
            "brief.high_alert: no ingredient 'warfrin'; did you mean 'warfarin'?",
        ),
        (
            (
                "[brief]\nowner='A'\nreviewed=2026-11-01\n[brief.classes.x]\nnames=['x']\n"
                "members=['zzzzqq']\nsource='x'\nreviewed=2026-11-01"
            ),
            "brief.classes.x.members: no ingredient 'zzzzqq'; add it under [brief.ingredients].",
        ),
    ],
)
def test_a_slip_in_the_site_file_is_refused_by_name(tmp_path, more, sentence):
    with pytest.raises(Misconfigured) as refused:
        loaded(tmp_path, more)
    assert sentence in refused.value.detail


def test_the_tables_are_made_when_the_site_is_loaded(tmp_path):
    signed = "[brief]\nowner='Dr. A'\nreviewed=2026-11-01\n[brief.days]\nresults = 5"
    site = loaded(tmp_path, signed)
    assert (site.tables.days["results"], site.tables.owner) == (5, "Dr. A")
    assert DEFAULT.days["results"] != 5


def test_every_key_that_a_site_may_set_is_one_that_the_rules_have():
    assert set(Windows.model_fields) == set(DEFAULT.days)
    assert set(Counts.model_fields) == set(DEFAULT.count)
    assert set(EncounterClasses.model_fields) == set(DEFAULT.encounter)


def test_every_entry_of_a_table_has_a_source_and_a_day():
    found = list(entries())
    assert len(found) > 300
    for each in found:
        assert each.source, each
        assert date(2026, 1, 1) <= each.reviewed <= date(2030, 1, 1), each


def test_the_example_of_the_docs_is_a_site_file_that_loads(tmp_path):
    page = (Path(__file__).parents[2] / "docs/how-to/change-the-rules.md").read_text("utf-8")
    example = page.partition("```toml\n")[2].partition("```")[0]
    site = loaded(tmp_path, example)
    assert {"meropenem"} in [set(each.members) for each in site.tables.classes]


@pytest.mark.parametrize(
    ("written", "told"),
    [
        ("meropenam", "did you mean 'meropenem'? Else add it under [brief.ingredients]."),
        ("zyxwvut", "; add it under [brief.ingredients]."),
        ("methotrimeprazine", "; add it under [brief.ingredients]."),
    ],
)
def test_a_medicine_is_offered_for_another_only_where_one_is_a_slip_of_the_other(written, told):
    known = {"meropenem": {"names": ("merrem",), **SOURCED}}
    classes = {"carbapenems": {"names": ("carbapenem",), "members": (written,), **SOURCED}}
    with pytest.raises(Misconfigured) as refused:
        load_tables(Changes(**SIGNED, ingredients=known, classes=classes))
    assert told in str(refused.value.detail)
