"""A site whose EHR is a stand-in, and processes of the product that work for it: on SQLite or on one PostgreSQL.

Soaks and the tests of several processes stand on it. Nothing in it is ours but the processes: they are started as an
operator starts them, told to stop by signals, and watched through their database, their log and HTTP.
"""

import asyncio
import http.client
import json
import os
import subprocess
import sys
import time
import urllib.request
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from uuid import uuid4

from cryptography.hazmat.primitives.asymmetric import ec
from sqlalchemy import func, select

from cds_service.audit import Audit
from cds_service.domain.visit import Visit
from cds_service.flow.ask import Ask
from cds_service.settings import Settings
from cds_service.simulator.keys import public_jwk
from cds_service.sites import load_sites
from cds_service.storage import Database, Writer, load_key_ring, open_database, start
from cds_service.storage.chain import verify
from cds_service.storage.tables import AUDIT, BRIEF
from tests.bench.process import ROOT, first_answer, free_port, serving
from tests.real.signing_proxy import Signer

SERVICE = "patient-view-brief"
PUBLIC_URL = "https://cds.example.org"
PATH = f"/soak/cds-services/{SERVICE}"
_LONGEST_S = 30.0
_SITE = """
title = "Soak"
vendor = "generic-r4"
environment = "test"
services = ["patient-view-brief"]
hook_budget_ms = 5000

[fhir]
base_url = "{fhir}"

[[trust]]
iss = "{ehr}"
jwks_file = "{jwks}"
client_id = "soak"

[backend]
client_id = "soak"
token_url = "{ehr}/token"

[prepare]
concurrency = {concurrency}
requests_per_second = 1000
"""


@dataclass(frozen=True, slots=True)
class Process:
    """One process of the product."""

    popen: subprocess.Popen[bytes]
    log: Path
    port: int = 0
    """Where it answers; 0 for one that does not."""

    def told(self) -> str:
        """Return what it has logged."""
        return self.log.read_text("utf-8", "replace")

    def kill(self) -> None:
        """End it at once, as a crash does."""
        self.popen.kill()
        self.popen.wait()

    def stop(self) -> None:
        """End it in order."""
        self.popen.terminate()
        self.popen.wait(_LONGEST_S)

    def ready(self) -> tuple[int, dict[str, object]]:
        """Return status and body of its readiness."""
        return _asked(self.port, "GET", "/readyz")


