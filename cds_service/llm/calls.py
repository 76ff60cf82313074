"""Our own retries: within one deadline, whatever a server asks us to wait."""

import asyncio
import random
from collections.abc import Callable
from dataclasses import dataclass

from cds_service.llm.model import Ask, Model, ModelFailed, OutOfTime, Reply

_CHANCE = random.SystemRandom()


@dataclass(frozen=True, slots=True, kw_only=True)
class Patience:
    """How often, and how long between."""

    attempts: int = 3
    min_call_s: float = 3.0
    """With less than this left, no call and no retry is begun."""
    base_s: float = 0.5
    cap_s: float = 4.0

    def wait(self, attempt: int, asked: float | None) -> float:
        """Return how long to wait after a failed attempt: what the server asked, else full jitter."""
        if asked is not None and asked >= 0:
            return asked
        return _CHANCE.uniform(0, min(self.cap_s, self.base_s * 2**attempt))


async def ask_in_time(
    model: Model, ask: Ask, *, left: Callable[[], float], patience: Patience
) -> tuple[Reply, int]:
    """Ask, again where that can help and fits; return the answer and the number of retries.

    A wait is cut short by nothing: one that does not fit into the time that is left ends the matter at once, so
    that a `Retry-After` of an hour costs no second. Raises `ModelFailed` or `OutOfTime`.
    """
    for attempt in range(patience.attempts):
        if left() < patience.min_call_s:
            raise OutOfTime
        try:
            return await model.ask(ask, seconds=left()), attempt
        except ModelFailed as failure:
            wait = patience.wait(attempt, failure.wait)
            last = attempt + 1 == patience.attempts
            if last or not failure.retryable or wait > left() - patience.min_call_s:
                raise
        await asyncio.sleep(wait)
    raise OutOfTime
