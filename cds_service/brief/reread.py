"""A stored brief made a brief again, and what a call's own record adds to it or may not see of it."""

import re
from collections.abc import Mapping
from datetime import datetime, tzinfo
from typing import Any

import msgspec

from cds_service.brief.rules import SECTIONS, rule_brief
from cds_service.domain.brief import Brief, Kind, Line, Section, Statement
from cds_service.domain.errors import Misconfigured
from cds_service.domain.evidence import Context, Gap

_OF_A_WHOLE: frozenset[Kind] = frozenset(
    {"patient", "absence", "not_found", "no_known", "last_visit"}
)
"""What a fragment of a record cannot say."""
_VALUE = re.compile(r"(?:Was critical since the last visit: )?(.+?) [<>≤≥]?\d")
_NONE: frozenset[Kind] = frozenset({"absence", "not_found", "no_known"})


def from_json(told: Mapping[str, Any], zone: tzinfo) -> Brief:
    """Return the brief that `to_json` told; its time is shown in `zone`.

    Raises `Misconfigured`, without a word of it, when it lacks what every brief has.
    """
    try:
        return _brief(told, zone)
    except (KeyError, TypeError, ValueError, AttributeError):
        raise Misconfigured("A stored brief has a form that this version does not know.") from None


def _brief(told: Mapping[str, Any], zone: tzinfo) -> Brief:
    return Brief(
        patient=told["patient"],
        as_of=datetime.fromisoformat(told["as_of"]).astimezone(zone),
        rules_version=told["rules_version"],
        sections=tuple(
            Section(
                id=each["id"], title=each["title"], lines=tuple(map(_line, each["statements"]))
            )
            for each in told["sections"]
        ),
        gaps=tuple(
            Gap(need=gap["need"], reason=gap["reason"], count=gap.get("count", 0))
            for gap in told["gaps"]
        ),
        gap_texts=tuple(gap["text"] for gap in told["gaps"]),
        since=told.get("since", ""),
        versions=told.get("versions", {"rules": told["rules_version"]}),
        notices=tuple(told.get("notices", ())),
    )


def _line(told: Mapping[str, Any]) -> Line:
    statement = Statement(
        kind=told["kind"],
        refs=tuple(told["refs"]),
        flags=tuple(told["flags"]),
        added_by=told["added_by"],
        needs=tuple(told.get("needs", ())),
        quote=told.get("quote"),
        why=told.get("why"),
        group=told.get("group"),
    )
    return Line(statement=statement, text=told["text"])


def for_call(brief: Brief, sent: frozenset[str], fresh: Context, since: str) -> Brief:
    """Return a prepared brief as this call may see it.

    What is labelled as restricted stays only where this call itself brought every resource that it cites. Lines
    about resources that have changed give way to what the rules say of their new form, which comes first in
    its section; `since` says in words how old the brief is and what has changed.
    """
    said = rule_brief(fresh).sections if fresh.ledger.evidence else ()
    changed = frozenset(fresh.ledger.evidence)
    added = {each.id: lines for each in said if (lines := _added(each))}
    newer = {_measured(line) for line in added.get("attention", ())} - {None}
    kept = {each.id: each for each in brief.sections}
    titles = {
        name: kept[name].title if name in kept else usual
        for name, usual, _ in SECTIONS
        if name in added or name in kept
    }
    return Brief(
        patient=brief.patient,
        as_of=brief.as_of,
        rules_version=brief.rules_version,
        sections=tuple(
            Section(id=name, title=title, lines=lines)
            for name, title in titles.items()
            if (
                lines := (
                    *added.get(name, ()),
                    *(
                        line
                        for line in (kept[name].lines if name in kept else ())
                        if _is_shown(line.statement, sent)
                        and not _is_outdated(line.statement, changed, told_anew=name in added)
                        and not (name == "attention" and _measured(line) in newer)
                    ),
                )
            )
        ),
        gaps=brief.gaps,
        gap_texts=brief.gap_texts,
        since=since,
        versions=brief.versions,
        notices=brief.notices,
    )


def _is_shown(statement: Statement, sent: frozenset[str]) -> bool:
    return "restricted" not in statement.flags or sent.issuperset(statement.refs)


def _is_outdated(statement: Statement, changed: frozenset[str], *, told_anew: bool) -> bool:
    """Return whether a line is no longer true: its subject has changed, or there is one where it says none.

    A line that names many resources stays as long as one of them is as it was: hiding it would hide that one.
    """
    if statement.kind in _NONE:
        return told_anew
    subject = statement.refs if "grouped" in statement.flags else statement.refs[:1]
    return bool(subject) and changed.issuperset(subject)


def _measured(line: Line) -> str | None:
    """Return what a line of a result has a value of; an older value of it needs no attention any more."""
    found = _VALUE.match(line.text) if line.statement.kind in {"result", "vital"} else None
    return found[1] if found else None


def _added(section: Section) -> tuple[Line, ...]:
    return tuple(
        Line(statement=_new(line.statement), text=line.text)
        for line in section.lines
        if line.statement.kind not in _OF_A_WHOLE
    )


def _new(statement: Statement) -> Statement:
    flags = statement.flags if "new" in statement.flags else (*statement.flags, "new")
    return msgspec.structs.replace(statement, flags=flags)
