"""A stored brief made a brief again, and what a call's own record adds to it or may not see of it."""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, tzinfo
from typing import Any

import msgspec

from cds_service.brief.rules import SECTIONS, rule_brief
from cds_service.domain.brief import Brief, Kind, Line, Section, Statement
from cds_service.domain.errors import Misconfigured
from cds_service.domain.evidence import SEARCH_GAPS, Context, Gap

_OF_A_WHOLE: frozenset[Kind] = frozenset(
    {"patient", "absence", "not_found", "no_known", "last_visit"}
)
"""What a fragment of a record cannot say."""
_VALUE = re.compile(
    r"(?:Was (?:critical|out of range)(?: since the last visit)?: )?(.+?) [<>≤≥]?\d"
)
_NONE: frozenset[Kind] = frozenset({"absence", "not_found", "no_known"})


class _Statement(msgspec.Struct):
    """A statement as `to_json` tells it. A kind or flag of a newer release is passed on: its text says what it is."""

    kind: Any
    text: str
    refs: tuple[str, ...]
    added_by: Any
    flags: tuple[Any, ...]
    needs: tuple[Any, ...] = ()
    quote: str | None = None
    why: str | None = None
    group: str | None = None


class _Section(msgspec.Struct):
    id: Any
    title: str
    statements: list[_Statement]


class _Gap(msgspec.Struct):
    need: Any
    reason: Any
    text: str
    count: int = 0


class _Told(msgspec.Struct):
    patient: str
    as_of: str
    rules_version: str
    sections: list[_Section]
    gaps: list[_Gap]
    since: str = ""
    versions: dict[str, str] | None = None
    notices: tuple[str, ...] = ()


_told = msgspec.json.Decoder(_Told)


def from_json(stored: bytes, zone: tzinfo) -> Brief:
    """Return the brief that `to_json` told; its time is shown in `zone`.

    Raises `Misconfigured`, without a word of it, when it is not as every brief is.
    """
    try:
        told = _told.decode(stored)
        as_of = datetime.fromisoformat(told.as_of).astimezone(zone)
    except ValueError:  # that msgspec's errors are, too
        raise Misconfigured("A stored brief has a form that this version does not know.") from None
    return Brief(
        patient=told.patient,
        as_of=as_of,
        rules_version=told.rules_version,
        sections=tuple(
            Section(id=each.id, title=each.title, lines=tuple(map(_line, each.statements)))
            for each in told.sections
        ),
        gaps=tuple(Gap(need=gap.need, reason=gap.reason, count=gap.count) for gap in told.gaps),
        gap_texts=tuple(gap.text for gap in told.gaps),
        since=told.since,
        versions=told.versions or {"rules": told.rules_version},
        notices=told.notices,
    )


def _line(told: _Statement) -> Line:
    statement = Statement(
        kind=told.kind,
        refs=told.refs,
        flags=told.flags,
        added_by=told.added_by,
        needs=told.needs,
        quote=told.quote,
        why=told.why,
        group=told.group,
    )
    return Line(statement=statement, text=told.text)


@dataclass(frozen=True, slots=True, kw_only=True)
class Sight:
    """What a call may see of a prepared brief."""

    sent: frozenset[str]
    """What it brought itself, by `Type/id`."""
    fresh: Context
    """What the brief tells anew: a fragment of a record."""
    known: frozenset[str] = frozenset()
    """What is in it and nevertheless neither new nor changed since the brief was made."""
    gone: frozenset[str] = frozenset()
    """What the chart no longer lists."""
    closed: frozenset[str] = frozenset()
    """Needs that the brief lacks and this call brought."""
    since: str
    """In words, how old the brief is and what has changed."""


def for_call(brief: Brief, sight: Sight) -> Brief:
    """Return a prepared brief as this call may see it.

    What is labelled as restricted stays only where this call itself brought every resource that it cites. Lines
    about resources that have changed give way to what the rules say of their new form, which comes first in
    its section; no line cites what is gone.
    """
    told = frozenset(sight.fresh.ledger.evidence)
    news = told - sight.known
    kept = {each.id: tuple(_still(each.lines, sight)) for each in brief.sections}
    said = rule_brief(sight.fresh).sections if told else ()
    added = {
        each.id: lines
        for each in said
        if (lines := tuple(_added(each, news, kept.get(each.id, ()))))
    }
    newer = {_measured(line) for line in added.get("attention", ()) if _cites(line, news)} - {None}
    titles = {each.id: each.title for each in brief.sections}
    sections = (
        Section(
            id=name,
            title=titles.get(name, usual),
            lines=(
                *added.get(name, ()),
                *(
                    line
                    for line in kept.get(name, ())
                    if not (told and _is_outdated(line.statement, news, told_anew=name in added))
                    and not (newer and name == "attention" and _measured(line) in newer)
                ),
            ),
        )
        for name, usual, _ in SECTIONS
    )
    gaps = _open_gaps(brief, sight)
    return Brief(
        patient=brief.patient,
        as_of=brief.as_of,
        rules_version=brief.rules_version,
        sections=tuple(each for each in sections if each.lines),
        gaps=tuple(gap for gap, _ in gaps),
        gap_texts=tuple(text for _, text in gaps),
        since=sight.since,
        versions=brief.versions,
        notices=brief.notices,
    )


def _open_gaps(brief: Brief, sight: Sight) -> list[tuple[Gap, str]]:
    """Return what the brief lacks and this call did not bring, each with its sentence."""
    return [
        (gap, text)
        for gap, text in zip(brief.gaps, brief.gap_texts, strict=True)
        if not (gap.need in sight.closed and gap.reason in SEARCH_GAPS)
    ]


def _still(lines: Iterable[Line], sight: Sight) -> Iterator[Line]:
    """Yield the lines of a brief that this call may see and that cite nothing that is gone."""
    for line in lines:
        said = line.statement
        may_see = "restricted" not in said.flags or sight.sent.issuperset(said.refs)
        if may_see and sight.gone.isdisjoint(said.refs):
            yield line


def _cites(line: Line, refs: frozenset[str]) -> bool:
    return not refs.isdisjoint(line.statement.refs)


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


def _added(section: Section, news: frozenset[str], kept: tuple[Line, ...]) -> Iterator[Line]:
    """Yield what the rules say of the fragment, flagged where it is new; what is kept anyway is not said twice."""
    subjects = {_subject(line) for line in kept}
    for line in section.lines:
        if line.statement.kind in _OF_A_WHOLE:
            continue
        if _cites(line, news):
            yield Line(statement=_new(line.statement), text=line.text)
        elif _subject(line) not in subjects:
            yield line


def _subject(line: Line) -> tuple[Kind, tuple[str, ...]]:
    return line.statement.kind, line.statement.refs[:1]


def _new(statement: Statement) -> Statement:
    flags = statement.flags if "new" in statement.flags else (*statement.flags, "new")
    return msgspec.structs.replace(statement, flags=flags)
