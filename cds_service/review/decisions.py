"""What a person may decide, and when: one table. Nothing else in the code asks what is allowed now.

decision     from                          to         who
edit         ready, in_review              in_review  who may approve
approve      ready, in_review              approved   who may approve
reject       ready, in_review              rejected   who may approve
withdraw     approved                      withdrawn  who may approve: nothing was sent
take_back    written, verified, unknown    withdrawn  who may approve: the chart says entered-in-error first
settle_there unknown                       written    who may approve
file_again   unknown, failed               approved   who may approve
correct      verified, written             approved   who may approve
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from cds_service.domain.errors import Conflict, NotAllowed
from cds_service.domain.session import Clinician
from cds_service.domain.states import State

Decision = Literal[
    "edit", "approve", "reject", "withdraw", "take_back", "settle_there", "file_again", "correct"
]


@dataclass(frozen=True, slots=True)
class Rule:
    """From which states a decision may be made, and where it leads."""

    origins: frozenset[State]
    target: State

    def path(self, origin: State) -> tuple[State, ...]:
        """Return the states that a brief goes through, one after the other, in one transaction."""
        return (*_THROUGH.get((origin, self.target), ()), self.target)


_THROUGH: Mapping[tuple[State, State], tuple[State, ...]] = {
    ("unknown", "approved"): ("failed",),  # a person looked: it is not there
    ("unknown", "withdrawn"): ("written",),
    ("written", "approved"): ("in_review",),  # a correction is a review of its own
    ("verified", "approved"): ("in_review",),
}


DECISIONS: Mapping[Decision, Rule] = {
    "edit": Rule(frozenset({"ready", "in_review", "written", "verified"}), "in_review"),
    "approve": Rule(frozenset({"ready", "in_review"}), "approved"),
    "reject": Rule(frozenset({"ready", "in_review"}), "rejected"),
    "withdraw": Rule(frozenset({"approved"}), "withdrawn"),
    "take_back": Rule(frozenset({"written", "verified", "unknown"}), "withdrawn"),
    "settle_there": Rule(frozenset({"unknown"}), "written"),
    "file_again": Rule(frozenset({"unknown", "failed"}), "approved"),
    "correct": Rule(frozenset({"written", "verified"}), "approved"),
}

_TAKEN: Mapping[State, str] = {
    "approved": "Somebody has approved this brief already; nothing was changed.",
    "writing": "The note is being filed already; nothing was changed.",
    "written": "The note is in the chart already; nothing was changed.",
    "verified": "The note is in the chart already; nothing was changed.",
    "rejected": "Somebody has rejected this brief; nothing was changed.",
    "withdrawn": "Somebody has withdrawn this brief; nothing was changed.",
    "cancelled": "The visit was cancelled; nothing was changed.",
    "expired": "The visit is over, and the brief with it; nothing was changed.",
    "unknown": "It is not known yet whether the note is in the chart; look there first.",
    "failed": "Filing the note failed; the page says why.",
}


def check(decision: Decision, state: State, clinician: Clinician) -> State:
    """Return the state that a decision leads to.

    Raises `NotAllowed` for a person whom the site does not let approve, `Conflict` where it comes too late.
    """
    if not clinician.may_approve:
        raise NotAllowed("This site does not let your role approve briefs; you may read.")
    rule = DECISIONS[decision]
    if state not in rule.origins:
        raise Conflict(_TAKEN.get(state, "The brief is not ready yet; nothing was changed."))
    return rule.target


def may(decision: Decision, state: State, clinician: Clinician) -> bool:
    """Return whether a person may decide this now: what a page offers."""
    return clinician.may_approve and state in DECISIONS[decision].origins
