"""Files approved notes through every fault that an EHR has, while the processes that file are killed at random.

Each note is in the chart once and as it was approved, or a person is told why that is not known; none is there twice.
Two EHRs: one that honours `If-None-Exist`, and one that does not, keeps no address of what it stored and says nothing
beyond a status. On SQLite one process files and is started again; on PostgreSQL two share the work. Times are scaled:
an EHR's 120 s are `SERVER_S`.
"""

import asyncio
import json
import os
import random
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request
from base64 import b64decode
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from pathlib import Path
from uuid import uuid4

import psycopg
from sqlalchemy import select

from cds_service.app import build
from cds_service.brief import rule_brief, to_json
from cds_service.context.bundle import bundle_context
from cds_service.context.stored import pack
from cds_service.domain.json import decode, encode
from cds_service.domain.note import note_identifier
from cds_service.domain.session import Clinician, LaunchSession
from cds_service.settings import Settings
from cds_service.simulator import patients
from cds_service.smart.session import Lent, pack_tokens
from cds_service.smart.tokens import Token
from cds_service.storage import sessions, start
from cds_service.storage.tables import BRIEF, WRITE_INTENT
from tests.bench.process import ROOT, free_port, serving
from tests.real.postgres import cluster_running
from tests.soak._chart import CLIENT
from tests.soak.figures import Figure

SERVER_S = 2.0
"""How long the EHR may still work on a request that we gave up after `_filer.POST_S`."""
PATIENT = "beatrice-okonkwo"
SCOPES = frozenset({"user/*.rs", "user/DocumentReference.cruds"})
VENDORS = {"general": ("generic-r4", "/r4"), "riverside": ("epic", "/epic/api/FHIR/R4")}
_SITE = """
title = "Soak"
vendor = "{vendor}"
environment = "test"
services = ["patient-view-brief"]

[fhir]
base_url = "http://127.0.0.1:{ehr}{path}"

[[trust]]
iss = "http://127.0.0.1:{ehr}{path}"
jwks_url = "http://127.0.0.1:{ehr}/jwks"
client_id = "{client}"

[smart]
client_id = "{client}"

[write]
route = "fhir"

[policy]
reads_per_second = 10000

[vendor_overrides.note]
server_timeout_s = {server_s}
"""


def _post(kind: str, **changes: object) -> dict[str, object]:
    row = {"where": "fhir", "kind": kind, "match": "DocumentReference", "method": "POST"}
    return row | {"times": 1} | changes


_LATE = _post("slow", delay_ms=int(SERVER_S * 1000 * 0.75))
FAULTS: dict[str, list[list[dict[str, object]]]] = {
    "no fault": [],
    "stores it and drops the answer": [[_post("lost")]],
    "stores it and drops three answers": [[_post("lost")]] * 3,
    "answers 500 after storing it": [[_post("after")]],
    "answers 409 after storing it": [[_post("after", status=409)]],
    "answers 409 and stores nothing": [[_post("status", status=409)]],
    "answers 200 without a Location": [[_post("bare")]],
    "answers 201 and stores nothing": [[_post("pretend")]],
    "alters the note": [[_post("alter", method="")]],
    "hangs, and stores it after we have gone": [[_LATE]],
    "hangs, and stores nothing": [[_post("hang")]],
    "throttles": [[_post("status", status=429, retry_after="1")]],
    "throttles without a word": [[_post("status", status=429, body="empty")]],
    "answers 502 without a body": [[_post("status", status=502, body="empty")]],
    "drops the connection": [[_post("drop")]],
    "calls the token expired": [[_post("status", status=401)]],
    "refuses with an empty 403": [[_post("status", status=403, body="empty")]],
    "refuses with 422": [[_post("status", status=422)]],
    "drops the answer and fails a search": [
        [_post("lost"), _post("status", method="GET", status=500)]
    ],
    "stores it and cannot show it for a moment": [[_post("status", method="GET", status=404)]],
}
"""What the EHR does to a note's first request, to its second, and so on."""


@dataclass(frozen=True, slots=True)
class Size:
    """How much is done."""

    approvals: int
    kills: int
    pause_s: tuple[float, float]
    """Between two kills."""


