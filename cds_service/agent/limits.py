"""What one run may take."""

from dataclasses import dataclass, field
from math import inf

from cds_service.domain.prices import Prices
from cds_service.llm.calls import Patience


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """Caps of a run, in seconds, calls, characters and tokens."""

    seconds: float = 40.0
    finalise_s: float = 12.0
    """With less than this left, the answer is asked for now."""
    rounds: int = 5
    tool_calls: int = 20
    pauses: int = 2
    repairs: int = 1
    answer_tokens: int = 6_000
    answer_tokens_again: int = 12_000
    """The second try after an answer that was cut."""
    tokens: int = 200_000
    """In and out, cached ones too, over all calls of the run: what a run may cost."""
    cost: float = inf
    """The same in the currency of `prices`: with so much spent, nothing more is asked."""
    prices: Prices | None = None
    first_chars: int = 33_000
    """Of the record in the first message; the floors of all sections fit into it."""
    rules_chars: int = 5_000
    """Of what rules would show, in the first message."""
    tool_chars: int = 12_000
    all_tool_chars: int = 48_000
    patience: Patience = field(default_factory=Patience)
