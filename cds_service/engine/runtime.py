"""The workflow library, wrapped: everything that is particular to it stands here.

It runs on threads and an event loop of its own, so that its database work never holds up an answer; only the bodies
of steps run on the loop of the service.
"""

import asyncio
import logging
import os
import signal
import sqlite3
import threading
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from contextlib import closing, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, TypeVar

from dbos import DBOS, SetWorkflowID, WorkflowStatus

from cds_service.domain.errors import CdsError
from cds_service.domain.steps import Json, Permanent, Stopped, Temporary, Workflow
from cds_service.engine.liveness import FileLocks, Liveness, Locks, PostgresLocks
from cds_service.engine.plan import Plan
from cds_service.engine.sealed import SealedJson

VERSION = "workflows-1"
"""Work begun under one version is never taken by another. The same for every release, and bumped only when the names
or the order of a workflow's steps change; then the old release has to finish its work (`cds-service worker` of it
drains) before it goes."""

SWEEP_S = 1.0
POLL_S = 0.3
"""How often each of several processes looks at a queue: what a person approved waits for it."""
POLL_ALONE_S = 1.0
"""How often one process by itself does: each look costs 3 ms of CPU, and what it starts begins without the queue."""
HUNG = "step_hung"
"""The reason of a step that did not end in its time."""
_TO_END_S = 5.0
"""A body that is cancelled has so long to end."""
_STOP_S = 0.25
"""How long a stop may have to wait for a thread of the library that sleeps, on SQLite."""
STRANDED_S = 10.0
"""A workflow that is ours and has not run for so long was not merely about to begin or to end."""
KEEP_DAYS = 7
"""Finished workflows are forgotten after so many days; what they did stands in the audit."""
_TOO_OFTEN = 20
"""Take-overs of one workflow after which it is given up: it may be what kills the processes."""
_FAILED = ["ERROR", "CANCELLED", "MAX_RECOVERY_ATTEMPTS_EXCEEDED"]
_DONE = "SUCCESS"
_BATCH = 500
_BEATS = 20
"""How often the event loop is asked within the time after which it is called hung."""
_SQLITE = "sqlite:///"

T = TypeVar("T")
log = logging.getLogger("cds_service")


@dataclass(frozen=True, slots=True)
class _Steps:
    """Runs one workflow's steps: each is remembered by the library, and its body runs on our loop."""

    loop: asyncio.AbstractEventLoop
    tries: tuple[float, ...]
    passing: tuple[type[Exception], ...]
    longest_s: float

    async def __call__(self, name: str, body: Callable[..., Awaitable[T]], /, *args: Json) -> T:
        async def run(*given: Json) -> T:
            there = asyncio.run_coroutine_threadsafe(self._tried(body, given), self.loop)
            return await asyncio.wrap_future(there)

        return await DBOS.run_step_async({"name": name}, run, *args)

    async def _tried(self, body: Callable[..., Awaitable[T]], args: tuple[Json, ...]) -> T:
        for pause in self.tries:
            try:
                return await self._in_time(body, args)
            except Temporary as problem:
                if problem.reason == HUNG:  # a place was held for long enough
                    raise
                await asyncio.sleep(pause)
        return await self._in_time(body, args)

    async def _in_time(self, body: Callable[..., Awaitable[T]], args: tuple[Json, ...]) -> T:
        """Run a body, and cancel it after the longest time: what never returns would hold its site's place for good.

        One that does not end when it is cancelled is left behind: what it may still store, its row's state guards.
        """
        running = asyncio.ensure_future(self._told(body, args))
        try:
            done, _ = await asyncio.wait({running}, timeout=self.longest_s)
            if done:
                return await running
            log.error("a step did not end in %g s: it is cancelled", self.longest_s)
            running.cancel()
            await asyncio.wait({running}, timeout=_TO_END_S)
        finally:
            running.cancel()
        raise Temporary(HUNG)

    async def _told(self, body: Callable[..., Awaitable[T]], args: tuple[Json, ...]) -> T:
        """Run a body; what goes wrong is told by a code, because texts and traces may quote a chart."""
        try:
            return await body(*args)
        except Stopped:
            raise
        except CdsError as problem:
            raise Permanent(problem.code) from None
        except self.passing as problem:
            raise Temporary(f"away_{type(problem).__name__}") from None
        except Exception as crash:  # noqa: BLE001  # the last resort: raised again as a code
            log.error("a step crashed: %s", type(crash).__name__)  # noqa: TRY400  # a trace quotes values
            raise Permanent(f"crashed_{type(crash).__name__}") from None


