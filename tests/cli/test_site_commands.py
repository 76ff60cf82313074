"""`site plan`, `site new` and `site packet`: from nothing to a site file and what the EHR's admins type in."""

import json
import re
import tomllib

import pytest

from cds_service.catalog import load_catalog
from cds_service.cli import main
from cds_service.sites import load_site
from cds_service.vendors import facts, load_profile, registration_for, vendor_names
from discovery.plan import Wish, make_plan, year_and_month

CATALOG = load_catalog(["hooks"]).by_id
SERVICES = frozenset(CATALOG)
KNOWN = [
    "--fhir-base", "https://fhir.example.org/r4",
    "--iss", "https://ehr.example.org",
    "--jwks-url", "https://ehr.example.org/jwks.json",
    "--client-id", "ours",
    "--title", "General Hospital",
    "--timezone", "America/New_York",
    "--param", "ah-practice=Organization/a-1.Practice-7",
]  # fmt: skip


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.setenv("CDS_SITES", str(tmp_path / "sites"))
    monkeypatch.setenv("CDS_PUBLIC_URL", "https://cds.example.org")
    return tmp_path / "sites"


def planned(capsys, *options):
    assert main(["site", "plan", "--json", *options]) == 0
    return json.loads(capsys.readouterr().out)


@pytest.mark.parametrize("vendor", vendor_names())
def test_every_statement_of_a_plan_has_a_source(folder, capsys, vendor):
    plan = planned(capsys, "--vendor", vendor, "--write", "--on-premise")
    assert all(len(route["why"].split()) >= 2 for route in plan["routes"])
    for kind in ("steps", "limits", "risks"):
        assert all(len(each["source"].split()) >= 2 for each in plan[kind])
    assert "{site}" not in json.dumps(plan)
    assert {fact.name for fact in facts(vendor) if fact.verify} == {
        each.split(" = ")[0] for each in plan["confirm"]
    }


@pytest.mark.parametrize("vendor", vendor_names())
def test_no_plan_asks_for_a_wildcard(folder, capsys, vendor):
    plan = planned(capsys, "--vendor", vendor, "--write")
    entries = [name for grant in plan["grants"] for name in grant["entries"]]
    assert entries
    assert [name for name in entries if "*" in name] == []


def test_a_plan_asks_for_a_type_only_where_a_wanted_service_reads_it(folder, capsys):
    booking = planned(capsys, "--vendor", "generic-r4", "--service", "appointment-book-brief")
    [backend] = [g for g in booking["grants"] if "backend" in g["title"]]
    assert set(backend["entries"]) == {
        "system/Appointment.rs",
        "system/DiagnosticReport.rs",
        "system/Observation.rs",
        "system/Patient.r",
        "system/ServiceRequest.rs",
    }


def test_a_read_only_plan_asks_for_nothing_that_writes(folder, capsys):
    plan = planned(capsys, "--vendor", "generic-r4", "--no-write")
    assert "DocumentReference" not in json.dumps(plan["grants"])
    assert "DocumentReference.crus" in json.dumps(
        planned(capsys, "--vendor", "generic-r4", "--write")["grants"]
    )


def test_epics_plan_says_what_is_not_possible_and_what_is_instead(folder, capsys):
    both = ("--service", "patient-view-brief", "--service", "appointment-book-brief")
    plan = planned(capsys, "--vendor", "epic", "--write", *both)
    said = " ".join(f"{each['what']} {each['instead']}" for each in plan["limits"])
    assert "no DocumentReference create from an action" in said
    assert "visit is booked" in said
    assert "cds-service prepare" in said
    by_purpose = {route["purpose"]: route["way"] for route in plan["routes"]}
    assert "typed by hand" in by_purpose["The record at chart-open"]
    assert by_purpose["Booking check (appointment-book-brief)"].startswith("No hook")


def test_nextgens_plan_says_that_it_has_no_appointment(folder, capsys):
    plan = planned(capsys, "--vendor", "nextgen")
    assert "feed" in plan["parts"]
    assert any("`appointment` cannot be read" in each["what"] for each in plan["limits"])


@pytest.mark.parametrize(
    ("version", "spelt"), [("May 2024", "read"), ("2025-02", "rs"), ("", "rs")]
)
def test_scopes_follow_the_version_of_the_product(folder, capsys, version, spelt):
    plan = planned(capsys, "--vendor", "epic", "--version", version)
    [app] = [g for g in plan["grants"] if "SMART app" in g["title"]]
    assert f"user/Condition.{spelt}" in app["entries"]


@pytest.mark.parametrize(
    ("said", "month"),
    [
        ("May 2024", "2024-05"),
        ("2024-11", "2024-11"),
        ("R2", ""),
        ("August 2023", "2023-08"),
        ("Summary 2024", ""),
        ("2024-13", ""),
        ("12024-11", ""),
    ],
)
def test_a_version_is_read_as_a_month(said, month):
    assert year_and_month(said) == month


