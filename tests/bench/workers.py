"""Work ahead: what a brief costs, how that grows with processes, what waiting costs, what calls feel of it."""

import asyncio
import tempfile
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import count
from pathlib import Path

from sqlalchemy import func, select

from cds_service.audit import Audit
from cds_service.domain.visit import Visit
from cds_service.flow.ask import Ask
from cds_service.sites import load_sites
from cds_service.storage import Database, Writer, load_key_ring, open_database, start
from cds_service.storage.tables import BRIEF
from tests import processes
from tests.bench import chart
from tests.bench.ahead import prepare
from tests.bench.measure import Row, Size, at_most, open_loop, rounds_in_turn
from tests.bench.process import SETTLE_S, Server, free_port, serving
from tests.bench.stand import AHEAD, Stand
from tests.real.parts import PartError
from tests.real.postgres import cluster

BESIDE = 20
"""Preparations under way in the process that answers."""
WAITING = 10_000
MAX_IDLE_POINTS = 0.5
MAX_WAITING_START_S = 3.0
MIN_SCALING = 1.5
READ_S = 0.3
"""What each read of the stand-in takes whose CPU is next to none."""
_LONGEST_S = 300.0
_SERVICES = frozenset({chart.SERVICE})
_FIRST = datetime(2030, 1, 1, tzinfo=UTC)


def work_ahead(stand: Stand, size: Size) -> Iterator[Row]:
    """Measure all of it."""
    yield from beside_calls(stand, size)
    yield cost(stand, size)
    yield from scaling(size)
    yield from waiting(stand, size)


