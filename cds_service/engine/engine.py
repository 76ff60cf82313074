"""The engine as the rest of the product sees it: register, launch, start, drain."""

import asyncio
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING
from uuid import uuid4

from cds_service.domain.steps import Workflow
from cds_service.engine.plan import Plan, Registered

if TYPE_CHECKING:
    from cds_service.engine.runtime import Runtime

AT_ONCE = 16
"""Workflows of one name that one process runs at once; a site's own limit is kept by what starts them."""
TRIES = (0.5, 2.0, 5.0)
"""Seconds to wait before each further try of a step whose problem may pass."""

LONGEST_STEP_S = 1800.0
"""A step that takes longer hangs: the longest, the gathering of a whole record, gives up its reads after half of it."""


@dataclass(frozen=True, slots=True)
class Ended:
    """A workflow that ended without doing its work to the end: by a crash, after too many take-overs, or `undone`."""

    name: str
    row_id: str
    reason: str


@dataclass(slots=True, kw_only=True)
class Engine:
    """Runs registered workflows, each at most once at a time, until it has ended. One for each process."""

    url: str = field(repr=False)
    """`sqlite:///FILE`, or `postgresql://...` for several processes."""
    seal: Callable[[bytes], bytes]
    """Makes what the engine stores unreadable."""
    open: Callable[[bytes], bytes]
    me: str = field(default_factory=lambda: f"process-{uuid4()}")
    """This start of this process: a fresh name each time, never reused."""
    hang_s: float = 60.0
    """A process whose event loop has not moved for so long ends itself, so that others take over."""
    tries: tuple[float, ...] = TRIES
    passing: tuple[type[Exception], ...] = (OSError,)
    """What a step may raise for a reason that may pass: a database that is away, for one."""
    longest_s: float = LONGEST_STEP_S
    """A step is cancelled after so long, and told as one that may be tried again."""
    registered: dict[str, Registered] = field(default_factory=dict)
    _runtime: "Runtime | None" = None
    _launching: "asyncio.Future[None] | None" = None

    @property
    def is_running(self) -> bool:
        """Return whether work is being taken."""
        return self._runtime is not None

    def register(self, name: str, workflow: Workflow, *, at_once: int = AT_ONCE) -> None:
        """Make a workflow known by its name, before the launch; the name stays for good."""
        self.registered[name] = Registered(name, workflow, at_once)

    async def allow(self, name: str, at_once: int) -> None:
        """Let so many workflows of a name run at once in each process, from now on."""
        if self.registered[name].at_once == at_once:
            return
        self.registered[name] = replace(self.registered[name], at_once=at_once)
        if self._runtime is not None:
            await asyncio.to_thread(self._runtime.allow, name, at_once)

    async def launch(self) -> None:
        """Open the engine's database and begin to take work, that of dead processes too.

        Takes about a second, in a thread beside the event loop; the bodies of steps run on this loop. The thread does
        not end when this is cancelled: what it launched is there for `drain` to end.
        """
        loop = asyncio.get_running_loop()
        self._launching = asyncio.ensure_future(asyncio.to_thread(self._launch, loop))
        await asyncio.shield(self._launching)

    def _launch(self, loop: asyncio.AbstractEventLoop) -> None:
        from cds_service.engine.runtime import Runtime  # late: it loads the library

        plan = Plan(
            url=self.url,
            seal=self.seal,
            open=self.open,
            me=self.me,
            hang_s=self.hang_s,
            tries=self.tries,
            passing=self.passing,
            longest_s=self.longest_s,
            registered=tuple(self.registered.values()),
        )
        self._runtime = Runtime(plan, loop)

    async def start(self, name: str, row_id: str, *, revision: int = 1) -> None:
        """Start a workflow for a row; one that was started before for this revision is left alone."""
        start, identity = self._running().start, workflow_id(name, row_id, revision)
        await asyncio.to_thread(start, name, identity)

    async def ended(
        self, rows: Iterable[tuple[str, str, int]], *, still_wait: bool = False
    ) -> list[Ended]:
        """Return which of these (name, row id, revision) ended without doing their work.

        `still_wait` says of all these rows that they wait for their workflow: then one that came to its end, and says
        that all went well, has not done it either. What it did was lost, or could not be stored.
        """
        ids = {workflow_id(*row): row for row in rows}
        if not ids:
            return []
        ended = self._running().ended
        found = await asyncio.to_thread(ended, list(ids), still_wait=still_wait)
        return [Ended(ids[each][0], ids[each][1], reason) for each, reason in found.items()]

    async def drain(self, wait_s: int = 20) -> None:
        """Take no more work and wait for what is under way; what is not done by then, others take over."""
        if self._launching is not None:
            await asyncio.wait([self._launching])
        runtime, self._runtime = self._runtime, None
        if runtime is not None:
            await asyncio.to_thread(runtime.stop, wait_s)

    def load(self) -> Mapping[str, int]:
        """Return how many workflows this process has under way, by name."""
        return {} if self._runtime is None else self._runtime.load()

    def _running(self) -> "Runtime":
        if self._runtime is None:
            msg = "the engine is not launched"
            raise RuntimeError(msg)
        return self._runtime


def workflow_id(name: str, row_id: str, revision: int = 1) -> str:
    """Return the id of a workflow: the same row and revision give the same one, whoever starts it."""
    return f"{name}:{row_id}:{revision}"
