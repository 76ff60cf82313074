"""What became of a card: CDS Hooks 2.0.1, "Feedback"."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal


@dataclass(frozen=True, slots=True, kw_only=True)
class Feedback:
    """One outcome of one card. The comment may hold PHI: it is sealed at rest and never logged."""

    card: str
    outcome: Literal["accepted", "overridden"]
    at: datetime
    accepted: tuple[str, ...] = ()
    """uuids of accepted suggestions."""
    reason: str = ""
    """`system|code` of the override reason."""
    comment: str = field(default="", repr=False)

    @property
    def key(self) -> tuple[str, ...]:
        """Return what makes two reports the same one: card, outcome, time, suggestions."""
        return (self.card, self.outcome, self.at.isoformat(), *self.accepted)
