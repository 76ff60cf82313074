"""Callers that prove nobody, counted: a flood of them must not fill the audit's chains, nor hide in silence."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta

WINDOW = timedelta(minutes=1)
Key = tuple[str, str, str, str]
"""Site, action, outcome and reason."""


@dataclass(slots=True)
class Tally:
    """How many more there were since the first one, which has an entry of its own."""

    since: datetime
    until: datetime
    count: int = 0


@dataclass(slots=True)
class Refusals:
    """The first refusal of a kind is told at once, the rest of its minute as one entry."""

    _open: dict[Key, Tally] = field(default_factory=dict)

    def take(self, key: Key, at: datetime) -> bool:
        """Return whether this one is to be told by itself; otherwise it has been counted."""
        tally = self._open.get(key)
        if tally is None:
            self._open[key] = Tally(at, at)
            return True
        tally.count += 1
        tally.until = at
        return False

    def due(self, now: datetime, *, everything: bool = False) -> Iterator[tuple[Key, Tally]]:
        """Yield what has been counted in windows that are over, each once."""
        over = [k for k, t in self._open.items() if everything or now - t.since >= WINDOW]
        for key in over:
            tally = self._open.pop(key)
            if tally.count:
                yield key, tally
