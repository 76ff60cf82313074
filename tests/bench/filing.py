"""From the press of the button to the note read back: what we add to the EHR's own answer times."""

import asyncio
import random
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import median

import httpx
import psycopg

from cds_service.app import World, build
from tests.bench.measure import Row, Size, at_most
from tests.bench.process import serving
from tests.real.postgres import cluster_running
from tests.soak.writeback import Approved, Desk, Stand, record

MAX_EMBEDDED_MS = 150.0
MAX_SCALED_MS = 500.0
_LONGEST_S = 30.0


def filing(size: Size) -> Iterator[Row]:
    """Measure in one process on SQLite, then with a worker of its own on PostgreSQL."""
    notes = max(5, size.reads)
    with _stand("") as stand:
        ours, theirs = asyncio.run(_embedded(stand, notes))
    note = f"{notes} notes one after the other; the EHR itself took {theirs:.0f} ms for each"
    name = "approve to verified, embedded, median beyond the EHR"
    yield at_most(name, ours, "ms", MAX_EMBEDDED_MS, note)
    with cluster_running() as url:
        with psycopg.connect(f"{url}/postgres", autocommit=True) as connection:
            connection.execute("CREATE DATABASE bench")
        with _stand(f"{url}/bench") as stand:
            scaled = asyncio.run(_scaled(stand, notes))
    name = "approve to verified, scaled out, median beyond the EHR"
    yield at_most(name, scaled - theirs, "ms", MAX_SCALED_MS, f"{notes} notes, one worker")


@contextmanager
def _stand(database: str) -> Iterator[Stand]:
    with tempfile.TemporaryDirectory(prefix="cds-bench-") as temporary:
        stand = Stand(Path(temporary), database, random.Random(1))
        words = ["tests.soak._chart", str(stand.ehr_port)]
        with serving(words, port=stand.ehr_port, log=stand.folder / "ehr.log"):
            yield stand


@dataclass
class Timed(httpx.AsyncHTTPTransport):
    """The wire to the EHR, and how long it was waited for."""

    waited_s: float = 0.0

    def __post_init__(self):
        super().__init__()

    async def handle_async_request(self, request):
        began = time.perf_counter()
        answer = await super().handle_async_request(request)
        await answer.aread()
        self.waited_s += time.perf_counter() - began
        return answer


async def _embedded(stand: Stand, notes: int) -> tuple[float, float]:
    """Return the medians of what we added and of what the EHR took, in milliseconds."""
    wire = Timed()
    service = build(stand.settings(), World(transport=wire))
    added, theirs = [], []
    async with service.running():
        desk = Desk(stand, service)
        await desk.sign_in("general")
        for _ in range(notes + 1):
            before = wire.waited_s
            took = await _one(desk)
            waited = wire.waited_s - before
            theirs.append(waited * 1000)
            added.append((took - waited) * 1000)
    return median(added[1:]), median(theirs[1:])


async def _scaled(stand: Stand, notes: int) -> float:
    async with stand.desk() as desk:
        await desk.sign_in("general")
        worker = stand.process()
        try:
            took = [await _one(desk) * 1000 for _ in range(notes + 1)]
        finally:
            worker.kill()
            worker.wait()
    return median(took[1:])


async def _one(desk: Desk) -> float:
    """Approve one brief and wait until its note is read back; return the seconds."""
    brief = await desk.brief("general", record())
    told = Approved(brief=brief, fault="", session=replace(desk.sessions["general"], brief=brief))
    began = time.perf_counter()
    await desk.approve_one(told)
    while (await desk.rows())[brief][0] != "verified":
        if time.perf_counter() - began > _LONGEST_S:
            raise TimeoutError((await desk.rows())[brief])
        await asyncio.sleep(0.005)
    return time.perf_counter() - began