FULL = Size(approvals=320, kills=15, pause_s=(2.0, 6.0))
SHORT = Size(approvals=40, kills=2, pause_s=(1.0, 3.0))
_LONGEST_S = 900.0
_MIGRATING = threading.Lock()
"""The library that makes the tables serves one thread at a time."""


def run(seed: int, *, short: bool) -> list[Figure]:
    """Run on SQLite, and beside it on PostgreSQL with two processes that file: most of it is waiting."""
    size = SHORT if short else FULL
    with cluster_running() as url, ThreadPoolExecutor() as pool:
        with psycopg.connect(f"{url}/postgres", autocommit=True) as connection:
            connection.execute("CREATE DATABASE soak")
        runs = [
            pool.submit(on_database, seed, size, workers=1, name="SQLite"),
            pool.submit(on_database, seed, size, workers=2, name="PostgreSQL", url=f"{url}/soak"),
        ]
        return [figure for each in runs for figure in each.result()]


def on_database(seed: int, size: Size, *, workers: int, name: str, url: str = "") -> list[Figure]:
    """Run one soak: what became of the notes under each fault, then what must not be."""
    with tempfile.TemporaryDirectory(prefix="cds-soak-") as temporary:
        stand = Stand(Path(temporary), url, random.Random(seed))
        words = ["tests.soak._chart", str(stand.ehr_port)]
        with serving(words, port=stand.ehr_port, log=stand.folder / "ehr.log"):
            asyncio.run(stand.soak(size, workers))
            return [*_figures(stand, name, size)]


@dataclass(frozen=True, slots=True, kw_only=True)
class Approved:
    """One approval: what the EHR is going to do to it, and what it must be in the chart."""

    brief: str
    fault: str
    session: LaunchSession = field(repr=False)
    text: str = ""
    """Hash of the note's text."""
    status: str = ""


@dataclass(slots=True)
class Stand:
    """The folder, the EHR's port, and the processes of one run."""

    folder: Path
    database: str
    chance: random.Random
    ehr_port: int = field(default_factory=free_port)
    processes: list[subprocess.Popen[bytes]] = field(default_factory=list)
    kills: int = 0
    approved: list[Approved] = field(default_factory=list)
    rows: dict[str, tuple[str, str]] = field(default_factory=dict)
    """State and reason, by brief."""

    async def soak(self, size: Size, workers: int) -> None:
        """Approve everything, then file it under fire; who has to sign in again does so once at the end."""
        async with self.desk() as desk:
            await desk.approve(size.approvals)
            self.processes = [self.process() for _ in range(workers)]
            try:
                await self._settled(desk, size)
                for each in self._of("token"):
                    await desk.open_again(each)
                await self._settled(desk, size)
            finally:
                for process in self.processes:
                    process.kill()
                    process.wait()

    def chart(self) -> list[tuple[str, str, str, str]]:
        """Return what the EHR holds: site, identifier, hash of the text, status."""
        return [tuple(row) for row in self.ehr("/chart")]

    def ehr(self, path: str, body: object = None):
        """Ask the EHR's own addresses."""
        data = None if body is None else json.dumps(body).encode()
        address = f"http://127.0.0.1:{self.ehr_port}{path}"
        with urllib.request.urlopen(urllib.request.Request(address, data)) as answer:
            return json.load(answer)

    def _of(self, reason: str) -> list[Approved]:
        return [each for each in self.approved if self.rows[each.brief][1] == reason]

    async def _settled(self, desk: "Desk", size: Size) -> None:
        """Kill a process, start another, and wait a little: until nothing moves. Raises `TimeoutError`."""
        deadline = time.monotonic() + _LONGEST_S
        kill_at = time.monotonic() + self.chance.uniform(*size.pause_s)
        while True:
            self.rows = await desk.rows()
            if not any(_is_moving(*row) for row in self.rows.values()):
                return
            if time.monotonic() > deadline:
                raise TimeoutError(str(Counter(self.rows.values())))
            if self.kills < size.kills and time.monotonic() > kill_at:
                self._kill()
                kill_at = time.monotonic() + self.chance.uniform(*size.pause_s)
            await asyncio.sleep(0.2)

    def _kill(self) -> None:
        number = self.chance.randrange(len(self.processes))
        self.processes[number].kill()
        self.processes[number].wait()
        self.kills += 1
        self.processes[number] = self.process()

    def process(self) -> subprocess.Popen[bytes]:
        """Start a process that files."""
        settings = self.settings()
        told = {
            "CDS_PROFILE": settings.profile,
            "CDS_PUBLIC_URL": settings.public_url,
            "CDS_SITES": str(settings.sites),
            "CDS_DATA_DIR": str(settings.data_dir),
            "CDS_DATABASE_URL": self.database,
        }
        with (self.folder / "filers.log").open("ab") as out:
            return subprocess.Popen(
                [sys.executable, "-m", "tests.soak._filer"],
                cwd=ROOT,
                env={**os.environ, **told},
                stdout=out,
                stderr=subprocess.STDOUT,
            )

    def settings(self) -> Settings:
        """Return the settings that every process of the run shares."""
        sites = self.folder / "sites"
        sites.mkdir(exist_ok=True)
        for site, (vendor, path) in VENDORS.items():
            text = _SITE.format(
                vendor=vendor, path=path, ehr=self.ehr_port, client=CLIENT, server_s=SERVER_S
            )
            (sites / f"{site}.toml").write_text(text, encoding="utf-8")
        return Settings(
            profile="demo",
            public_url="http://127.0.0.1:1",
            sites=sites,
            data_dir=self.folder / "data",
            database_url=self.database,
        )

    @asynccontextmanager
    async def desk(self):
        """Open the product's own desk, beside the processes that file."""
        service = build(self.settings())
        with _MIGRATING:
            await start(service.database, now=_now(), sites=VENDORS)
        try:
            yield Desk(self, service)
        finally:
            await service.network.aclose()
            await service.database.close()


