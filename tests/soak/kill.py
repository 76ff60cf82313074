"""Kills processes that prepare briefs, again and again: none is lost, none is prepared twice.

On SQLite one process does all the work and is started again; on PostgreSQL two workers share it, and the other
one takes over. A killed process gets no chance to say goodbye (SIGKILL), at any moment of its work.
"""

import asyncio
import json
import os
import random
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from statistics import median

import psycopg
from sqlalchemy import func, select

from cds_service.domain.visit import Visit
from cds_service.flow.ask import Ask
from cds_service.settings import Settings
from cds_service.sites import load_sites
from cds_service.storage import Database, load_key_ring, open_database, start
from cds_service.storage.tables import AUDIT, BRIEF
from tests.bench.process import ROOT, free_port, serving
from tests.real.postgres import cluster_running
from tests.soak.figures import Figure

CONCURRENCY = 6
_SITE = """
title = "Soak"
vendor = "generic-r4"
environment = "test"
services = ["patient-view-brief"]

[fhir]
base_url = "http://127.0.0.1:{ehr}/r4"

[[trust]]
iss = "http://127.0.0.1:{ehr}"
jwks_url = "http://127.0.0.1:{ehr}/jwks"
client_id = "soak"

[backend]
client_id = "soak"

[prepare]
concurrency = {concurrency}
requests_per_second = 1000
"""


@dataclass(frozen=True, slots=True)
class Size:
    """How much is done."""

    briefs: int
    kills: int
    pause_s: tuple[float, float]
    """Between two kills."""


FULL = Size(briefs=200, kills=20, pause_s=(1.5, 4.0))
SHORT = Size(briefs=16, kills=2, pause_s=(1.0, 2.0))
_LONGEST_S = 600.0
_DELAY_S = 0.25


def run(seed: int, *, short: bool) -> list[Figure]:
    """Run on SQLite, then on PostgreSQL with two workers."""
    size = SHORT if short else FULL
    found = [*on_database(seed, size, workers=1, name="SQLite")]
    with cluster_running() as url:
        _create(url)
        found += on_database(seed, size, workers=2, name="PostgreSQL", database=f"{url}/soak")
    return found


def _create(url: str) -> None:
    with psycopg.connect(f"{url}/postgres", autocommit=True) as connection:
        connection.execute("CREATE DATABASE soak")


def on_database(
    seed: int, size: Size, *, workers: int, name: str, database: str = ""
) -> Iterator[Figure]:
    """Run one soak; yields its figures."""
    with tempfile.TemporaryDirectory(prefix="cds-soak-") as temporary:
        stand = Stand(Path(temporary), database)
        with stand.ehr():
            asyncio.run(stand.ask(size.briefs))
            began = time.monotonic()
            stand.start(workers)
            try:
                stand.kill_until_done(size, random.Random(seed))
            finally:
                stand.stop()
            took = time.monotonic() - began
            states, ends = asyncio.run(stand.outcome())
            more_reads = stand.repeated()
    most = stand.kills * CONCURRENCY
    yield Figure(f"{name}: briefs that became ready", states.get("ready", 0), size.briefs)
    yield Figure(f"{name}: briefs made ready more than once", sum(n > 1 for n in ends.values()), 0)
    yield Figure(f"{name}: kills", stand.kills)
    yield Figure(f"{name}: steps repeated beyond those interrupted", max(0, more_reads - most), 0)
    yield Figure(f"{name}: steps repeated", more_reads, of=most)
    for told, of in (("median", median), ("longest", max)):
        if stand.takeovers:
            yield Figure(f"{name}: take-over, {told} s", round(of(stand.takeovers), 2))
    yield Figure(f"{name}: s for all", round(took, 1))


