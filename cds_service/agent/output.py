"""The form of the model's answer: kinds, references and an order. There is no place for a value."""

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from cds_service.agent.notes import Notes
from cds_service.agent.view import View
from cds_service.domain.draft import Draft, Proposed
from cds_service.domain.needs import NeedName

MOST = 150
_STRICT = ConfigDict(extra="forbid", hide_input_in_errors=True, frozen=True)

Sayable = Literal[
    "visit",
    "last_visit",
    "problem",
    "medication",
    "medication_change",
    "allergy",
    "no_known",
    "result",
    "vital",
    "order_open",
    "report",
    "report_pending",
    "task_open",
    "encounter",
    "procedure",
    "immunization",
    "observation",
    "flag",
    "care_team",
    "directive",
    "note",
    "note_quote",
    "clash",
    "conflict",
    "absence",
]


class Statement(BaseModel):
    """One line of the brief. Code writes its text from the entries that it cites."""

    model_config = _STRICT

    kind: Sayable
    refs: list[str] = Field(
        max_length=40, description="aliases that were shown in this run; empty for absence only"
    )
    needs: list[NeedName] = Field(
        default=[], max_length=4, description="for absence: what none was found of"
    )
    emphasis: Literal["lead", "normal"] = Field(
        default="normal", description="lead: belongs under what needs attention"
    )
    group: str | None = Field(default=None, description="alias of the problem it belongs to")
    quote: str | None = Field(
        default=None, max_length=400, description="for note_quote: exact words"
    )
    why: str | None = Field(
        default=None, max_length=400, description="why it matters for this visit"
    )


class Answer(BaseModel):
    """The whole answer, in reading order."""

    model_config = _STRICT

    statements: list[Statement] = Field(max_length=MOST)


def draft_of(answer: Answer, seen: View, notes: Notes | None) -> Draft:
    """Return the answer with references instead of aliases. Nothing in it has been checked."""
    return Draft(
        statements=tuple(_proposed(each, seen, notes) for each in answer.statements),
        shown=frozenset(seen.entries[alias].ref for alias in seen.shown),
        read=frozenset(seen.entries[alias].ref for alias in (notes.read if notes else ())),
    )


def _proposed(said: Statement, seen: View, notes: Notes | None) -> Proposed:
    return Proposed(
        kind=said.kind,
        refs=seen.refs(said.refs),
        needs=tuple(said.needs),
        lead=said.emphasis == "lead",
        group=seen.refs([said.group])[0] if said.group else "",
        quote=notes.unmarked(said.quote) if said.quote and notes else "",
        why=said.why or "",
    )
