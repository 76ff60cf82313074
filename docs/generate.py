"""Writes the pages of docs/reference that repeat what the code knows; a test fails when they differ.

Run as `python docs/generate.py` from the top of the repository.
"""

import argparse
import json
import tomllib
from collections.abc import Iterator
from itertools import groupby
from pathlib import Path
from typing import Any, get_args

from pydantic import SecretStr

from cds_service.agent import prompts
from cds_service.brief.recheck import FAULTS
from cds_service.catalog import load_catalog
from cds_service.cli import parser
from cds_service.domain import brief, draft, errors, evidence, needs, states
from cds_service.http.problems import STATUS
from cds_service.rulebook import entries
from cds_service.settings import Settings
from cds_service.vendors import facts, load_profile, queries, vendor_names
from cds_service.vendors.profile import NeedRule, Profile
from discovery.guide import guide
from discovery.page import markdown

REFERENCE = Path(__file__).parent / "reference"
_NOTE = "<!-- written by docs/generate.py; change the code, then run it -->\n"


def pages() -> dict[str, str]:
    """Return each generated page by its file name."""
    return {
        "settings.md": _page("Settings", _settings()),
        "errors.md": _page("Errors", _errors()),
        "cli.md": _page("Command line", _commands()),
        "brief.md": _page("The brief as JSON: closed lists", _lists()),
        "agent.md": _page("What a model's choice is checked for, and how a run ends", _agent()),
        "brief-tables.md": _page("The brief's tables, entry by entry", _tables()),
        "needs.md": _page("Record needs", _needs()),
        "vendors.md": _page("Vendor profiles", _vendors()),
        "states.md": _page("The states of a brief", _states()),
    } | _guides()


def _guides() -> dict[str, str]:
    """Return the how-to of each vendor."""
    services = load_catalog(["hooks"]).by_id.values()
    return {
        f"../how-to/vendors/{vendor}.md": _NOTE + markdown(guide(vendor, services))
        for vendor in vendor_names()
    }


def _page(title: str, lines: Iterator[str]) -> str:
    return _NOTE + f"# {title}\n\n" + "\n".join(lines) + "\n"


def _settings() -> Iterator[str]:
    yield "Read once at start, from the environment. A wrong one stops the start with a sentence.\n"
    yield "| setting | default | meaning |\n| --- | --- | --- |"
    for name, field in Settings.model_fields.items():
        variable = field.validation_alias or f"CDS_{name.upper()}"
        default = (
            str(field.default) if isinstance(field.default, Path | SecretStr) else field.default
        )
        shown = json.dumps(default) if default not in ("", None) else "none"
        yield f"| `{variable}` | `{shown}` | {field.description} |"


def _errors() -> Iterator[str]:
    yield "Every answer outside 2xx is an OperationOutcome; its `issue.details.coding` has one of these.\n"
    yield "| code | status | meaning | what the caller is told |\n| --- | --- | --- | --- |"
    for kind, (status, _) in STATUS.items():
        yield f"| `{kind.code}` | {status} | {_first(kind)} | {kind.advice} |"
    nothing = errors.NothingToSay
    yield f"| `{nothing.code}` | 200 | {_first(nothing)} | an empty list of cards |"


def _commands() -> Iterator[str]:
    yield "An error is one sentence on stderr and exit status 1; 2 means bad usage.\n"
    for name, said, command in _walk("cds-service", "", parser()):
        if any(isinstance(action, _Subcommands) for action in command._actions):  # noqa: SLF001
            continue
        yield f"## `{name}`\n\n{said[:1].upper()}{said[1:]}.\n"
        for action in command._actions:  # noqa: SLF001  # argparse has no public way to list them
            if action.dest != "help":
                names = action.option_strings or [str(action.metavar or action.dest)]
                shown = ", ".join(f"`{each}`" for each in names)
                yield f"* {shown} {action.help or ''}".rstrip()
        yield ""


_Subcommands = argparse._SubParsersAction  # noqa: SLF001


def _walk(
    name: str, said: str, command: argparse.ArgumentParser
) -> Iterator[tuple[str, str, argparse.ArgumentParser]]:
    yield name, said, command
    for action in command._actions:  # noqa: SLF001
        if isinstance(action, _Subcommands):
            told = {each.dest: each.help or "" for each in action._choices_actions}  # noqa: SLF001
            for each, sub in action.choices.items():
                yield from _walk(f"{name} {each}", told[each], sub)


def _lists() -> Iterator[str]:
    yield "`cds-service brief --json` and the stored brief share one shape. These lists are closed.\n"
    for title, members in (
        ("Section ids, in reading order", get_args(brief.SectionId)),
        ("`kind`", get_args(brief.Kind)),
        ("`flags`", get_args(brief.Flag)),
        ("`need` (a gap may also name `bundle`)", get_args(needs.NeedName)),
        ("gap `reason`", get_args(evidence.GapReason)),
    ):
        yield f"## {title}\n\n" + ", ".join(f"`{member}`" for member in members) + "\n"