def beside_calls(stand: Stand, size: Size) -> Iterator[Row]:
    """Measure calls that are served from a ready brief while the same process prepares others."""
    data = stand.folder / "data"
    with stand.fhir(), stand.floor() as floor, stand.ours() as ours:
        prepare(stand, ours)
        low, high = rounds_in_turn(stand, floor, ours, replace(size, rounds=2), AHEAD)
        for number, (name, rate) in enumerate(
            (
                ("half its own capacity", high.half_rate),
                ("half the floor's capacity", low.half_rate),
            )
        ):
            many = round(size.open_s * BESIDE)
            _now(stand, data, many, first=number * many)
            _until(lambda: _count(stand, data, "preparing") >= BESIDE // 2)
            before = _count(stand, data, "ready")
            told = f"ready, {name}, {BESIDE} preparations"
            rows = open_loop(stand, ours, told, rate=rate, seconds=size.open_s, site=AHEAD)
            yield from _beside(list(rows), _count(stand, data, "ready") - before)
            _until(lambda: not _count(stand, data, "preparing"))


def _beside(rows: list[Row], prepared: int) -> Iterator[Row]:
    for row in rows:
        yield replace(row, note=f"{row.note}; {prepared} prepared meanwhile")


def cost(stand: Stand, size: Size) -> Row:
    """Measure a worker's CPU for each brief of the usual record, by rules alone."""
    data, port = stand.folder / "worker", free_port()
    command = ["cds_service.cli", "worker", "--port", str(port)]
    log, settings = stand.folder / "worker.log", stand.settings("worker")
    with stand.fhir(), serving(command, port=port, log=log, settings=settings) as worker:
        _now(stand, data, 1)
        _until(lambda: _count(stand, data, "ready") == 1)
        before = worker.cpu_seconds()
        _now(stand, data, size.prepares, first=1)
        _until(lambda: _count(stand, data, "ready") == size.prepares + 1)
        time.sleep(SETTLE_S)
        each = (worker.cpu_seconds() - before) / size.prepares
    note = f"mean of {size.prepares}, {sum(chart.RESOURCES.values()) + 2} resources, SQLite"
    return Row("CPU of a preparation, no model", each * 1000, "ms", note=note)


def scaling(size: Size) -> Iterator[Row]:
    """Compare one worker with two on one PostgreSQL, against a stand-in of fixed latency."""
    try:
        with cluster() as database:
            rates = [
                _rate(size, workers, database.create(f"workers{workers}")) for workers in (1, 2)
            ]
    except PartError as missing:
        yield Row("preparations per second", 0, "/s", note=f"not measured: {missing}"[:80])
        return
    note = f"reads of {READ_S:g} s, next to no CPU; PostgreSQL"
    for workers, rate in zip((1, 2), rates, strict=True):
        yield Row(f"preparations per second, workers: {workers}", rate, "/s", note=note)
    ratio = rates[1] / rates[0]
    name, target = "preparations per second, 2 workers / 1", f">= {MIN_SCALING} x"
    yield Row(name, ratio, "x", target, ratio >= MIN_SCALING)


def _rate(size: Size, workers: int, database: str) -> float:
    """Return how many briefs so many workers prepare in a second, once they are at it."""
    many = size.prepares * workers
    with (
        tempfile.TemporaryDirectory(prefix="cds-bench-") as temporary,
        processes.standing(
            Path(temporary), database=database, concurrency=64, delay_s=READ_S
        ) as stand,
    ):
        stand.ask(many)
        for _ in range(workers):
            stand.worker()
        _until(lambda: stand.states()["ready"] > 0)
        began, first = time.monotonic(), stand.states()["ready"]
        _until(lambda: stand.states()["ready"] == many)
        return (many - first) / (time.monotonic() - began)


def waiting(stand: Stand, size: Size) -> Iterator[Row]:
    """Compare a process that has nothing to do with one whose briefs all wait: for their time, or for a clinician."""
    with _idle(stand, "idle", 0) as (none, _), _idle(stand, "waiting", WAITING) as (many, took):
        time.sleep(size.idle_s / 4)  # what a start does is over
        before = [each.cpu_seconds() for each in (none, many)]
        time.sleep(size.idle_s)
        used = [
            (each.cpu_seconds() - cpu) / size.idle_s * 100
            for each, cpu in zip((none, many), before, strict=True)
        ]
    note = f"{used[1]:.2f} % and {used[0]:.2f} % of a core over {size.idle_s:.0f} s"
    more = used[1] - used[0]
    yield at_most(f"idle CPU, {WAITING} waiting - none", more, "pts", MAX_IDLE_POINTS, note)
    name = f"first 200 of /readyz, {WAITING} waiting"
    yield at_most(name, took, "s", MAX_WAITING_START_S, "one start")


@contextmanager
def _idle(stand: Stand, name: str, briefs: int) -> Iterator[tuple[Server, float]]:
    """Run the service with so many briefs that wait; yields it and what its start took."""
    _later(stand, stand.folder / name, briefs)
    port, log = free_port(), stand.folder / f"{name}.log"
    began = time.perf_counter()
    with serving(stand.serve(port), port=port, log=log, settings=stand.settings(name)) as server:
        yield server, time.perf_counter() - began


def _now(stand: Stand, data: Path, many: int, *, first: int = 0) -> None:
    """Ask for so many briefs of the usual record now."""
    now = datetime.now(UTC)
    due = {"due": now, "created": now, "changed": now, "expires_at": now + timedelta(days=1)}
    asyncio.run(_ask(stand, data, [due] * many, first))


def _later(stand: Stand, data: Path, many: int) -> None:
    """Let briefs wait: for their time, and every second one for a clinician."""
    now = datetime.now(UTC)
    later = {"created": now, "changed": now}  # by a clock that is right: else all begin at once
    later |= {"due": now + timedelta(days=2), "expires_at": now + timedelta(days=3)}
    ready = later | {"state": "ready", "due": None, "ready_at": now}
    asyncio.run(_ask(stand, data, [later, ready] * (many // 2), 0))


async def _ask(stand: Stand, data: Path, rows: list[dict[str, object]], first: int) -> None:
    async with _opened(stand, data) as database:
        site = load_sites(stand.folder / "sites", services=_SERVICES, demo=True).find(AHEAD)
        audit = Audit(writer=Writer(database), now=lambda: _FIRST)
        ask = Ask(database=database, audit=audit, now=lambda: _FIRST)
        visits = (Visit(patient=f"patient-{number}") for number in count(first))
        # `rows` last: each has its real times.
        await ask.store(
            [ask.for_chart(visit, site) | row for visit, row in zip(visits, rows, strict=False)]
        )


def _count(stand: Stand, data: Path, state: str) -> int:
    """Return how many prepared briefs are in a state."""

    async def counted() -> int:
        query = select(func.count()).where(BRIEF.c.source == "prepare", BRIEF.c.state == state)
        async with _opened(stand, data) as database, database.reading() as connection:
            found: int = (await connection.execute(query)).scalar_one()
            return found

    return asyncio.run(counted())


@asynccontextmanager
async def _opened(stand: Stand, data: Path) -> AsyncIterator[Database]:
    """Open a database of the stand for a moment, beside the process that uses it."""
    ring = load_key_ring(None, data_dir=data, demo=True)
    database = open_database("", data_dir=data, ring=ring)
    try:
        await start(database, now=datetime.now(UTC), sites=[AHEAD])
        yield database
    finally:
        await database.close()


def _until(done: Callable[[], bool]) -> None:
    processes.until(done, _LONGEST_S)