@dataclass(slots=True)
class Desk:
    """A clinician at each site, who opens briefs and approves them."""

    stand: Stand
    service: object
    sessions: dict[str, LaunchSession] = field(default_factory=dict)

    async def approve(self, count: int) -> None:
        """Approve so many briefs, each under a fault of its own."""
        made = record()
        for site in VENDORS:
            await self.sign_in(site)
        for number in range(count):
            site = list(VENDORS)[number % len(VENDORS)]
            fault = list(FAULTS)[number // len(VENDORS) % len(FAULTS)]
            brief = await self.brief(site, made)
            planned = {note_identifier(brief): FAULTS[fault]}
            self.stand.ehr("/plan", planned)
            session = replace(self.sessions[site], brief=brief)
            self.stand.approved.append(
                await self.approve_one(Approved(brief=brief, fault=fault, session=session))
            )

    async def approve_one(self, told: Approved) -> Approved:
        """Open a brief and approve it as it is."""
        sign, site = self.service.desk.review.sign, self.service.sites.find(told.session.site)
        opened = await sign.open(told.session, site, told.brief)
        at = _now().replace(microsecond=0)
        screen = opened.screen(at)
        await sign.approve(opened, digest=screen.digest, at=at)
        data = decode(encode(screen.document))["content"][0]["attachment"]["data"]
        return replace(told, text=_hash(data), status=screen.document["docStatus"])

    async def open_again(self, told: Approved) -> None:
        """Open the app again, signed in anew: what waited for it goes on."""
        site = self.service.sites.find(told.session.site)
        await self.service.desk.review.sign.open(told.session, site, told.brief)

    async def rows(self) -> dict[str, tuple[str, str]]:
        """Return the state of each brief, and the reason in the ledger of writes."""
        query = select(BRIEF.c.id, BRIEF.c.state, WRITE_INTENT.c.reason).join(
            WRITE_INTENT, WRITE_INTENT.c.brief == BRIEF.c.id
        )
        async with self.service.database.reading() as connection:
            return {row[0]: (row[1], row[2]) for row in await connection.execute(query)}

    async def sign_in(self, site: str) -> None:
        """Sign the clinician of a site in."""
        token = self.stand.ehr(f"/grant/{site}", {})["token"]
        ends = _now() + timedelta(hours=1)
        session = LaunchSession(
            id=f"session-{site}",
            site=site,
            clinician=Clinician(
                fhir_user="Practitioner/sim-clinician", name="Lena Brandt, MD", may_approve=True
            ),
            patient=PATIENT,
            encounter=_encounter(),
            brief=None,
            scopes=SCOPES,
            started=_now(),
            seen=_now(),
            ends=ends,
            csrf="",
        )
        lent = Lent(token=Token(value=token, scopes=SCOPES, refresh_at=ends, expires=ends))
        row = sessions.SessionRow(
            id=session.id,
            site=site,
            brief="",
            started=session.started,
            seen=session.seen,
            ends=ends,
            body=b"{}",
        )
        database = self.service.database
        async with database.transaction() as connection:
            await sessions.add(connection, database, row, tokens=pack_tokens(lent))
        self.sessions[site] = session

    async def brief(self, site: str, made: tuple[bytes, bytes]) -> str:
        database, brief, (body, sources) = self.service.database, str(uuid4()), made
        row = {"id": brief, "site": site, "state": "ready", "source": "prepare", "revision": 1}
        row |= {"patient": database.blind(f"Patient/{PATIENT}", site=site)}
        row |= {"created": _now(), "changed": _now(), "ready_at": _now()}
        row |= {"rules_version": "1", "versions": {}}
        row |= {"body": database.seal(body, place=f"brief|body|{brief}|{site}")}
        row |= {"sources": database.seal(sources, place=f"brief|sources|{brief}|{site}")}
        await database.insert([(BRIEF, [row])])
        return brief


def _chart() -> list[dict]:
    return patients.resources(PATIENT, anchor=_now().date())


def _encounter() -> str:
    return next(each["id"] for each in _chart() if each["resourceType"] == "Encounter")


def record() -> tuple[bytes, bytes]:
    """Return a brief and what it cites, as they are stored."""
    bundle = {"resourceType": "Bundle", "entry": [{"resource": each} for each in _chart()]}
    context = bundle_context(decode(encode(bundle)), patient=PATIENT, now=_now(), zone=UTC)
    return encode(to_json(rule_brief(context))), pack(context.ledger)


def _hash(data: str) -> str:
    return sha256(b64decode(data)).hexdigest()


def _now() -> datetime:
    return datetime.now(UTC)


def _is_moving(state: str, reason: str) -> bool:
    """Return whether a filing goes on by itself."""
    return state in {"approved", "writing"} or (state == "written" and not reason)


def _figures(stand: Stand, name: str, size: Size) -> Iterator[Figure]:
    identifiers = {note_identifier(each.brief): each for each in stand.approved}
    held = [row for row in stand.chart() if row[1] in identifiers]
    copies = Counter(row[1] for row in held)
    as_approved = {
        row[1]
        for row in held
        if (row[2], row[3]) == (identifiers[row[1]].text, identifiers[row[1]].status)
    }
    ends = {each.brief: _end(*stand.rows[each.brief]) for each in stand.approved}
    yield from _by_fault(stand, name, ends)
    verified = {note_identifier(b) for b, end in ends.items() if end == "verified"}
    failed = {note_identifier(b) for b, end in ends.items() if end.startswith("failed")}
    unsure = {b for b, end in ends.items() if end.startswith("unknown")}
    many = len(stand.approved)
    yield Figure(f"{name}: approvals", many, size.approvals)
    yield Figure(f"{name}: kills of processes that file", stand.kills)
    yield Figure(f"{name}: verified", len(verified), of=many)
    yield Figure(f"{name}: unknown, with a reason", len(unsure), of=many)
    yield Figure(f"{name}: failed, with a reason", len(failed), of=many)
    yield Figure(f"{name}: notes twice in the chart", sum(n > 1 for n in copies.values()), 0, many)
    yield Figure(
        f"{name}: verified, and not in the chart as approved",
        len(verified - as_approved),
        0,
        len(verified),
    )
    yield Figure(f"{name}: failed, and in the chart", len(failed & set(copies)), 0, len(failed))
    silent = many - len(verified) - len(unsure) - len(failed)
    yield Figure(f"{name}: without an end or a reason", silent, 0, many)


def _by_fault(stand: Stand, name: str, ends: dict[str, str]) -> Iterator[Figure]:
    """Yield what became of the notes under each fault."""
    for fault in FAULTS:
        struck = [ends[each.brief] for each in stand.approved if each.fault == fault]
        for end, count in Counter(struck).most_common():
            yield Figure(f"{name}: EHR {fault}: {end}", count, of=len(struck))


def _end(state: str, reason: str) -> str:
    """Return how a filing ended: `verified`, or a state with its reason; a state alone is no end."""
    return state if state == "verified" or not reason else f"{state} ({reason})"