def _agent() -> Iterator[str]:
    yield "Checks of a statement that a model proposes, in their order. What is dropped is counted on the brief.\n"
    yield "| code | what follows |\n| --- | --- |"
    yield from (f"| `{code}` | {said} |" for code, said in draft.CODES.items())
    yield "\n## Endings\n\n| ending | what a reader of the brief is told |\n| --- | --- |"
    yield from (f"| `{ending}` | {said} |" for ending, said in draft.ENDINGS.items())
    yield "\n## Faults of a stored brief\n\n| fault | meaning |\n| --- | --- |"
    yield from (f"| `{fault}` | {said} |" for fault, said in FAULTS.items())
    yield "\n## What a clinical lead answers for\n\n| file | owner | reviewed |\n| --- | --- | --- |"
    own = prompts.system_prompt(())
    yield f"| `cds_service/agent/prompt.md` | {own.owner} | {own.reviewed} |"
    for file in ("agent/fields.toml", "brief/why.toml"):
        table = tomllib.loads((REFERENCE.parents[1] / "cds_service" / file).read_text("utf-8"))
        yield f"| `cds_service/{file}` | {table['owner']} | {table['reviewed']} |"


def _tables() -> Iterator[str]:
    yield "What the rules of the brief look up where a site changes nothing. A site changes it in `[brief]` of its"
    yield 'file ([how](../how-to/change-the-rules.md)). "Reviewed" is the day its authors last looked an entry through;'
    yield "a clinical lead signs on the page [about the brief](../explanation/brief.md).\n"
    for table, found in groupby(entries(), key=lambda each: each.table):
        yield f"## {table}\n\n| entry | is | source | reviewed |\n| --- | --- | --- | --- |"
        for each in found:
            yield f"| {each.name} | {each.shown} | {each.source} | {each.reviewed} |"
        yield ""


def _needs() -> Iterator[str]:
    yield "What of a chart a service may ask for. From a need and a vendor's profile come both the prefetch"
    yield "template that we publish and the read that we send.\n"
    profile = load_profile("generic-r4")
    yield "| need | what | prefetch template (generic FHIR R4) |\n| --- | --- | --- |"
    for name, need in needs.NEEDS.items():
        templates = "<br>".join(f"`{q.template()}`" for q in queries(name, profile))
        yield f"| `{name}` | {need.title} | {templates} |"


def _vendors() -> Iterator[str]:
    yield "How EHR products differ, as data. Precedence: a site's overrides, the vendor, the default."
    yield "*verify* marks a value that a site confirms before production.\n"
    yield "## Defaults\n\n| value | default | meaning |\n| --- | --- | --- |"
    for name, default, meaning in _fields(Profile, ""):
        yield f"| `{name}` | `{json.dumps(default, default=list)}` | {meaning} |"
    for vendor in vendor_names():
        yield f"\n## {load_profile(vendor).title} (`{vendor}`)\n"
        yield "| value | is | confidence | source | as of |\n| --- | --- | --- | --- | --- |"
        for fact in facts(vendor):
            mark = ", verify" if fact.verify else ""
            value = json.dumps(fact.value)
            yield f"| `{fact.name}` | `{value}` | {fact.confidence}{mark} | {fact.source} | {fact.as_of} |"


def _states() -> Iterator[str]:
    yield "Each change of state and its audit entry are one transaction. From each state, where a brief may go:\n"
    yield "```mermaid\n" + "\n".join(states.diagram()) + "\n```\n"
    yield "| state | leads to | waits for |\n| --- | --- | --- |"
    for state, targets in states.TRANSITIONS.items():
        to = ", ".join(f"`{each}`" for each in states.TRANSITIONS if each in targets)
        yield f"| `{state}` | {to or 'the end'} | {states.STARTS.get(state, '')} |"


def _fields(model: type[Any], prefix: str) -> Iterator[tuple[str, object, str]]:
    for name, field in model.model_fields.items():
        inner = field.annotation
        if hasattr(inner, "model_fields"):
            yield from _fields(inner, f"{prefix}{name}.")
        elif name == "need":
            yield from _fields(NeedRule, "need.<need>.")
        elif prefix:
            yield f"{prefix}{name}", field.default, field.description or ""


def _first(thing: type) -> str:
    return (thing.__doc__ or "").strip().split("\n")[0]


def main() -> None:
    """Write the pages."""
    (REFERENCE.parent / "how-to" / "vendors").mkdir(exist_ok=True)
    for name, text in pages().items():
        (REFERENCE / name).write_text(text, encoding="utf-8")
        print(f"wrote docs/reference/{name}")  # noqa: T201  # a script says what it did


if __name__ == "__main__":
    main()