@dataclass(slots=True)
class Stand:
    """The folder, the stand-in EHR and the processes of one run."""

    folder: Path
    database: str
    ehr_port: int = field(default_factory=free_port)
    processes: list[subprocess.Popen[bytes]] = field(default_factory=list)
    logs: list[Path] = field(default_factory=list)
    kills: int = 0
    takeovers: list[float] = field(default_factory=list)

    def settings(self) -> Settings:
        """Return the settings that every process of the run shares."""
        sites = self.folder / "sites"
        sites.mkdir(exist_ok=True)
        text = _SITE.format(ehr=self.ehr_port, concurrency=CONCURRENCY)
        (sites / "soak.toml").write_text(text, encoding="utf-8")
        return Settings(
            profile="demo",
            public_url="http://127.0.0.1:1",
            sites=sites,
            data_dir=self.folder / "data",
            database_url=self.database,
        )

    def ehr(self):
        """Run the EHR."""
        words = ["tests.soak._ehr", str(self.ehr_port), str(_DELAY_S)]
        return serving(words, port=self.ehr_port, log=self.folder / "ehr.log")

    async def ask(self, count: int) -> None:
        """Ask for briefs of so many patients."""
        async with self._open() as (database, settings):
            sites = load_sites(
                settings.sites, services=frozenset({"patient-view-brief"}), demo=True
            )
            ask = Ask(database=database, now=lambda: datetime.now(UTC))
            for number in range(count):
                await ask.by_hand(Visit(patient=f"p{number}"), sites.find("soak"))

    async def outcome(self):
        """Return how many briefs are in each state, and how often each became ready."""
        async with self._open() as (database, _), database.reading() as connection:
            by_state = select(BRIEF.c.state, func.count()).group_by(BRIEF.c.state)
            states = {row[0]: row[1] for row in await connection.execute(by_state)}
            ready = select(AUDIT.c.brief).where(
                AUDIT.c.action == "prepare", AUDIT.c.outcome == "ready"
            )
            ends: dict[str, int] = {}
            for (brief,) in await connection.execute(ready):
                ends[brief] = ends.get(brief, 0) + 1
        return states, ends

    def repeated(self) -> int:
        """Return how often a patient was read once more."""
        with urllib.request.urlopen(f"http://127.0.0.1:{self.ehr_port}/counts") as answer:
            return sum(count - 1 for count in json.load(answer).values())

    def _open(self):
        return _opened(self.settings())

    def start(self, workers: int) -> None:
        """Start the processes that work."""
        for _ in range(workers):
            self.processes.append(self._process())

    def _process(self) -> subprocess.Popen[bytes]:
        settings = self.settings()
        log = self.folder / f"process-{len(self.logs)}.log"
        self.logs.append(log)
        environ = {
            **os.environ,
            "CDS_PROFILE": "demo",
            "CDS_PUBLIC_URL": settings.public_url,
            "CDS_SITES": str(settings.sites),
            "CDS_DATA_DIR": str(settings.data_dir),
            "CDS_DATABASE_URL": self.database,
        }
        with log.open("wb") as out:
            return subprocess.Popen(
                [sys.executable, "-m", "cds_service.cli", "worker"],
                cwd=ROOT,
                env=environ,
                stdout=out,
                stderr=subprocess.STDOUT,
            )

    def kill_until_done(self, size: Size, chance: random.Random) -> None:
        """Kill a process, start another, and wait a little: until all is done. Raises `TimeoutError`."""
        deadline = time.monotonic() + _LONGEST_S
        while not asyncio.run(self._is_done()):
            if time.monotonic() > deadline:
                raise TimeoutError(self.logs[-1].read_text("utf-8")[-2000:])
            time.sleep(chance.uniform(*size.pause_s))
            if self.kills < size.kills:
                self._kill(chance.randrange(len(self.processes)))

    def _kill(self, number: int) -> None:
        told = self._told()
        self.processes[number].kill()
        self.processes[number].wait()
        began = time.monotonic()
        self.kills += 1
        self.processes[number] = self._process()
        while time.monotonic() - began < 5 and self._told() == told:
            time.sleep(0.02)
        if self._told() != told:
            self.takeovers.append(time.monotonic() - began)

    def _told(self) -> int:
        """Return how often a process said that it took work over."""
        return sum(log.read_text("utf-8").count("took over") for log in self.logs)

    async def _is_done(self) -> bool:
        open_ones = select(func.count()).where(BRIEF.c.state.in_(("requested", "preparing")))
        async with self._open() as (database, _), database.reading() as connection:
            return not (await connection.execute(open_ones)).scalar_one()

    def stop(self) -> None:
        """Stop what still runs."""
        for process in self.processes:
            process.kill()
            process.wait()


@asynccontextmanager
async def _opened(settings: Settings) -> AsyncIterator[tuple[Database, Settings]]:
    """Open the run's database for a moment, beside the processes that use it."""
    ring = load_key_ring(None, data_dir=settings.data_dir, demo=True)
    database = open_database(settings.database_url, data_dir=settings.data_dir, ring=ring)
    try:
        await start(database, now=datetime.now(UTC), sites=["soak"])
        yield database, settings
    finally:
        await database.close()