@dataclass(slots=True, kw_only=True)
class Stand:
    """The folder, the stand-in EHR, and how processes are started."""

    folder: Path
    database: str = ""
    """URL of a PostgreSQL; empty for SQLite in the folder."""
    concurrency: int = 6
    delay_s: float = 0.25
    """What each read takes."""
    fhir: str = ""
    """Another FHIR server than the stand-in's."""
    tables: str = ""
    """What its site file says besides."""
    environ: Mapping[str, str] = field(default_factory=dict)
    """What its processes are told besides."""
    ehr_port: int = field(default_factory=free_port)
    processes: list[Process] = field(default_factory=list)
    signer: Signer = field(init=False)

    def __post_init__(self) -> None:
        """Write the site, the keys, and the tables."""
        origin = f"http://127.0.0.1:{self.ehr_port}"
        key = ec.generate_private_key(ec.SECP384R1())
        self.signer = Signer(private_key=key, kid="soak", issuer=origin, now=time.time)
        jwks = self.folder / "jwks.json"
        jwks.write_text(json.dumps({"keys": [public_jwk(key, kid="soak", algorithm="ES384")]}))
        text = _SITE.format(
            ehr=origin,
            fhir=self.fhir or f"{origin}/r4",
            jwks=jwks,
            concurrency=self.concurrency,
        )
        sites = self.folder / "sites"
        sites.mkdir()
        (sites / "soak.toml").write_text(f"{text}\n{self.tables}", encoding="utf-8")

    def settings(self) -> Settings:
        """Return the settings that every process shares."""
        return Settings(
            profile="demo",
            public_url=PUBLIC_URL,
            sites=self.folder / "sites",
            data_dir=self.folder / "data",
            database_url=self.database,
        )

    @contextmanager
    def ehr(self) -> Iterator[None]:
        """Run the EHR."""
        words = ["tests.soak._ehr", str(self.ehr_port), str(self.delay_s)]
        with serving(words, port=self.ehr_port, log=self.folder / "ehr.log"):
            yield

    def counts(self) -> Mapping[str, int]:
        """Return how often each patient was read."""
        with urllib.request.urlopen(f"http://127.0.0.1:{self.ehr_port}/counts") as answer:
            found: dict[str, int] = json.load(answer)
            return found

    def worker(self, module: str = "cds_service.cli") -> Process:
        """Start a process that only works."""
        return self._start([module, "worker"], 0)

    def worker_with_health(self) -> Process:
        """Start a process that only works and tells how it is; ready when this returns."""
        port = free_port()
        started = self._start(["cds_service.cli", "worker", "--port", str(port)], port)
        first_answer(started.popen, port, "/healthz", started.log)
        return started

    def serve(self, role: str = "all") -> Process:
        """Start a process that answers; ready when this returns."""
        port = free_port()
        started = self._start(["cds_service.cli", "serve", "--port", str(port)], port, role)
        first_answer(started.popen, port, "/healthz", started.log)
        return started

    def _start(self, words: list[str], port: int, role: str = "all") -> Process:
        settings = self.settings()
        log = self.folder / f"process-{len(self.processes)}.log"
        environ = {
            **os.environ,
            "CDS_PROFILE": "demo",
            "CDS_PUBLIC_URL": settings.public_url,
            "CDS_SITES": str(settings.sites),
            "CDS_DATA_DIR": str(settings.data_dir),
            "CDS_DATABASE_URL": self.database,
            "CDS_ROLE": role,
            **self.environ,
        }
        with log.open("wb") as out:
            popen = subprocess.Popen(
                [sys.executable, "-m", *words], cwd=ROOT, env=environ, stdout=out, stderr=out
            )
        self.processes.append(Process(popen, log, port))
        return self.processes[-1]

    def stop(self) -> None:
        """Stop whatever still runs."""
        for process in self.processes:
            process.kill()

    def open_chart(
        self, process: Process, patient: str, *, prefetch: bool = True
    ) -> tuple[int, str]:
        """Open a chart; returns the status and the cards' details."""
        given = {"resourceType": "Patient", "id": patient, "birthDate": "1950-01-01"}
        body = {
            "hook": "patient-view",
            "hookInstance": "d1577c69-dfbe-44ad-ba6d-3e05e953b2ea",
            "context": {"patientId": patient, "userId": "Practitioner/1"},
            "prefetch": {"patient": given} if prefetch else {},
        }
        token = self.signer.token(PUBLIC_URL + PATH, sub="soak")
        status, told = _asked(process.port, "POST", PATH, body, token)
        cards = told.get("cards", [])
        return status, "\n".join(c.get("detail", "") for c in cards)  # type: ignore[attr-defined]

    def ask(self, count: int, *, first: int = 0) -> list[str]:
        """Ask for the briefs of so many patients, `p0` the first; returns their ids."""
        return [self.ask_for(f"p{number}") for number in range(first, first + count)]

    def ask_for(self, patient: str) -> str:
        """Ask for one patient's brief of a visit of its own; returns its id."""

        async def asked() -> str:
            async with self.opened() as database:
                sites = load_sites(self.settings().sites, services=frozenset({SERVICE}), demo=True)
                now = partial(datetime.now, UTC)
                ask = Ask(
                    database=database, audit=Audit(writer=Writer(database), now=now), now=now
                )
                visit, site = Visit(patient=patient, appointment=str(uuid4())), sites.find("soak")
                return await ask.by_hand(visit, site, by="operator/soak")

        return asyncio.run(asked())

    def states(self) -> Counter[str]:
        """Return how many prepared briefs are in each state."""

        async def counted() -> Counter[str]:
            query = select(BRIEF.c.state, func.count()).where(BRIEF.c.source == "prepare")
            async with self.opened() as database, database.reading() as connection:
                found = await connection.execute(query.group_by(BRIEF.c.state))
                return Counter({row[0]: row[1] for row in found})

        return asyncio.run(counted())

    def served_from(self) -> set[str]:
        """Return which prepared briefs charts that were opened have been answered from."""

        async def found() -> set[str]:
            query = select(BRIEF.c.versions).where(BRIEF.c.source == "hook")
            async with self.opened() as database, database.reading() as connection:
                rows = await connection.execute(query)
                return {prepared for (versions,) in rows if (prepared := versions["prepared"])}

        return asyncio.run(found())

    def entries(self, action: str, outcome: str) -> Counter[str]:
        """Return how many audit entries of a kind each brief has."""

        async def counted() -> Counter[str]:
            query = select(AUDIT.c.brief).where(
                AUDIT.c.action == action, AUDIT.c.outcome == outcome
            )
            async with self.opened() as database, database.reading() as connection:
                return Counter(row[0] for row in await connection.execute(query))

        return asyncio.run(counted())

    def chain_problem(self) -> str:
        """Return what is wrong with the site's audit chain, or ""."""

        async def judged() -> str:
            async with self.opened() as database, database.reading() as connection:
                return (await verify(database.seals, connection, "soak")).problem

        return asyncio.run(judged())

    @asynccontextmanager
    async def opened(self) -> AsyncIterator[Database]:
        """Open the database for a moment, beside the processes that use it."""
        settings = self.settings()
        ring = load_key_ring(None, data_dir=settings.data_dir, demo=True)
        database = open_database(settings.database_url, data_dir=settings.data_dir, ring=ring)
        try:
            await start(database, now=datetime.now(UTC), sites=["soak"])
            yield database
        finally:
            await database.close()


@contextmanager
def standing(folder: Path, **how: object) -> Iterator[Stand]:
    """Give a stand with its EHR running and its tables made; whatever it started ends with it."""
    stand = Stand(folder=folder, **how)  # type: ignore[arg-type]  # the fields by name
    try:
        with stand.ehr():
            stand.states()
            yield stand
    finally:
        stand.stop()


def until(done: Callable[[], bool], within_s: float, every_s: float = 0.2) -> None:
    """Wait until a question is answered with yes. Raises `TimeoutError`."""
    deadline = time.monotonic() + within_s
    while not done():
        if time.monotonic() > deadline:
            raise TimeoutError
        time.sleep(every_s)


def _asked(
    port: int, method: str, path: str, body: object = None, token: str = ""
) -> tuple[int, dict[str, object]]:
    headers = {"Content-Type": "application/json"}
    headers |= {"Authorization": f"Bearer {token}"} if token else {}
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=_LONGEST_S)
    try:
        connection.request(method, path, None if body is None else json.dumps(body), headers)
        answer = connection.getresponse()
        return answer.status, json.loads(answer.read())
    finally:
        connection.close()
