"""The command line: one sentence on stderr for a user's mistake, never a traceback."""

import json
import re
import socket
import subprocess
import sys
from datetime import UTC, datetime, timedelta

import pytest

from cds_service.cli import main
from cds_service.cli.play import _data_dir as kept_data
from cds_service.cli.play import clinic_day
from cds_service.simulator.patients import patient_ids, upcoming_appointment

PATIENT = {"resourceType": "Patient", "id": "p1", "birthDate": "1958-04-12", "gender": "female"}
ALLERGY = {
    "resourceType": "AllergyIntolerance",
    "id": "a1",
    "patient": {"reference": "Patient/p1"},
    "clinicalStatus": {"coding": [{"code": "active"}]},
    "code": {"text": "Penicillin"},
    "criticality": "high",
}


@pytest.fixture
def bundle_file(tmp_path):
    def write(*resources):
        file = tmp_path / "bundle.json"
        entries = [{"resource": each} for each in resources]
        bundle = {"resourceType": "Bundle", "type": "collection", "entry": entries}
        file.write_text(json.dumps(bundle), "utf-8")
        return str(file)

    return write


def said(capsys):
    """Return what was said on stderr, which must be one line and no traceback."""
    text = capsys.readouterr().err.strip()
    assert "Traceback" not in text
    assert "\n" not in text
    return text


def test_brief_prints_what_a_bundle_holds(bundle_file, capsys):
    assert main(["brief", bundle_file(PATIENT, ALLERGY), "--now", "2026-11-22T09:00:00Z"]) == 0
    printed = capsys.readouterr().out
    assert "Penicillin" in printed
    assert "68 years old" in printed


def test_brief_tells_days_by_the_clock_that_is_named(bundle_file, capsys):
    visit = {
        "resourceType": "Appointment",
        "id": "a1",
        "status": "booked",
        "start": "2026-11-23T01:00:00Z",
        "participant": [{"actor": {"reference": "Patient/p1"}}],
    }
    file, now = bundle_file(PATIENT, visit), "2026-11-22T09:00:00-08:00"
    assert main(["brief", file, "--now", now, "--timezone", "America/Los_Angeles"]) == 0
    assert "Booked 2026-11-22 17:00: " in capsys.readouterr().out
    assert main(["brief", file, "--timezone", "Mars/Olympus"]) == 1
    assert "America/Chicago" in said(capsys)


def test_brief_prints_the_contracts_json(bundle_file, capsys):
    file = bundle_file(PATIENT, ALLERGY)
    assert main(["brief", file, "--json", "--now", "2026-11-22T09:00:00Z"]) == 0
    brief = json.loads(capsys.readouterr().out)
    assert brief["patient"] == "Patient/p1"
    assert brief["as_of"] == "2026-11-22T09:00:00Z"
    [allergies] = [s for s in brief["sections"] if s["id"] == "allergies"]
    assert allergies["statements"][0]["refs"] == ["AllergyIntolerance/a1"]
    assert allergies["statements"][0]["added_by"] == "rule"


def test_brief_wants_to_know_which_of_several_patients(bundle_file, capsys):
    file = bundle_file(PATIENT, {**PATIENT, "id": "p2"})
    assert main(["brief", file]) == 1
    text = said(capsys)
    assert "p1" in text
    assert "p2" in text
    assert main(["brief", file, "--patient", "p2"]) == 0


@pytest.mark.parametrize(
    ("content", "words"),
    [("{", "not JSON"), ("[]", "not a FHIR Bundle"), ('{"resourceType": "Patient"}', "Bundle")],
)
def test_brief_says_what_is_wrong_with_a_file(tmp_path, content, words, capsys):
    file = tmp_path / "odd.json"
    file.write_text(content, "utf-8")
    assert main(["brief", str(file)]) == 1
    assert words in said(capsys)


def test_a_missing_file_and_a_wrong_moment_are_sentences(bundle_file, capsys):
    assert main(["brief", "nowhere.json"]) == 1
    assert "nowhere.json" in said(capsys)
    assert main(["brief", bundle_file(PATIENT), "--now", "soon"]) == 1
    assert "2026-11-22T09:00:00Z" in said(capsys)


def test_serving_without_a_public_address_says_which_setting_is_missing(monkeypatch, capsys):
    monkeypatch.delenv("CDS_PUBLIC_URL", raising=False)
    assert main(["serve"]) == 1
    assert "CDS_PUBLIC_URL" in said(capsys)


def test_serving_over_http_is_refused_in_production(monkeypatch, capsys):
    monkeypatch.setenv("CDS_PUBLIC_URL", "http://cds.example.org")
    assert main(["serve"]) == 1
    assert "https://" in said(capsys)


