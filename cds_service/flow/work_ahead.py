"""Keeps work ahead going: starts what is due, mends what broke, ends what is over. The state column is its outbox.

Every process that works does this; that two of them do it at once doubles nothing, because a workflow's id is its
row's. A site has so many briefs under way as its file allows, so that its backlog holds up nobody else's.
"""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from cds_service.domain.errors import Misconfigured
from cds_service.domain.states import STARTS, State
from cds_service.engine import AT_ONCE, Engine
from cds_service.flow.ask import TRIED_AGAIN
from cds_service.flow.backlog import Backlog, look
from cds_service.flow.change import Change
from cds_service.flow.schedule import Schedule
from cds_service.flow.switches import Switches
from cds_service.flow.write_back import WriteBack
from cds_service.sites import Site, Sites
from cds_service.storage import OUTAGES, Database, briefs, clock_ahead, feeds

SWEEP_S = 1.0
SHORTEST_S = 0.05
"""However much changes, there is so long between two looks."""
MEND_S = 15.0
ASLEEP = timedelta(minutes=2)
"""A loop that has not come round for so long does not work, whatever it is waiting for."""
_BROKEN_AFTER = timedelta(seconds=30)
_MOST_BREAKS = 10
"""A workflow that broke so often is given up; how often an EHR was waited for does not count."""
_REMEMBERED = 10_000
_FILING: tuple[State, ...] = ("approved", "writing", "written")
"""States of a brief whose note is on its way, or is being read back."""
log = logging.getLogger("cds_service")


