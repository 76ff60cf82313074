"""Places for calls in flight: a cap for the process, and some of them out of reach of any one site."""

import asyncio
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field

from cds_service.domain.errors import Overloaded

_KEPT = 4
"""One place in so many is kept for the sites that hold few."""
PATIENCE_S = 0.25
"""A process that is never without a call still works ahead, slowly: one read in so long."""
_BREATH_S = 0.001
"""Long enough for what has arrived meanwhile to become a call in flight."""


@dataclass(slots=True)
class Places:
    """The places of one process, shared by its sites.

    A site may take whatever is free, but for the last quarter: of that each site may count on its part, however many
    calls another one sends.
    """

    total: int
    sites: Callable[[], int]
    """How many sites there are."""
    _taken: Counter[str] = field(default_factory=Counter)
    _quiet: asyncio.Event = field(default_factory=asyncio.Event)
    _line: asyncio.Lock = field(default_factory=asyncio.Lock)

    def __post_init__(self) -> None:
        """Begin with nobody in."""
        self._quiet.set()

    async def quiet(self) -> None:
        """Wait until no call is in flight, and no longer than `PATIENCE_S`: what is not urgent goes second.

        Who waits goes one by one, each after a new look: all at once would hold up the next call as long as it
        takes them all.
        """
        async with self._line:
            await asyncio.sleep(_BREATH_S)
            if not self._quiet.is_set():
                with suppress(TimeoutError):
                    await asyncio.wait_for(self._quiet.wait(), PATIENCE_S)

    @contextmanager
    def hold(self, site: str) -> Iterator[None]:
        """Hold one place for a site's call. Raises `Overloaded` when there is none for it."""
        if not self._is_free_for(site):
            raise Overloaded
        self._taken[site] += 1
        self._quiet.clear()
        try:
            yield
        finally:
            self._taken[site] -= 1
            if not self._taken.total():
                self._quiet.set()

    def _is_free_for(self, site: str) -> bool:
        free, others = self.total - self._taken.total(), self.sites() - 1
        kept = max(1, self.total // _KEPT)
        if others < 1 or free > kept:
            return free > 0
        return free > 0 and self._taken[site] < max(1, kept // others)