def test_a_wrong_setting_is_named(monkeypatch, capsys):
    monkeypatch.setenv("CDS_PUBLIC_URL", "https://cds.example.org")
    monkeypatch.setenv("CDS_MAX_IN_FLIGHT", "many")
    assert main(["site", "list"]) == 1
    assert "CDS_MAX_IN_FLIGHT" in said(capsys)


def test_a_hook_needs_a_folder_name_that_is_free(capsys):
    assert main(["new-hook", "Not-A-Name", "--hook", "patient-view"]) == 1
    assert "lower-case" in said(capsys)
    assert main(["new-hook", "patient_view", "--hook", "patient-view"]) == 1
    assert "exists already" in said(capsys)
    assert main(["check-hook", "nothing_here"]) == 1
    assert "new-hook" in said(capsys)


def test_bad_usage_is_exit_status_2():
    with pytest.raises(SystemExit) as stopped:
        main(["no-such-command"])
    assert stopped.value.code == 2


def _free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return str(probe.getsockname()[1])


@pytest.mark.slow
def test_the_demo_plays_its_story_once_over_real_sockets():
    ports = ["--port", _free_port(), "--ehr-port", _free_port()]
    done = subprocess.run(
        [sys.executable, "-m", "cds_service.cli", "demo", "--once", *ports],
        capture_output=True,
        text=True,
        timeout=120,  # a guard against hanging; one step waits for work ahead
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "9 of 9 steps worked." in done.stdout
    assert "Critical result: Potassium 6.3" in done.stdout
    assert "The chart holds exactly what was approved" in done.stdout


def test_a_port_in_use_is_a_sentence(capsys):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        assert main(["demo", "--once", "--port", _free_port(), "--ehr-port", port]) == 1
    assert port in said(capsys)


@pytest.mark.parametrize(
    ("variable", "value"), [("CDS_HOOK_PACKAGES", "hooks"), ("CDS_MAX_IN_FLIGHT", "abc")]
)
def test_a_setting_that_cannot_be_read_is_a_sentence(monkeypatch, variable, value, capsys):
    monkeypatch.setenv("CDS_PUBLIC_URL", "https://cds.example.org")
    monkeypatch.setenv(variable, value)
    assert main(["site", "list"]) == 1
    assert variable in said(capsys)


def test_a_package_that_is_not_there_is_a_sentence(capsys):
    assert main(["check-hook", "anything", "--package", "no.such"]) == 1
    assert "no.such" in said(capsys)


def test_a_port_that_is_none_is_bad_usage():
    with pytest.raises(SystemExit) as stopped:
        main(["demo", "--port", "99999"])
    assert stopped.value.code == 2


@pytest.mark.parametrize("hour", range(24))
def test_the_demos_visits_are_not_over_at_any_hour(hour):
    now = datetime(2026, 11, 26, hour, 30, tzinfo=UTC)
    day = clinic_day(now)
    booked = [upcoming_appointment(each, anchor=day) for each in patient_ids()]
    ends = [datetime.fromisoformat(str(each["end"])) for each in booked if each]
    assert ends
    assert all(now < end + timedelta(hours=4) for end in ends)


def test_every_line_of_a_brief_leads_to_what_it_was_written_from(bundle_file, capsys):
    assert main(["brief", bundle_file(PATIENT, ALLERGY), "--sources"]) == 0
    lines = capsys.readouterr().out.splitlines()
    told = next(n for n, line in enumerate(lines) if line.startswith("- Penicillin"))
    assert lines[told + 1] == "      AllergyIntolerance/a1"


def test_the_moment_of_a_brief_is_told_as_its_cards_tell_it(bundle_file, capsys):
    assert main(["brief", bundle_file(PATIENT), "--now", "2026-11-23T09:00:01.5Z"]) == 0
    assert capsys.readouterr().out.startswith("Brief as of 2026-11-23 09:00 UTC (rules ")


def test_the_command_says_its_version_and_that_of_its_rules(capsys):
    with pytest.raises(SystemExit) as stopped:
        main(["--version"])
    assert stopped.value.code == 0
    assert re.fullmatch(r"cds-service \d+\.\d+\.\d+, rules \d+\n", capsys.readouterr().out)


def test_the_demo_keeps_its_place_in_a_shell_that_has_its_variables(tmp_path, monkeypatch):
    monkeypatch.setenv("CDS_DATA_DIR", str(tmp_path))
    with kept_data(keep=True) as first:
        monkeypatch.setenv("CDS_DATA_DIR", str(first))
    with kept_data(keep=True) as again:
        assert again == first == tmp_path / "demo"