@dataclass(slots=True, kw_only=True)
class WorkAhead:
    """The loop of a process that works. One for each process."""

    engine: Engine
    database: Database
    sites: Sites
    change: Change
    schedule: Schedule
    switches: Switches
    turn: Callable[[], Awaitable[None]]
    """Waits until no call needs this process: a brief is begun second, and one after the other."""
    now: Callable[[], datetime]
    clock: Callable[[], float] = time.monotonic
    """What the rounds are timed by: it does not jump when the time of day is set."""
    write_back: WriteBack | None = None
    """What files approved notes."""
    problem: str = ""
    """Why no work is being done; readiness tells it."""
    backlog: Backlog = field(default_factory=Backlog)
    """How the queue stood at the last look; readiness and metrics tell it."""
    came_round: datetime | None = None
    """When the loop of a process that works last did so."""
    _started: dict[tuple[str, int], None] = field(default_factory=dict)
    _hurry: asyncio.Event = field(default_factory=asyncio.Event)
    _mend_at: float | None = None
    _polls: dict[str, asyncio.Task[None]] = field(default_factory=dict)

    def file_with(self, write_back: WriteBack) -> None:
        """Let approved notes be filed by this."""
        self.write_back = write_back
        self.engine.register("writeback", write_back)

    async def run(self) -> None:
        """Work until cancelled. A database that is away is waited for."""
        self.came_round = self.now()
        while True:
            try:
                if self.is_wanted():
                    await self._look()
                self.came_round = self.now()
            except Exception as problem:  # noqa: BLE001  # told to the operator; the next look may do better
                self._say(f"{type(problem).__name__}: no work is begun before it is mended")
                self._mend_at = None
            await self._pause()

    def hurry(self, *_: str) -> None:
        """Look again soon: something was approved, here or in another process."""
        self._hurry.set()

    async def _pause(self) -> None:
        """Wait for the next look, or until somebody asks for it."""
        await asyncio.sleep(SHORTEST_S)
        with suppress(TimeoutError):
            async with asyncio.timeout(SWEEP_S):
                await self._hurry.wait()
        self._hurry.clear()

    async def watch(self) -> None:
        """Only look, until cancelled: a process that answers tells of the queue, too."""
        while True:
            try:
                await self._count()
                self.problem = ""
            except OUTAGES as problem:
                self._say(f"{type(problem).__name__}: the queue cannot be seen")
            await asyncio.sleep(MEND_S)

    async def _look(self) -> None:
        """Start what is due; every so often, and after a problem, do the whole round.

        Only a round that was whole says that all is well.
        """
        await self.engine.allow(STARTS["requested"], _places(self.sites))
        if not self.engine.is_running:
            await self.engine.launch()
        if self._mend_at is not None and self.clock() < self._mend_at:
            await self.sweep()
            return
        await _each(self.sweep, self.expire, self.mend, self._count, self._poll)
        self._mend_at = self.clock() + MEND_S
        if self.problem:
            log.warning("work ahead goes on")
        self.problem = ""

    def is_wanted(self) -> bool:
        """Return whether any site has work for an engine."""
        return any(
            site.may_prepare or site.file.write.route != "none"
            for site in self.sites.by_name.values()
        )

    async def sweep(self) -> None:
        """Start what is due, within what each site allows."""
        now = self.now()
        async with self.database.reading() as connection:
            names = await briefs.due_sites(connection, now)
            known = await feeds.feeds(connection) if names else {}
            most = {name: self._allowed(name, known.get(name)) for name in names}
            due = {
                name: await briefs.due(connection, name, now, limit=allowed)
                for name, allowed in most.items()
                if allowed
            }
            # Counted last: what begins meanwhile is then in both, and nobody is begun in its place.
            busy = await briefs.under_way(connection) if due else {}
        await self._start_approved()
        for name, rows in due.items():
            for brief_id, revision in rows[: max(0, most[name] - busy.get(name, 0))]:
                if self._hurry.is_set():
                    return  # somebody approved: the rest begins after that, at the next look
                await self.turn()
                await self._start("requested", brief_id, revision)

    def _allowed(self, name: str, feed: feeds.FeedState | None) -> int:
        """Return how many briefs of a site may be under way now."""
        site = self.sites.by_name.get(name)
        if site is None or site.file.prepare is None or not self.switches.may_prepare(site):
            return 0
        is_paused = feed is not None and feed.pause(self.now()) is not None
        return 0 if is_paused else site.file.prepare.concurrency

    async def _start_approved(self) -> None:
        async with self.database.reading() as connection:
            approved = await briefs.in_state(connection, "approved")
        for row in approved:
            if self._may_file(row):
                await self._start("approved", row.id, row.revision)

    async def _start(self, state: State, brief_id: str, revision: int) -> None:
        """Start the workflow that a state waits for; what was started is only looked at again by `mend`."""
        name = STARTS[state]
        if name not in self.engine.registered or (f"{name}:{brief_id}", revision) in self._started:
            return
        await self.engine.start(name, brief_id, revision=revision)
        while len(self._started) >= _REMEMBERED:
            del self._started[next(iter(self._started))]
        self._started[f"{name}:{brief_id}", revision] = None

    async def expire(self) -> None:
        """End what is over: the visit has been, and nobody approved, or it could not be made."""
        async with self.database.reading() as connection:
            over = await briefs.over(connection, self.now())
        for row in over:
            await self.change(row, "expired", reason=row.reason)
        await self._set_aside_made_ahead()
        await self._bring_forward()

    async def _set_aside_made_ahead(self) -> None:
        """Have nothing shown any more that was made while our clock was ahead: it says that it is of a later time."""
        async with self.database.reading() as connection:
            made = [
                brief
                for site in self.sites.by_name
                for brief in await clock_ahead.made_ahead(connection, site, self.now())
            ]
        if made:
            log.warning("%s briefs were made by a clock that was ahead", len(made))
            async with self.database.transaction() as connection:
                for brief in made:
                    await briefs.set_columns(connection, brief, ready_at=briefs.SET_ASIDE)

    async def _bring_forward(self) -> None:
        """Have nothing wait for a time that only a clock that was ahead has seen."""
        async with self.database.transaction() as connection:
            if brought := await clock_ahead.bring_forward(connection, self.now()):
                log.warning("%s briefs were asked for by a clock that was ahead", brought)

    async def mend(self) -> None:
        """Begin anew what broke: its workflow has ended, and its row still waits."""
        now = self.now()
        async with self.database.reading() as connection:
            waiting = [
                *await briefs.in_state(connection, "preparing", before=now - _BROKEN_AFTER),
                *await briefs.overdue(connection, now - _BROKEN_AFTER),
            ]
            filing = [
                row
                for state in _FILING
                for row in await briefs.in_state(connection, state, before=now - _BROKEN_AFTER)
                if self._may_file(row)
            ]
        for row in waiting:
            if row.state == "preparing":  # its workflow may be gone, with the engine's database
                await self._start("requested", row.id, row.revision)
        await self._file_anew({row.id: row for row in filing})
        rows = {row.id: row for row in waiting}
        broken = await self.engine.ended(
            [("prepare", row.id, row.revision) for row in rows.values()], still_wait=True
        )
        for each in broken:
            await self._begin_anew(rows[each.row_id], f"broke_{each.reason}", now)

    async def _begin_anew(self, row: briefs.Row, reason: str, now: datetime) -> None:
        log.warning("brief %s: its workflow ended (%s); it is begun anew", row.id, reason)
        breaks = await self._breaks("prepare", row)
        if breaks >= _MOST_BREAKS:
            await self.change(row, "failed", reason=reason)
            return
        await self.change.again(row, reason=reason, due=now + timedelta(minutes=breaks))

    async def _breaks(self, name: str, row: briefs.Row) -> int:
        """Return how often the workflow of a row has broken since it was asked for, this time included.

        The engine knows it: a revision whose workflow came to its end only waited for an EHR, or was decided anew.
        """
        first = int(row.versions.get(TRIED_AGAIN, 1))
        before = [(name, row.id, revision) for revision in range(first, row.revision)]
        return 1 + len(await self.engine.ended(before))

    async def _file_anew(self, filing: Mapping[str, briefs.Row]) -> None:
        """Begin filings anew whose workflow broke: the ledger of writes keeps that from doubling a note.

        One that goes on breaking is put to a person: nobody else may say that a note is not in the chart.
        """
        name = STARTS["approved"]
        broken = await self.engine.ended((name, row.id, row.revision) for row in filing.values())
        for each in broken:
            row = filing[each.row_id]
            breaks = await self._breaks(name, row)
            if breaks >= _MOST_BREAKS and self.write_back is not None:
                log.warning(
                    "brief %s: its filing breaks again and again (%s)", row.id, each.reason
                )
                with _skipped(row):
                    await self.write_back.give_up(row.id)
                continue
            log.warning("brief %s: its filing broke (%s); it is begun anew", row.id, each.reason)
            # Started first: should this process die here, the same start is made once more.
            await self._start("approved", row.id, row.revision + 1)
            async with self.database.transaction() as connection:
                await briefs.set_columns(connection, row.id, revision=row.revision + 1)

    async def _count(self) -> None:
        async with self.database.reading() as connection:
            self.backlog = await look(
                connection,
                self.now(),
                prepares=self._prepares,
                files=self._files,
                polls=self._is_polled,
            )

    async def _poll(self) -> None:
        """Begin the polls that are due; each runs beside the others, and one at a time for each site."""
        now = self.now()
        async with self.database.reading() as connection:
            known = await feeds.feeds(connection)
        for site in self.sites.by_name.values():
            feed, under_way = known.get(site.name), self._polls.get(site.name)
            if under_way is not None and not under_way.done():
                if not self.switches.may_prepare(site):
                    under_way.cancel()
                continue
            if under_way is not None and not under_way.cancelled() and under_way.exception():
                broke = type(under_way.exception()).__name__
                log.warning("site %s: a poll broke: %s", site.name, broke)
            if self.switches.may_prepare(site) and _is_poll_due(site, feed, now):
                self._polls[site.name] = asyncio.create_task(self.schedule(site))

    def fault(self) -> str:
        """Return why this process does not do its work, or ""."""
        if self.problem:
            return self.problem
        as_of = self.backlog.as_of if self.is_wanted() else None
        for looked in filter(None, (self.came_round, as_of)):
            if self.now() - looked > ASLEEP:
                return "the queue is not looked at any more"
        if as_of is not None and as_of > self.now():
            return "the clock was ahead when the queue was looked at"
        if self.backlog.stuck:
            return f"nothing moves of what is late at {', '.join(self.backlog.stuck)}; see `cds-service queue list`"
        return ""

    def _prepares(self, name: str) -> bool:
        site = self.sites.by_name.get(name)
        return site is not None and self.switches.may_prepare(site)

    def _is_polled(self, name: str) -> bool:
        site = self.sites.by_name.get(name)
        prepare = site.file.prepare if site else None
        return prepare is not None and prepare.poll and self._prepares(name)

    def _files(self, name: str) -> bool:
        site = self.sites.by_name.get(name)
        return site is not None and self.switches.is_on(site)

    def _may_file(self, row: briefs.Row) -> bool:
        """Return whether an approved note may be sent now; else it waits: off means that nothing is filed."""
        return self._files(row.site)

    async def stop(self, wait_s: int) -> None:
        """Take no more work, and wait for what is under way."""
        for task in self._polls.values():
            task.cancel()
        await asyncio.gather(*self._polls.values(), return_exceptions=True)
        await self.engine.drain(wait_s)

    def _say(self, problem: str) -> None:
        if problem != self.problem:
            log.warning("work ahead: %s", problem)
        self.problem = problem


def _is_poll_due(site: Site, feed: feeds.FeedState | None, now: datetime) -> bool:
    prepare = site.file.prepare
    if prepare is None:
        return False
    return feeds.is_due(feed, now, timedelta(minutes=prepare.poll_every_minutes))


async def _each(*parts: Callable[[], Awaitable[None]]) -> None:
    """Do each part, also after one that broke. Raises the first problem, when all have had their turn."""
    problems = []
    for part in parts:
        try:
            await part()
        except Exception as problem:  # noqa: BLE001  # raised below
            problems.append(problem)
    if problems:
        raise problems[0]


@contextmanager
def _skipped(row: briefs.Row) -> Iterator[None]:
    """Leave one row out that does not open, so that it holds up no other."""
    try:
        yield
    except Misconfigured:
        log.warning("brief %s is left out: it does not open", row.id)


def _places(sites: Sites) -> int:
    """Return how many briefs a process may have under way.

    Were every other site's EHR to hang, with as many under way as each file allows, there would be places left.
    """
    allowed = [
        site.file.prepare.concurrency
        for site in sites.by_name.values()
        if site.may_prepare and site.file.prepare
    ]
    return AT_ONCE + sum(allowed) - min(allowed, default=0)
