"""The brief: statements that cite resources, rendered by code from what they cite.

A statement holds no clinical value. Rules and the agent choose `kind`, `refs` and order; one renderer
writes the text from the cited resources, so that values, units, dates and names are right by construction.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal

import msgspec
from typing_extensions import override

from cds_service.domain.evidence import Gap
from cds_service.domain.needs import NeedName

SectionId = Literal[
    "visit",
    "attention",
    "changes",
    "problems",
    "medications",
    "allergies",
    "results",
    "open_loops",
    "encounters",
    "procedures",
    "vitals",
    "prevention",
    "context",
    "notes",
]

Kind = Literal[
    "patient",  # who: age and sex
    "visit",  # why this visit: an Appointment or Encounter
    "last_visit",
    "problem",
    "medication",
    "medication_change",
    "allergy",
    "no_known",  # an explicit "none known" in the record
    "result",  # newest value, with up to three earlier ones
    "vital",
    "order_open",
    "report",  # a final report in its own words
    "report_pending",
    "task_open",
    "encounter",
    "procedure",
    "immunization",
    "observation",  # social history, pregnancy and the like
    "flag",
    "care_team",
    "directive",
    "note",  # that a note exists
    "note_quote",
    "clash",  # a booked appointment that overlaps the one being booked
    "conflict",  # two resources that do not agree
    "absence",  # a search came back empty, or a Bundle holds none
    "not_found",  # screenings that were looked for in all of the record
]

Flag = Literal[
    "must_show",
    "critical",
    "abnormal",
    "high",
    "low",
    "worded",  # told or marked in words: how far a result is out is not known; or a report says more than a plain one
    "unmeasured",  # a result that is marked as out of range, and nothing tells how far or on which side
    "high_alert",
    "severe",
    "conflict",
    "allergen",  # a conflict of an allergy with an active medicine
    "doubled",  # a conflict of entries of one ingredient
    "acute",  # an emergency or a hospital stay; of what tells of suicide or violence, that it is of late
    "preliminary",
    "unconfirmed",
    "reported",
    "on_hold",
    "stale",
    "undated",
    "grouped",
    "merged",
    "new",
    "stopped",
    "changed",  # a dose; of a critical result, that a later one is not critical
    "renewed",  # ordered again; the order before it is not in what was read
    "open_end",
    "restricted",
    "for_visit",  # has to do with why the patient comes
    "lasting",  # an operation that left something in the body, or took something out of it
]


MADE_BY = ("rules", "model", "prompt", "tools")
"""What may have a part in a brief: the version of each stands on the brief, its cards, its note and in the audit."""


def made_by(versions: Mapping[str, str]) -> dict[str, str]:
    """Return of all that is kept about a brief the versions of what had a part in it, in the order of `MADE_BY`."""
    return {name: versions[name] for name in MADE_BY if name in versions}


def made_by_words(versions: Mapping[str, str]) -> str:
    """Return the same in words: `rules 3, model m, prompt 0123456789ab, tools 1`."""
    return ", ".join(f"{name} {version}" for name, version in made_by(versions).items())


class Statement(msgspec.Struct, frozen=True, kw_only=True):
    """One thing worth saying: what kind, and which resources it is said of.

    `refs` are `Type/id` in the ledger, the subject of the sentence first; an `absence` has none and names
    the needs whose searches prove it instead.
    """

    kind: Kind
    refs: tuple[str, ...]
    flags: tuple[Flag, ...] = ()
    added_by: Literal["rule", "model"] = "rule"
    needs: tuple[NeedName, ...] = ()
    quote: str | None = None
    why: str | None = None
    group: str | None = None
    """`Condition/id` of the problem that a model put it with."""

    @override
    def __repr__(self) -> str:
        """Show nothing of the words that a statement may quote."""
        return f"Statement({self.kind}, {self.refs}, {self.flags})"


class Line(msgspec.Struct, frozen=True, kw_only=True):
    """A statement and the text that the renderer made of it."""

    statement: Statement
    text: str

    @override
    def __repr__(self) -> str:
        return f"Line({self.statement})"


@dataclass(frozen=True, slots=True, kw_only=True)
class Section:
    """One part of the brief, in reading order."""

    id: SectionId
    title: str
    lines: tuple[Line, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Brief:
    """A rendered, checked brief of one patient. Only `brief/` makes one."""

    patient: str
    """`Patient/<id>`."""
    as_of: datetime
    rules_version: str
    sections: tuple[Section, ...]
    gaps: tuple[Gap, ...]
    gap_texts: tuple[str, ...] = field(default=(), repr=False)
    """One sentence for each gap, in the same order."""
    receipt: str = ""
    """What became of the note that was approved last for this patient, where that is news."""
    versions: Mapping[str, str] = field(default_factory=dict)
    """Of everything that had a part in it: `rules`, and where a model had one `model`, `prompt` and `tools`."""
    notices: tuple[str, ...] = ()
    """What a reader must know of how it was made, one sentence each."""
    since: str = field(default="", repr=False)
    """Of a brief that was prepared ahead: how old it is and what has changed since, in one line."""

    def section(self, section_id: SectionId) -> tuple[Line, ...]:
        """Return the lines of one section; none when it has nothing to say."""
        return next((part.lines for part in self.sections if part.id == section_id), ())

    def lines(self) -> Iterator[Line]:
        """Yield every line in reading order."""
        for part in self.sections:
            yield from part.lines
