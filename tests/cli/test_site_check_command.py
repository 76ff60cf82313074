"""`site check` at the command line: what is to be mended comes first, and a script can tell from the exit status."""

import json

import pytest

from cds_service.cli import main

SITE = """
title = "General Hospital"
vendor = "generic-r4"
environment = "test"
services = ["patient-view-brief"]
[fhir]
base_url = "http://127.0.0.1:1/r4"
[[trust]]
iss = "http://127.0.0.1:1"
jwks_url = "http://127.0.0.1:1/jwks.json"
client_id = "ours"
"""


@pytest.fixture
def site(tmp_path, monkeypatch):
    (tmp_path / "sites").mkdir()
    (tmp_path / "sites" / "general.toml").write_text(SITE, "utf-8")
    for name, value in {
        "PROFILE": "demo",
        "DATA_DIR": str(tmp_path / "data"),
        "SITES": str(tmp_path / "sites"),
        "PUBLIC_URL": "http://127.0.0.1:1",
    }.items():
        monkeypatch.setenv(f"CDS_{name}", value)
    return tmp_path


def test_what_has_to_be_mended_stands_first_with_what_to_do_and_who(site, capsys):
    assert main(["site", "check", "general"]) == 1
    shown = capsys.readouterr().out.split("\n")
    assert "to mend" in shown[0]
    assert shown[2].startswith("FAIL  ")
    assert any(line.startswith("      -> the network team: ") for line in shown)
    assert not any(line.startswith("PASS") for line in shown)


def test_all_shows_what_is_good_too(site, capsys):
    main(["site", "check", "general", "--all"])
    shown = capsys.readouterr().out
    assert "\nPASS  " in shown
    assert "\nN/A   " in shown


def test_json_is_for_a_program(site, capsys):
    assert main(["site", "check", "general", "--json"]) == 1
    told = json.loads(capsys.readouterr().out)
    assert told["site"] == "general"
    assert told["counts"]["fail"] == sum(c["result"] == "fail" for c in told["checks"])
    assert all(c["do"] and c["who"] for c in told["checks"] if c["result"] in {"fail", "warn"})


def test_an_unknown_site_is_a_sentence(site, capsys):
    assert main(["site", "check", "nowhere"]) == 1
    assert "general" in capsys.readouterr().err


def test_before_the_first_start_nothing_is_left_that_a_restore_would_trip_over(site, capsys):
    main(["site", "check", "general"])
    assert not (site / "data" / "app.db").exists()


def test_a_site_in_preparation_is_checked_and_what_is_open_in_its_file_is_named(site, capsys):
    text = SITE.replace(
        'title = "General', 'mode = "shadow"\ntimezone = "REPLACE"\ntitle = "General'
    )
    (site / "sites" / "north.toml").write_text(text.replace('"ours"', '"REPLACE"'), "utf-8")
    assert main(["site", "check", "north"]) == 1
    assert "still says REPLACE at timezone, trust.client_id" in capsys.readouterr().out
