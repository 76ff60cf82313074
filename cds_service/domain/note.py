"""The one note model: what is filed, before any vendor's rules shape it."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal
from uuid import UUID, uuid5

Relation = Literal["replaces", "appends"]

NOT_REVIEWED = (
    "Drafted by software from the record; not reviewed. Check against the chart before use."
)


@dataclass(frozen=True, slots=True, kw_only=True)
class NoteSection:
    """A heading and its lines, plain text without line breaks."""

    title: str
    lines: tuple[str, ...] = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Note:
    """One note about one patient. Equal notes render to equal bytes."""

    brief: str
    """Id of the brief that it was made from."""
    revision: int = 1
    """1 is the first note of a brief, whatever its text; each correction counts on."""
    patient: str
    """The bare id."""
    encounter: str | None
    title: str
    notice: str
    """Who drafted it and who reviewed it, as the chart will say it."""
    head: tuple[str, ...] = ()
    """As of when, and by which rules."""
    sections: tuple[NoteSection, ...] = ()
    at: datetime
    """When it was approved, or drafted where nobody approved."""
    visit_end: datetime | None = None
    author: str = ""
    """`Practitioner/<id>` of the person who approved it; empty for a draft."""
    relation: Relation | None = None
    relates_to: str = ""
    """`DocumentReference/<id>` of the note that this one corrects."""

    @property
    def identifier(self) -> str:
        """Return the stable identifier: equal for a card's draft and for the note approved in the app."""
        return note_identifier(self.brief, self.revision)


def note_identifier(brief: str, revision: int = 1) -> str:
    """Return the identifier of one note of a brief, `urn:uuid:...`; the first note's is the brief's own.

    It comes from the brief and never from chance, so that whoever files again files the same note.
    """
    identity = UUID(brief) if revision == 1 else uuid5(UUID(brief), str(revision))
    return f"urn:uuid:{identity}"