@dataclass(slots=True)
class Runtime:
    """One launched engine. The library allows one in a process."""

    plan: Plan
    loop: asyncio.AbstractEventLoop
    running: set[str] = field(default_factory=set)
    """Ids of workflows that run here now."""
    _places: dict[str, int] = field(default_factory=dict)
    """How many workflows of a name run here at once."""
    _idle: dict[str, float] = field(default_factory=dict)
    """Since when a workflow is ours and does not run."""
    _workflows: dict[str, Callable[[str], Coroutine[Any, Any, None]]] = field(default_factory=dict)
    _stopping: threading.Event = field(default_factory=threading.Event)
    _threads: list[threading.Thread] = field(default_factory=list)
    _beat: threading.Event = field(default_factory=threading.Event)
    _liveness: Liveness = field(init=False)
    _library: DBOS = field(init=False)

    def __post_init__(self) -> None:
        """Launch. Runs in a thread without a loop, so that the library makes one of its own.

        The library has one instance for the process, and a half-launched one would be the next launch's too.
        """
        self._liveness = Liveness(
            me=self.plan.me,
            locks=_locks(self.plan.url),
            owners=_owners,
            take_over=lambda owner: len(DBOS._recover_pending_workflows([owner])),  # noqa: SLF001
        )
        try:
            self._launch()
        except BaseException:
            self.stop(0)
            raise

    def _launch(self) -> None:
        _write_ahead(self.plan.url)
        self._liveness.ensure()
        _hush()
        self._library = DBOS(
            config={
                "name": "cds-service",
                "system_database_url": _library_url(self.plan.url),
                "serializer": SealedJson(self.plan.seal, self.plan.open),
                "application_version": VERSION,
                "executor_id": self.plan.me,
                "log_level": "CRITICAL",  # its messages quote values; ours name what went wrong
                "db_engine_kwargs": {"hide_parameters": True},
                "sys_db_pool_size": 5,
                "notification_listener_polling_interval_sec": _STOP_S,
            }
        )
        for each in self.plan.registered:
            known = DBOS.workflow(name=each.name, max_recovery_attempts=_TOO_OFTEN)
            self._workflows[each.name] = known(self._runner(each.name, each.workflow))
        DBOS.launch()
        for each in self.plan.registered:
            self.allow(each.name, each.at_once)
        self._spawn(self._sweep)
        self._spawn(self._watch)

    def allow(self, name: str, at_once: int) -> None:
        """Let so many workflows of a name run here at once; the queue is asked for that each time it is looked at."""
        self._places[name] = at_once
        DBOS.register_queue(
            name,
            worker_concurrency=at_once,
            polling_interval_sec=POLL_ALONE_S if self._is_alone else POLL_S,
            on_conflict="always_update",
        )

    def _runner(self, name: str, workflow: Workflow) -> Callable[[str], Coroutine[Any, Any, None]]:
        steps = _Steps(self.loop, self.plan.tries, self.plan.passing, self.plan.longest_s)

        async def run(row_id: str) -> None:
            workflow_id = str(DBOS.workflow_id)
            self.running.add(workflow_id)
            try:
                await workflow(steps, row_id)
            finally:
                self.running.discard(workflow_id)

        run.__qualname__ = run.__name__ = name
        return run

    @property
    def _is_alone(self) -> bool:
        """Whether no other process could take what is started here."""
        return _sqlite_file(self.plan.url) is not None

    def start(self, name: str, workflow_id: str) -> None:
        """Start a workflow under its id; an id that is known is left alone.

        Where nobody else could take it, it begins here and now while there is a place; else it goes through the queue,
        as does what was interrupted.
        """
        row_id = workflow_id.split(":")[1]
        if self._is_alone and self.load().get(name, 0) < self._places[name]:
            # On the library's loop, as the queue does: what a thread waits for is noted as broken when a stop ends it.
            begins = self._begin(name, workflow_id, row_id)
            self._library._background_event_loop.submit_coroutine(begins)  # noqa: SLF001
            return
        DBOS.enqueue_workflow_with_options(
            {
                "workflow_name": name,
                "queue_name": name,
                "workflow_id": workflow_id,
                "app_version": VERSION,
            },
            row_id,
        )

    async def _begin(self, name: str, workflow_id: str, row_id: str) -> None:
        with SetWorkflowID(workflow_id):
            await DBOS.start_workflow_async(self._workflows[name], row_id)

    def ended(self, ids: Sequence[str], *, still_wait: bool) -> dict[str, str]:
        """Return why, for each of these workflows that ended without doing its work."""
        wanted = [*_FAILED, _DONE] if still_wait else _FAILED
        batches = [ids[begin : begin + _BATCH] for begin in range(0, len(ids), _BATCH)]
        found = [w for batch in batches for w in _listed(workflow_ids=list(batch), status=wanted)]
        return {
            each.workflow_id: "undone" if each.status == _DONE else each.status.lower()
            for each in found
        }

    def load(self) -> dict[str, int]:
        """Return how many workflows run here, by name."""
        return Counter(_name(each) for each in self.running.copy())

    def stop(self, wait_s: int) -> None:
        """Take no more, wait for what is under way, and give the lock back."""
        self._stopping.set()
        for thread in self._threads:
            thread.join(timeout=10)
        DBOS.destroy(
            destroy_registry=True, workflow_completion_timeout_sec=wait_s if self.load() else 0
        )
        self._liveness.locks.close()

    def _spawn(self, target: Callable[[], None]) -> None:
        thread = threading.Thread(target=target, name=f"engine{target.__name__}", daemon=True)
        thread.start()
        self._threads.append(thread)

    def _sweep(self) -> None:
        """Take over from the dead, again and again, and forget what was finished long ago."""
        forget_at = time.monotonic()
        while not self._stopping.wait(SWEEP_S):
            try:
                if taken := self._liveness.sweep():
                    log.warning("took over %d workflows of a process that ended", taken)
                self._pick_up()
                if time.monotonic() >= forget_at:
                    forget_at = time.monotonic() + 3600
                    _forget(datetime.now(UTC) - timedelta(days=KEEP_DAYS))
            except Exception as problem:  # noqa: BLE001  # the sweep goes on when the database is back
                log.warning("the engine's database: %s", type(problem).__name__)

    def _pick_up(self) -> None:
        """Begin anew what is ours and does not run: a full disk, say, did not let its outcome be recorded."""
        now, found = time.monotonic(), _listed(status="PENDING", executor_id=[self.plan.me])
        ours = {each.workflow_id for each in found} - self.running
        self._idle = {each: self._idle.get(each, now) for each in ours}
        for each in [each for each, since in self._idle.items() if now - since >= STRANDED_S]:
            log.warning("a workflow ended without an outcome; it is begun anew")
            DBOS.resume_workflows([each], queue_name=_name(each))
            del self._idle[each]

    def _watch(self) -> None:
        """End this process when its event loop hangs: a living process keeps its lock, and its work.

        Beats are counted, not seconds: a machine that was suspended stops this thread too, and is no hang.
        """
        missed = 0
        while not self._stopping.wait(self.plan.hang_s / _BEATS) and not self.loop.is_closed():
            missed = 0 if self._beat.is_set() else missed + 1
            if missed > _BEATS:
                log.critical("the event loop hangs: this process ends, others take its work over")
                os.kill(os.getpid(), signal.SIGKILL)
            self._beat.clear()
            with suppress(RuntimeError):  # the loop was closed this very moment
                self.loop.call_soon_threadsafe(self._beat.set)


