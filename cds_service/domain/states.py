"""The life of a brief, from the request for it to the note read back: one table of allowed transitions.

Waiting for a person is a state of a row, not a sleeping program: it survives restarts and upgrades and
costs nothing. The state is also the outbox of the durable workflows: a sweeper starts whatever is `requested` or
`approved`. The diagram in the docs is printed from this table.
"""

from collections.abc import Iterator, Mapping
from typing import Literal

State = Literal[
    "requested",  # wanted; nothing has been read yet
    "preparing",  # a workflow is gathering and writing it
    "ready",  # may be shown
    "in_review",  # a clinician has it open
    "approved",  # a clinician approved exactly this text; nothing has been written yet
    "writing",  # a workflow is filing it
    "written",  # the chart took it
    "verified",  # read back from the chart and found to be what was approved
    "rejected",  # a clinician refused it
    "withdrawn",  # what was approved or written is taken back
    "cancelled",  # the visit will not happen
    "expired",  # the visit is over and nobody approved
    "unknown",  # the write's answer was lost: the chart is searched before anything is sent again
    "failed",  # cannot go on without a person; the reason stands beside it
]

TRANSITIONS: Mapping[State, frozenset[State]] = {
    "requested": frozenset({"preparing", "cancelled", "expired", "failed"}),
    "preparing": frozenset({"ready", "requested", "cancelled", "expired", "failed"}),
    "ready": frozenset({"in_review", "cancelled", "expired"}),
    "in_review": frozenset({"ready", "approved", "rejected", "cancelled", "expired"}),
    "approved": frozenset({"writing", "withdrawn"}),
    "writing": frozenset({"written", "unknown", "failed"}),
    "written": frozenset({"verified", "unknown", "withdrawn", "failed", "in_review"}),
    "verified": frozenset({"withdrawn", "in_review"}),
    "unknown": frozenset({"writing", "written", "verified", "failed"}),
    "failed": frozenset({"requested", "approved", "withdrawn", "cancelled", "expired"}),
    "rejected": frozenset(),
    "withdrawn": frozenset(),
    "cancelled": frozenset(),
    "expired": frozenset(),
}
"""From each state, where a brief may go next. What the EHR cannot give now is `requested` again, for later.

An approved brief is neither cancelled nor expired: a person decided, and only a person takes it back; what failed
before it was made ends with its visit. After a lost answer comes `unknown`, never `failed`. What is in the chart is
corrected by a review of its own: from `written` and `verified` back to `in_review`. From `failed` a person lets work
begin anew, as a new revision: what had been approved (its approval is on file) as `approved`, the rest as `requested`.
"""

FIRST: frozenset[State] = frozenset({"requested", "ready"})
"""Where a brief begins: asked for ahead of a visit, or made by the rules while the chart opened."""

STARTS: Mapping[State, str] = {"requested": "prepare", "approved": "writeback"}
"""The durable workflow that a state is waiting for; the sweeper starts it under a deterministic id."""

OPEN: frozenset[State] = frozenset({"requested", "preparing", "ready", "in_review"})
"""States that end when the visit is over or called off."""

SHOWN: frozenset[State] = frozenset(
    {"ready", "in_review", "approved", "writing", "written", "verified", "unknown"}
)
"""States whose brief is whole and may be shown to who may see the chart."""

FILING: frozenset[State] = frozenset(
    {"approved", "writing", "written", "verified", "unknown", "failed"}
)
"""States of a brief that somebody approved, whose note is on its way, in the chart, or lost. What failed while it was
prepared is `failed` as well, and has no text."""


def can_move(origin: State, target: State) -> bool:
    """Return whether a brief may go from one state to the other."""
    return target in TRANSITIONS[origin]


def diagram() -> Iterator[str]:
    """Yield the lines of the table as a Mermaid state diagram."""
    yield "stateDiagram-v2"
    yield from (f"    [*] --> {state}" for state in TRANSITIONS if state in FIRST)
    for origin, targets in TRANSITIONS.items():
        yield from (f"    {origin} --> {state}" for state in TRANSITIONS if state in targets)
        if not targets:
            yield f"    {origin} --> [*]"