def test_a_version_of_any_form_is_taken_where_none_makes_a_difference(folder, capsys):
    assert main(["site", "plan", "--vendor", "meditech", "--version", "Expanse 2.2"]) == 0
    assert "Expanse 2.2" in capsys.readouterr().out


@pytest.mark.parametrize("version", ["2024", "v2023 Q2", "banana", "2024-13"])
@pytest.mark.parametrize("command", [("plan",), ("new", "general")])
def test_a_version_that_names_no_month_is_refused_with_the_forms_that_do(
    folder, capsys, version, command
):
    """Passed over in silence, it would give the scopes of another version of the product."""
    assert main(["site", *command, "--vendor", "epic", "--version", version]) == 1
    said = capsys.readouterr()
    assert version in said.err
    assert "'May 2024' or '2024-05'" in said.err
    assert said.out == ""
    assert not folder.exists()


@pytest.mark.parametrize(
    ("vendor", "wanted"),
    [
        ("epic", ["patient-view-brief"]),
        ("oracle-millennium", ["patient-view-brief"]),
        ("generic-r4", ["appointment-book-brief", "patient-view-brief"]),
        ("nextgen", ["appointment-book-brief", "patient-view-brief"]),
    ],
)
def test_without_a_word_on_services_those_are_taken_whose_hook_fires(
    folder, capsys, vendor, wanted
):
    """Where none is known to fire, the needs of all are what is read with a client of our own."""
    fired = load_profile(vendor).hook.hooks
    taken = planned(capsys, "--vendor", vendor)["services"]
    assert set(taken) >= set(wanted)
    assert set(taken) == {n for n in SERVICES if CATALOG[n].hook in fired} or (
        not fired and set(taken) == SERVICES
    )


NOT_THERE = re.compile(r"HL7 v2|\b(SIU|MDM|ADT|MLLP)\b|[Tt]he vendor's own")


@pytest.mark.parametrize("vendor", vendor_names())
def test_no_plan_promises_an_interface_that_this_version_does_not_have(folder, capsys, vendor):
    plan = planned(capsys, "--vendor", vendor, "--write")
    told = [
        *(route["way"] for route in plan["routes"]),
        *(step["what"] for step in plan["steps"]),
        *(limit["instead"] for limit in plan["limits"]),
        *(risk["do"] for risk in plan["risks"]),
    ]
    for sentence in told:
        assert not NOT_THERE.search(sentence) or "Not in this version" in sentence, sentence


def test_a_plan_for_notes_where_fhir_takes_none_says_what_there_is_today(folder, capsys):
    plan = planned(capsys, "--vendor", "veradigm", "--write")
    ways = {route["purpose"]: route["way"] for route in plan["routes"]}
    assert ways["Notes in the chart"].startswith("Not in this version")
    assert "read in the app" in ways["Notes in the chart"]
    assert "cds-service prepare" in ways["Visits to come"]


@pytest.mark.parametrize("form", ["text", "markdown", "html"])
def test_a_plan_is_shown_in_three_ways(folder, capsys, form):
    assert main(["site", "plan", "--vendor", "oracle-millennium", "--format", form]) == 0
    shown = capsys.readouterr().out
    assert "Approval 2 of 3" in shown
    assert "weeks" in shown


def test_an_unknown_vendor_and_an_unknown_service_are_sentences(folder, capsys):
    assert main(["site", "plan", "--vendor", "epik"]) == 1
    assert "epic" in capsys.readouterr().err
    assert main(["site", "plan", "--vendor", "epic", "--service", "nothing"]) == 1
    assert "patient-view-brief" in capsys.readouterr().err
    assert main(["site", "plan"]) == 1
    assert "--vendor" in capsys.readouterr().err


@pytest.mark.parametrize("vendor", vendor_names())
def test_a_new_site_file_loads_as_soon_as_its_addresses_are_given(folder, vendor, capsys):
    assert main(["site", "new", "general", "--vendor", vendor, "--write", *KNOWN]) == 0
    text = (folder / "general.toml").read_text("utf-8")
    assert "REPLACE" not in text
    site = load_site(folder / "general.toml", services=SERVICES)
    assert (site.file.mode, site.file.environment) == ("shadow", "test")


def test_a_new_site_file_says_only_what_differs_from_the_profile(folder, capsys):
    main(["site", "new", "general", "--vendor", "epic", "--version", "May 2024", *KNOWN])
    data = tomllib.loads((folder / "general.toml").read_text("utf-8"))
    assert data["vendor_overrides"] == {"oauth.scope_syntax": "v1"}
    main(["site", "new", "newer", "--vendor", "epic", "--version", "May 2025", *KNOWN])
    assert "vendor_overrides" not in tomllib.loads((folder / "newer.toml").read_text("utf-8"))


