"""Who writes a service of their own is told what it still lacks, and what differs from what they expected."""

import json
import sys

import pytest

from cds_service.cli import main


@pytest.fixture
def own(tmp_path, monkeypatch, capsys):
    """A package of services in the folder where the author stands, with one that was just scaffolded."""
    (tmp_path / "ours").mkdir()
    (tmp_path / "ours/__init__.py").touch()
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(str(tmp_path))
    assert main(["new-hook", "first_look", "--hook", "patient-view", "--package", "ours"]) == 0
    capsys.readouterr()
    yield tmp_path / "ours/first_look"
    for name in [each for each in sys.modules if each.partition(".")[0] == "ours"]:
        del sys.modules[name]


def check(capsys, *more):
    status = main(["check-hook", "first_look", "--package", "ours", *more])
    return status, capsys.readouterr().out


def test_words_of_the_scaffold_are_not_taken_for_the_authors(own, capsys):
    status, out = check(capsys, "--write")
    assert status == 1
    assert "FAIL  README.md still has the scaffold's words: **Clinical intent.**" in out
    assert "FAIL  the description is still the scaffold's" in out

    (own / "README.md").write_text("# First look\n\n**Clinical intent.** To see.\n", "utf-8")
    file = own / "service.py"
    there = "Say here, for the EHR's analyst, what the card tells and when."
    file.write_text(file.read_text("utf-8").replace(there, "Lists medicines."), "utf-8")
    for name in ("ours.first_look.service", "ours.first_look"):
        sys.modules.pop(name)
    status, out = check(capsys)
    assert (status, "FAIL" in out) == (0, False)


def test_cards_that_differ_from_what_was_expected_are_shown_line_by_line(own, capsys):
    check(capsys, "--write")
    file = own / "examples/first/cards.json"
    [card] = json.loads(file.read_text("utf-8"))
    file.write_text(json.dumps([card | {"summary": "Two medications"}]), "utf-8")
    _, out = check(capsys)
    assert "FAIL  first: 1 card, not as expected" in out
    assert '-    "summary": "Two medications",' in out
    assert '+    "summary": "1 medications in the record",' in out


def test_a_card_that_cannot_be_sent_is_a_sentence(own, capsys):
    file = own / "cards.py"
    file.write_text(file.read_text("utf-8").replace('"info"', '"urgent"'), "utf-8")
    status, out = check(capsys)
    assert status == 1
    assert "FAIL  first: a card's indicator: " in out


def test_a_scaffold_is_written_where_its_author_stands_and_nowhere_else(
    tmp_path, monkeypatch, capsys
):
    monkeypatch.chdir(tmp_path)
    assert main(["new-hook", "elsewhere", "--hook", "patient-view"]) == 1
    assert "not below this folder" in capsys.readouterr().err
