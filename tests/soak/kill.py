"""Kills processes that prepare briefs, again and again: none is lost, none is prepared twice.

On SQLite one process does all the work and is started again; on PostgreSQL two workers share it, and the other
one takes over. A killed process gets no chance to say goodbye (SIGKILL), at any moment of its work.
"""

import random
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median

from tests.processes import Process, Stand, standing
from tests.real.postgres import cluster
from tests.soak.figures import Figure


@dataclass(frozen=True, slots=True)
class Size:
    """How much is done."""

    briefs: int
    """At least."""
    kills: int
    pause_s: tuple[float, float]
    """Between two kills."""
    delay_s: float
    """What each read takes."""


FULL = Size(briefs=200, kills=20, pause_s=(1.0, 3.0), delay_s=0.3)
SHORT = Size(briefs=24, kills=2, pause_s=(0.5, 1.0), delay_s=0.8)
_LONGEST_S = 600.0
_NOTICED_S = 10.0
"""A process that was killed between two briefs leaves nothing to take over: so long is waited to see it."""


def run(seed: int, *, short: bool) -> list[Figure]:
    """Run on SQLite, then on PostgreSQL with two workers."""
    size = SHORT if short else FULL
    found = [*on_database(seed, size, workers=1, name="SQLite")]
    with cluster() as database:
        url = database.create("soak")
        found += on_database(seed, size, workers=2, name="PostgreSQL", database=url)
    return found


def on_database(
    seed: int, size: Size, *, workers: int, name: str, database: str = ""
) -> Iterator[Figure]:
    """Run one soak; yields its figures."""
    with (
        tempfile.TemporaryDirectory(prefix="cds-soak-") as temporary,
        standing(Path(temporary), database=database, delay_s=size.delay_s) as stand,
    ):
        asked = stand.ask(size.briefs)
        began = time.monotonic()
        killer = Killer(stand, asked, [stand.worker() for _ in range(workers)])
        killer.until_done(size, random.Random(seed))
        took = time.monotonic() - began
        states, ends = stand.states(), stand.entries("prepare", "ready")
        more_reads = sum(count - 1 for count in stand.counts().values())
        problem, most = stand.chain_problem(), killer.kills * stand.concurrency
    yield Figure(f"{name}: briefs that became ready", states["ready"], len(asked))
    yield Figure(
        f"{name}: briefs made ready more than once", sum(ends[each] > 1 for each in asked), 0
    )
    yield Figure(f"{name}: audit chains broken", int(bool(problem)), 0)
    yield Figure(f"{name}: kills", killer.kills, size.kills)
    yield Figure(f"{name}: steps repeated beyond those interrupted", max(0, more_reads - most), 0)
    yield Figure(f"{name}: steps repeated", more_reads, of=most)
    for told, of in (("median", median), ("longest", max)):
        if killer.takeovers:
            yield Figure(f"{name}: take-over, {told} s", round(of(killer.takeovers), 2))
    yield Figure(f"{name}: s for all", round(took, 1))


@dataclass(slots=True)
class Killer:
    """Kills workers of a stand and starts others."""

    stand: Stand
    asked: list[str]
    """Grows when the work would be done before the last kill."""
    workers: list[Process]
    kills: int = 0
    takeovers: list[float] = field(default_factory=list)
    """Seconds from a kill to the log line that says whose work was taken over."""

    def until_done(self, size: Size, chance: random.Random) -> None:
        """Kill a process, start another, and wait a little: until all is done. Raises `TimeoutError`."""
        deadline = time.monotonic() + _LONGEST_S
        while not set(states := self.stand.states()) <= {"ready", "failed"}:
            if time.monotonic() > deadline:
                raise TimeoutError(self.workers[-1].told()[-2000:])
            if self.kills < size.kills:
                if states["requested"] <= self.stand.concurrency:
                    self.asked += self.stand.ask(2 * self.stand.concurrency, first=len(self.asked))
                if states["preparing"]:
                    self._kill(chance.randrange(len(self.workers)))
            time.sleep(chance.uniform(*size.pause_s))

    def _kill(self, number: int) -> None:
        told = self._told()
        self.workers[number].kill()
        began = time.monotonic()
        self.kills += 1
        self.workers[number] = self.stand.worker()
        while time.monotonic() - began < _NOTICED_S and self._told() == told:
            time.sleep(0.02)
        if self._told() != told:
            self.takeovers.append(time.monotonic() - began)

    def _told(self) -> int:
        """Return how often a process said that it took work over."""
        return sum(process.told().count("took over") for process in self.stand.processes)
