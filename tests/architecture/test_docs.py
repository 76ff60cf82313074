"""Whatever an operator, an IT desk or a program can meet has its entry in the reference."""

import argparse
from typing import get_args

import pytest

from cds_service.cli import parser
from cds_service.domain import brief, errors, evidence, needs
from cds_service.settings import Settings
from tests.architecture.source import ROOT

REFERENCE = ROOT / "docs" / "reference"
CLOSED_LISTS = {
    "section": get_args(brief.SectionId),
    "kind": get_args(brief.Kind),
    "flag": get_args(brief.Flag),
    "need": get_args(needs.NeedName),
    "gap reason": get_args(evidence.GapReason),
}


def page(name: str) -> str:
    return (REFERENCE / name).read_text("utf-8")


@pytest.mark.parametrize("setting", Settings.model_fields)
def test_every_setting_has_its_entry(setting):
    own = Settings.model_fields[setting].validation_alias
    assert f"`{own or f'CDS_{setting.upper()}'}`" in page("settings.md")


ERRORS = [e for e in vars(errors).values() if isinstance(e, type)]


@pytest.mark.parametrize("error", ERRORS, ids=lambda e: e.__name__)
def test_every_error_code_has_its_entry(error):
    assert f"| `{error.code}` |" in page("errors.md")


def test_error_codes_are_distinct():
    codes = [error.code for error in ERRORS]
    assert len(codes) == len(set(codes))


def _commands(name, command):
    below = [a for a in command._actions if isinstance(a, argparse._SubParsersAction)]
    if not below:
        yield name, command
    for action in below:
        for each, sub in action.choices.items():
            yield from _commands(f"{name} {each}", sub)


COMMANDS = dict(_commands("cds-service", parser()))


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_and_option_has_its_entry(command):
    entry = page("cli.md").partition(f"\n## `{command}`\n")[2].partition("\n## ")[0]
    options = [o for a in COMMANDS[command]._actions for o in a.option_strings if o[:2] == "--"]
    assert entry
    assert [o for o in options if o != "--help" and f"`{o}`" not in entry] == []


@pytest.mark.parametrize(
    ("what", "member"), [(what, m) for what, members in CLOSED_LISTS.items() for m in members]
)
def test_every_member_of_a_closed_list_has_its_entry(what, member):
    assert f"`{member}`" in page("brief.md")


@pytest.mark.parametrize("need", needs.NEEDS)
def test_every_need_has_its_entry(need):
    assert f"| `{need}` |" in page("needs.md")
