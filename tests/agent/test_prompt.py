"""The prompt is a file that somebody answers for, and its hash changes with every word of it."""

import pytest

from cds_service.agent import tools
from cds_service.agent.prompts import parse, system_prompt
from cds_service.domain.errors import Misconfigured

PAGE = "---\nowner: A. Lead\nreviewed: 2026-11-01\n---\nChoose.\n"


def test_a_prompt_says_who_answers_for_it_and_since_when():
    prompt = parse(PAGE, "prompt.md")
    assert (prompt.text, prompt.owner, prompt.reviewed) == ("Choose.", "A. Lead", "2026-11-01")
    assert prompt.hash != parse(PAGE.replace("Choose", "Select"), "prompt.md").hash


@pytest.mark.parametrize(
    "lacking", ["owner: A. Lead\n", "reviewed: 2026-11-01\n", "Choose.\n", "---\n"]
)
def test_one_that_nobody_answers_for_stops_the_start(lacking):
    with pytest.raises(Misconfigured, match=r"prompt\.md"):
        parse(PAGE.replace(lacking, ""), "prompt.md")


def test_the_words_of_a_reason_are_part_of_it():
    assert system_prompt(("new",)).hash != system_prompt(("new", "old")).hash


def test_the_version_of_the_tools_changes_with_what_they_may_show(monkeypatch):
    assert tools._version() == tools.TOOLS_VERSION
    shorter = {kind: fields[:-1] for kind, fields in tools.FIELDS.items()}
    monkeypatch.setattr(tools, "FIELDS", shorter)
    assert tools._version() != tools.TOOLS_VERSION