def test_what_is_not_known_yet_is_marked_in_the_file(folder, capsys):
    assert main(["site", "new", "general", "--vendor", "epic"]) == 0
    assert (folder / "general.toml").read_text("utf-8").count("REPLACE") >= 4


def test_the_clock_of_a_site_is_asked_for_and_never_guessed(folder, capsys):
    main(["site", "new", "general", "--vendor", "epic"])
    data = tomllib.loads((folder / "general.toml").read_text("utf-8"))
    assert data["timezone"].startswith("REPLACE")


def test_a_packet_of_a_site_in_preparation_orders_no_placeholder_to_be_typed(folder, capsys):
    main(["site", "new", "general", "--vendor", "epic"])
    capsys.readouterr()
    assert main(["site", "packet", "general"]) == 0
    said = capsys.readouterr()
    assert "REPLACE" not in said.out
    assert "**iss**: `(still open: to be settled between us)`" in said.out
    assert "# Registration of the CDS service at general\n" in said.out
    assert "is not typed yet" in said.out
    [line] = said.err.splitlines()
    for key in ("title", "timezone", "fhir.base_url", "trust.iss", "trust.client_id"):
        assert key in line
    assert "general.toml" in line


def test_a_packet_that_is_filled_in_says_nothing_of_what_is_open(folder, capsys):
    main(["site", "new", "general", "--vendor", "epic", *KNOWN])
    capsys.readouterr()
    assert main(["site", "packet", "general"]) == 0
    said = capsys.readouterr()
    assert "still open" not in said.out
    assert said.err == ""


def test_a_bad_file_of_another_site_holds_up_neither_packet_nor_list(folder, capsys):
    main(["site", "new", "general", "--vendor", "epic", *KNOWN])
    (folder / "broken.toml").write_text("[[[", "utf-8")
    capsys.readouterr()
    assert main(["site", "packet", "general"]) == 0
    capsys.readouterr()
    assert main(["site", "list"]) == 1
    said = capsys.readouterr()
    assert said.out.startswith("general ")
    assert "broken.toml: not TOML" in said.err


def test_the_list_says_which_site_is_in_preparation(folder, capsys):
    main(["site", "new", "general", "--vendor", "epic", *KNOWN])
    main(["site", "new", "north", "--vendor", "epic"])
    capsys.readouterr()
    assert main(["site", "list"]) == 0
    general, north = capsys.readouterr().out.splitlines()
    assert "REPLACE" not in general
    assert "not in service, it still says REPLACE" in north


def test_a_site_file_is_never_overwritten(folder, capsys):
    assert main(["site", "new", "general", "--vendor", "epic"]) == 0
    before = (folder / "general.toml").read_text("utf-8")
    assert main(["site", "new", "general", "--vendor", "meditech"]) == 1
    assert "exists already" in capsys.readouterr().err
    assert (folder / "general.toml").read_text("utf-8") == before
    assert main(["site", "new", "Not/A/Name", "--vendor", "epic"]) == 1


def test_a_packet_goes_to_a_file_or_to_the_terminal(folder, tmp_path, capsys):
    main(["site", "new", "general", "--vendor", "epic", *KNOWN])
    assert main(["site", "packet", "general"]) == 0
    assert "External Endpoint Configuration" in capsys.readouterr().out
    out = tmp_path / "packet.html"
    assert main(["site", "packet", "general", "--format", "html", "--output", str(out)]) == 0
    assert out.read_text("utf-8").startswith("<!doctype html>")


def test_a_packet_of_a_site_that_is_not_there_names_those_that_are(folder, capsys):
    main(["site", "new", "general", "--vendor", "epic", *KNOWN])
    assert main(["site", "packet", "nowhere"]) == 1
    assert "general" in capsys.readouterr().err


@pytest.mark.parametrize("vendor", vendor_names())
def test_registration_data_has_sources_and_people(vendor):
    known = registration_for(vendor)
    assert known.screen or vendor == "any"
    for step in known.step:
        assert step.who
        assert len(step.source.split()) >= 2


def test_a_plan_for_nothing_asks_for_nothing_of_the_record():
    plan = make_plan(Wish(vendor="generic-r4"), [])
    assert "hooks" not in plan.parts
    assert all(not each.entries or "launch" in each.entries for each in plan.grants)


@pytest.mark.parametrize("vendor", vendor_names())
def test_a_new_site_has_work_ahead_where_it_has_a_client_for_it(folder, vendor):
    assert main(["site", "new", "general", "--vendor", vendor, *KNOWN]) == 0
    data = tomllib.loads((folder / "general.toml").read_text("utf-8"))
    assert ("prepare" in data) == ("backend" in data)
