"""`cds-service brief` with a site's file shows a chart as that site would see it."""

import pytest

from cds_service.cli import main
from cds_service.domain.json import encode
from tests.brief.charts import bundle, condition, lab
from tests.ground import GENERAL

RULES = """
[brief]
owner = "Dr. A. Example"
reviewed = 2026-11-20

[brief.critical."2823-3"]
high = 6.0
unit = "mmol/L"
source = "the laboratory"
reviewed = 2026-11-20

[policy.sensitive]
hiv = "hide"
"""
HIV = {
    "coding": [{"system": "http://snomed.info/sct", "code": "86406008"}],
    "text": "Human immunodeficiency virus infection",
}


@pytest.fixture
def shown(tmp_path, capsys, monkeypatch):
    monkeypatch.setenv("CDS_PROFILE", "demo")
    chart = tmp_path / "chart.json"
    chart.write_bytes(
        encode(
            bundle(
                condition("Gout", "c1"),
                condition("", "c2", code=HIV),
                lab("6.1", "2026-11-21", loinc="2823-3", unit="mmol/L"),
            )
        )
    )

    def run(*more):
        assert main(["brief", str(chart), "--now", "2026-11-23T09:00:00Z", *more]) == 0
        return capsys.readouterr().out

    return run


@pytest.fixture
def file(tmp_path):
    written = tmp_path / "general.toml"
    written.write_text(GENERAL + RULES, "utf-8")
    return str(written)


def test_its_limits_and_its_hidden_categories_are_in_force(shown, file):
    plain, ours = shown(), shown("--site-file", file)
    assert "Human immunodeficiency" in plain
    assert "NEEDS ATTENTION" not in plain
    assert "Human immunodeficiency" not in ours
    assert "NEEDS ATTENTION\n- Potassium 6.1 mmol/L" in ours
    assert "withheld by policy" in ours
    assert "+2026-11-20" in ours


def test_a_file_with_a_mistake_is_a_sentence(shown, tmp_path, capsys):
    wrong = tmp_path / "wrong.toml"
    wrong.write_text(GENERAL.replace("title", "titel"), "utf-8")
    assert main(["brief", str(tmp_path / "chart.json"), "--site-file", str(wrong)]) == 1
    assert "title" in capsys.readouterr().err


def test_a_site_file_that_is_not_there_is_said_to_be_that(tmp_path, capsys):
    assert main(["brief", "-", "--site-file", str(tmp_path / "none.toml")]) == 1
    assert "none.toml: cannot be read: No such file or directory." in capsys.readouterr().err
