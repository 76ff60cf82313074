"""The brief as a clinician works on it: the stored brief, and the edits made to it, in order.

The stored brief is never changed. Each edit is kept; both versions can be had at any time, and equal edits of
an equal brief give an equal sheet.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Literal

from cds_service.domain.json import JsonObject
from cds_service.fhir.elements import clean, code, objs, strings, text

EditKind = Literal[
    "drop",  # leave a line out of the note
    "restore",  # take it in again
    "up",  # move it before the line above it
    "down",
    "annotate",  # say something beside it; an empty text takes that back
    "wrong",  # the line is wrong: left out, and told to who watches quality
    "add",  # a line of one's own; `line` is the section's id
    "refresh",  # ask for a newer brief
]
EDIT_KINDS: frozenset[str] = frozenset(EditKind.__args__)  # type: ignore[attr-defined]
MAX_TEXT = 2_000
OWN = "own"


@dataclass(frozen=True, slots=True, kw_only=True)
class Edit:
    """One thing that a clinician did to a brief."""

    seq: int
    kind: EditKind
    line: str = ""
    text: str = field(default="", repr=False)
    by: str = ""
    at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SheetLine:
    """One line as it stands now."""

    key: str
    text: str = field(repr=False)
    kind: str = OWN
    refs: tuple[str, ...] = ()
    flags: frozenset[str] = frozenset()
    added_by: Literal["rule", "model", "reviewer"] = "rule"
    why: str = field(default="", repr=False)
    state: Literal["kept", "dropped", "wrong"] = "kept"
    annotation: str = field(default="", repr=False)

    @property
    def is_kept(self) -> bool:
        """Return whether the line goes into the note."""
        return self.state == "kept"

    @property
    def filed(self) -> str:
        """Return the line as it stands in the note."""
        restricted = "[restricted] " if "restricted" in self.flags else ""
        own = " (added by the reviewer)" if self.added_by == "reviewer" else ""
        beside = f" [reviewer: {self.annotation}]" if self.annotation else ""
        return clean(f"{restricted}{self.text}{own}{beside}")


@dataclass(frozen=True, slots=True, kw_only=True)
class SheetSection:
    """One part of the brief."""

    id: str
    title: str
    lines: tuple[SheetLine, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Sheet:
    """The brief with every edit applied."""

    as_of: str
    rules_version: str
    sections: tuple[SheetSection, ...]
    gaps: tuple[str, ...]
    seq: int = 0
    """Of the newest edit."""

    def lines(self) -> Iterator[SheetLine]:
        """Yield every line in reading order."""
        for part in self.sections:
            yield from part.lines

    @property
    def is_assisted(self) -> bool:
        """Return whether a model chose any line."""
        return any(line.added_by == "model" for line in self.lines())

    @property
    def refs(self) -> tuple[str, ...]:
        """Return every reference that a line cites, once, in reading order."""
        return tuple(dict.fromkeys(ref for line in self.lines() for ref in line.refs))


def read_sheet(body: JsonObject) -> Sheet:
    """Return a stored brief as a sheet without edits. Lines are named `<section>.<place>`."""
    return Sheet(
        as_of=text(body, "as_of"),
        rules_version=text(body, "rules_version"),
        sections=tuple(map(_section, objs(body, "sections"))),
        gaps=tuple(said for gap in objs(body, "gaps") if (said := text(gap, "text"))),
    )


def _section(part: JsonObject) -> SheetSection:
    section = code(part, "id")
    return SheetSection(
        id=section,
        title=text(part, "title"),
        lines=tuple(
            SheetLine(
                key=f"{section}.{number}",
                text=text(said, "text"),
                kind=code(said, "kind"),
                refs=tuple(strings(said, "refs")),
                flags=frozenset(strings(said, "flags")),
                added_by="model" if code(said, "added_by") == "model" else "rule",
                why=text(said, "why"),
            )
            for number, said in enumerate(objs(part, "statements"))
        ),
    )


def edited(sheet: Sheet, edits: Iterable[Edit]) -> Sheet:
    """Return the sheet after these edits. One that no longer finds its line changes nothing."""
    for edit in sorted(edits, key=lambda each: each.seq):
        sections = tuple(_edit_section(part, edit) for part in sheet.sections)
        sheet = replace(sheet, sections=sections, seq=edit.seq)
    return sheet


def without(sheet: Sheet, refs: frozenset[str]) -> Sheet:
    """Return the sheet without the lines that cite any of these resources, and with how many those are."""
    if not refs:
        return sheet
    sections = tuple(
        replace(part, lines=tuple(each for each in part.lines if refs.isdisjoint(each.refs)))
        for part in sheet.sections
    )
    count = len(refs.intersection(sheet.refs))
    said = "1 more entry is" if count == 1 else f"{count} more entries are"
    gaps = (*sheet.gaps, f"Record: {said} withheld by policy") if count else sheet.gaps
    return replace(sheet, sections=sections, gaps=gaps)


def _edit_section(part: SheetSection, edit: Edit) -> SheetSection:
    if edit.kind == "add" and edit.line == part.id:
        line = SheetLine(key=f"{OWN}.{edit.seq}", text=clean(edit.text), added_by="reviewer")
        return replace(part, lines=(*part.lines, line))
    place = next((n for n, line in enumerate(part.lines) if line.key == edit.line), None)
    if place is None:
        return part
    if edit.kind in _MOVES:
        return replace(part, lines=_moved(part.lines, place, _MOVES[edit.kind]))
    lines = list(part.lines)
    lines[place] = _edit_line(lines[place], edit)
    return replace(part, lines=tuple(lines))


def _edit_line(line: SheetLine, edit: Edit) -> SheetLine:
    if edit.kind == "annotate":
        return replace(line, annotation=clean(edit.text))
    state = _STATES.get(edit.kind)
    return line if state is None else replace(line, state=state)


_MOVES: Mapping[str, int] = {"up": -1, "down": 1}
_STATES: Mapping[str, Literal["kept", "dropped", "wrong"]] = {
    "drop": "dropped",
    "restore": "kept",
    "wrong": "wrong",
}


def _moved(lines: tuple[SheetLine, ...], place: int, by: int) -> tuple[SheetLine, ...]:
    other = place + by
    if not 0 <= other < len(lines):
        return lines
    changed = list(lines)
    changed[place], changed[other] = changed[other], changed[place]
    return tuple(changed)
