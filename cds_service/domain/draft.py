"""What an agent hands over: a choice and an order of statements, without one clinical value.

Nothing in a Draft has been checked. `brief/verify.py` makes a Brief of it, or says why not.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from cds_service.domain.brief import Kind
from cds_service.domain.needs import NeedName

Ending = Literal[
    "ok",
    "deadline",
    "budget",
    "refused",
    "max_tokens",
    "context_exceeded",
    "rounds_exhausted",
    "invalid_output",
    "empty",
    "rejected",
    "spend_limit",
    "unavailable",
    "too_many_drops",
    "wrong_patient",
    "broken",
]

ENDINGS: Mapping[Ending, str] = {
    "ok": "A model chose and ordered lines of this brief; each was written by code from the record.",
    "deadline": "The model did not answer in time; this brief is by rules alone.",
    "budget": "The model used up what a run may cost; this brief is by rules alone.",
    "refused": "The model declined to answer; this brief is by rules alone.",
    "max_tokens": "The model's answer was too long; this brief is by rules alone.",
    "context_exceeded": "The record was too large for the model; this brief is by rules alone.",
    "rounds_exhausted": "The model asked without coming to an answer; this brief is by rules alone.",
    "invalid_output": "The model's answer did not have the agreed form; this brief is by rules alone.",
    "empty": "The model chose nothing; this brief is by rules alone.",
    "rejected": "The model's service refused the request; this brief is by rules alone.",
    "spend_limit": "The model's spending limit is reached; this brief is by rules alone.",
    "unavailable": "The model could not be reached; this brief is by rules alone.",
    "too_many_drops": "Too much of the model's choice failed its checks; this brief is by rules alone.",
    "wrong_patient": "The model's choice pointed outside this record; this brief is by rules alone.",
    "broken": "Its making with a model broke; this brief is by rules alone.",
}
"""How a run of the agent may end, and what a reader of the brief is told."""

Code = Literal[
    "ref_not_retrieved",
    "no_refs",
    "wrong_patient",
    "entered_in_error",
    "refuted",
    "not_active",
    "kind_mismatch",
    "no_value",
    "not_computed",
    "not_in_note",
    "quote_too_long",
    "quote_markup",
    "absence_unproven",
    "absence_denied",
    "not_newest",
    "duplicate",
    "why_too_long",
    "why_markup",
    "why_digits",
    "why_negation",
    "why_advice",
    "why_foreign_term",
    "why_vocabulary",
    "why_relation",
]

CODES: Mapping[Code, str] = {
    "ref_not_retrieved": "dropped: cites what was not shown to the model in this run",
    "no_refs": "dropped: cites nothing",
    "wrong_patient": "the whole draft is discarded: cites what is not this patient's",
    "entered_in_error": "dropped: the entry says of itself that it was entered in error",
    "refuted": "dropped: the diagnosis or allergy was refuted",
    "not_active": "dropped: the entry does not stand any more",
    "kind_mismatch": "dropped: this kind of statement cannot be said of that kind of entry",
    "no_value": "dropped: the entry holds no value to show",
    "not_computed": "dropped: rules do not find this conflict, change, visit or open loop",
    "not_in_note": "dropped: the quotation does not stand in the note",
    "quote_too_long": "dropped: the quotation is longer than a line",
    "quote_markup": "dropped: the quotation holds characters of markup or of an address",
    "absence_unproven": "dropped: no complete search proves that there is none",
    "absence_denied": "dropped: the record holds what is said to be absent",
    "not_newest": "corrected: an older value was cited, the newest is shown",
    "duplicate": "left out: said already",
    "why_too_long": "reason removed: longer than allowed",
    "why_markup": "reason removed: holds characters of markup or of an address",
    "why_digits": "reason removed: holds a number",
    "why_negation": "reason removed: denies something",
    "why_advice": "reason removed: advises",
    "why_foreign_term": "reason removed: names a medicine that is not in the cited entries",
    "why_vocabulary": "reason removed: holds a word that cannot be checked",
    "why_relation": "reason removed: does not begin with how the line relates to this visit",
}
"""What a check may find, in the order of checking, and what follows."""

DROPS: frozenset[Code] = frozenset(
    code for code, said in CODES.items() if said.startswith(("dropped", "the whole"))
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Proposed:
    """One statement as a model proposes it: which kind, of which entries, where, and why."""

    kind: Kind
    refs: tuple[str, ...]
    """`Type/id`; what a model cited without having been shown it comes as an empty string."""
    needs: tuple[NeedName, ...] = ()
    """What an `absence` speaks of."""
    lead: bool = False
    """Wants to stand under what needs attention."""
    group: str = ""
    """`Condition/id` of the problem that it belongs to, or ""."""
    quote: str = field(default="", repr=False)
    why: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """The agent's unverified output, in its order."""

    statements: tuple[Proposed, ...]
    shown: frozenset[str] = field(repr=False)
    """Every reference that was shown to the model in this run."""
    read: frozenset[str] = field(default=frozenset(), repr=False)
    """Notes whose text was shown to it: only these may be quoted."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """What a check found on one proposed statement."""

    place: int
    """Its number in the draft, from 0."""
    kind: Kind
    code: Code