def _hush() -> None:
    """Let the library write nothing: its messages quote values. Without a handler it would take stderr, for good."""
    logger = logging.getLogger("dbos")
    logger.propagate = False
    if not logger.handlers:
        logger.addHandler(logging.NullHandler())


def _listed(**wanted: Any) -> list[WorkflowStatus]:  # noqa: ANN401  # the library's own filters
    """List workflows without what they carry."""
    return DBOS.list_workflows(load_input=False, load_output=False, **wanted)


def _name(workflow_id: str) -> str:
    return workflow_id.partition(":")[0]


def _owners() -> set[str]:
    found = _listed(status="PENDING")
    return {each.executor_id for each in found if each.executor_id}


def _forget(before: datetime) -> None:
    """Delete finished workflows, oldest first, a batch at a time."""
    while found := _listed(
        status=[_DONE, *_FAILED], completed_before=before.isoformat(), limit=_BATCH
    ):
        DBOS.delete_workflows([each.workflow_id for each in found])


def _write_ahead(url: str) -> None:
    """Put SQLite into write-ahead mode: the library does not, and is half as fast without."""
    file = _sqlite_file(url)
    if file is not None:
        file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        with closing(sqlite3.connect(file)) as connection:
            connection.execute("PRAGMA journal_mode=WAL")


def _locks(url: str) -> Locks:
    file = _sqlite_file(url)
    if file is not None:
        return FileLocks(file.with_name(f"{file.name}.locks"))
    return PostgresLocks(_library_url(url))


def _sqlite_file(url: str) -> Path | None:
    return Path(url.removeprefix(_SQLITE)) if url.startswith(_SQLITE) else None


def _library_url(url: str) -> str:
    """Return the URL without a driver's name: the library picks its own."""
    return url.replace("+psycopg:", ":", 1).replace("+aiosqlite:", ":", 1)
