"""The review page: CPU of one view, first byte with eight readers, and all that a browser transfers for it."""

import asyncio
import gzip
import secrets
import tempfile
import time
from collections.abc import Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import uuid4

import httpx

from cds_service.app import build
from cds_service.brief import rule_brief, to_json
from cds_service.context.bundle import bundle_context
from cds_service.context.stored import pack
from cds_service.domain.json import decode, encode
from cds_service.domain.session import Clinician, LaunchSession
from cds_service.settings import Settings
from cds_service.smart.session import Lent, hashed, pack_tokens
from cds_service.smart.session import pack as pack_session
from cds_service.smart.tokens import Token
from cds_service.storage import sessions, start
from cds_service.storage.tables import BRIEF
from tests.bench import chart
from tests.bench.measure import Row, Size, at_most
from tests.bench.process import SETTLE_S, Server, free_port, serving
from tests.bench.stand import Stand

READERS = 8
MAX_CPU_MS = 40.0
MAX_FIRST_BYTE_MS = 100.0
MAX_KB = 150.0
_WARM_UP = 5
_ASSETS = ("review.css", "review.js", "icon.svg")
_SITE = """
title = "Bench"
vendor = "generic-r4"
environment = "test"
services = ["patient-view-brief"]

[fhir]
base_url = "{fhir}"

[[trust]]
iss = "https://ehr.example.org"
jwks_file = "{jwks}"

[smart]
client_id = "bench"

[write]
route = "fhir"
"""


def review_page(stand: Stand, size: Size) -> Iterator[Row]:
    """Measure the page of a brief of about 150 resources."""
    with tempfile.TemporaryDirectory(prefix="cds-bench-") as temporary:
        settings = _settings(Path(temporary), stand)
        opened = asyncio.run(_opened(settings, stand))
        port = free_port()
        told = {
            "CDS_PROFILE": "demo",
            "CDS_PUBLIC_URL": settings.public_url,
            "CDS_SITES": str(settings.sites),
            "CDS_DATA_DIR": str(settings.data_dir),
        }
        log = Path(temporary) / "ours.log"
        with serving(stand.serve(port), port=port, log=log, settings=told) as server:
            yield from _cpu(opened, server, size)
            yield from _readers(opened, server, size)
            yield _transfer(opened, server)


@dataclass(frozen=True, slots=True)
class Opened:
    """A brief that somebody has opened: its page's path, and the cookie that shows it."""

    path: str
    cookie: str
    resources: int

    def client(self, server: Server) -> httpx.AsyncClient:
        """Return a browser's half of the wire."""
        headers = {"Cookie": self.cookie, "Accept-Encoding": "identity"}
        return httpx.AsyncClient(base_url=f"http://127.0.0.1:{server.port}", headers=headers)


def _cpu(opened: Opened, server: Server, size: Size) -> Iterator[Row]:
    views = size.calls // 5

    async def view(times: int) -> None:
        async with opened.client(server) as http:
            for _ in range(times):
                (await http.get(opened.path)).raise_for_status()

    asyncio.run(view(_WARM_UP))
    each = []
    for _ in range(size.rounds):
        before = server.cpu_seconds()
        asyncio.run(view(views))
        time.sleep(SETTLE_S)
        each.append((server.cpu_seconds() - before) / views * 1000)
    note = f"{opened.resources} resources; best of {len(each)}, worst {max(each):.1f}"
    yield at_most("CPU of a review page", min(each), "ms", MAX_CPU_MS, note)


def _readers(opened: Opened, server: Server, size: Size) -> Iterator[Row]:
    """Let eight readers open the page, each again as soon as it is there."""
    took: list[float] = []

    async def read(times: int) -> None:
        async with opened.client(server) as http:
            for _ in range(times):
                began = time.perf_counter()
                async with http.stream("GET", opened.path) as answer:
                    await anext(answer.aiter_raw())
                    took.append((time.perf_counter() - began) * 1000)
                await asyncio.sleep(1.0)  # who reads, reads

    async def all_of_them() -> None:
        await asyncio.gather(*(_later(read(size.reads), n / READERS) for n in range(READERS)))

    asyncio.run(all_of_them())
    slow = sorted(took)[int(len(took) * 0.95)]
    note = f"{READERS} readers, a view a second each"
    yield at_most("first byte of a review page, p95", slow, "ms", MAX_FIRST_BYTE_MS, note)


async def _later(work, wait_s: float) -> None:
    await asyncio.sleep(wait_s)
    await work


def _transfer(opened: Opened, server: Server) -> Row:
    """Add up what a browser loads, uncompressed: the page, its assets and the part that it asks for by itself."""

    async def load() -> list[bytes]:
        async with opened.client(server) as http:
            paths = [opened.path, f"{opened.path}/changes", *(f"/assets/{a}" for a in _ASSETS)]
            return [(await http.get(path)).raise_for_status().content for path in paths]

    loaded = asyncio.run(load())
    packed = sum(len(gzip.compress(each)) for each in loaded) / 1000
    total = sum(map(len, loaded)) / 1000
    return at_most("transfer of a review page", total, "KB", MAX_KB, f"{packed:.0f} KB packed")


def _settings(folder: Path, stand: Stand) -> Settings:
    (folder / "sites").mkdir()
    fhir = f"http://127.0.0.1:{stand.fhir_port}/r4"
    text = _SITE.format(fhir=fhir, jwks=stand.folder / "jwks.json")
    (folder / "sites" / "bench.toml").write_text(text, encoding="ascii")
    return Settings(
        profile="demo",
        public_url="http://127.0.0.1:1",
        sites=folder / "sites",
        data_dir=folder / "data",
    )


async def _opened(settings: Settings, stand: Stand) -> Opened:
    """Store a brief, what it cites, and a sign-in that may see it."""
    async with _database(settings) as database:
        prefetch = decode((stand.folder / "prefetch.json").read_bytes())
        held = list(chart.resources(prefetch))
        bundle = {"resourceType": "Bundle", "entry": [{"resource": each} for each in held]}
        now = datetime.now(UTC)
        context = bundle_context(decode(encode(bundle)), patient=chart.PATIENT, now=now, zone=UTC)
        brief, secret = str(uuid4()), secrets.token_urlsafe(16)
        row = {"id": brief, "site": "bench", "state": "ready", "source": "prepare", "revision": 1}
        row |= {"patient": database.blind(f"Patient/{chart.PATIENT}", site="bench")}
        row |= {"created": now, "changed": now, "ready_at": now, "rules_version": "1"}
        body, sources = encode(to_json(rule_brief(context))), pack(context.ledger)
        row |= {"versions": {}, "body": database.seal(body, place=f"brief|body|{brief}|bench")}
        row |= {"sources": database.seal(sources, place=f"brief|sources|{brief}|bench")}
        await database.insert([(BRIEF, [row])])
        await _signed_in(database, brief, secret, now)
        return Opened(f"/bench/briefs/{brief}", f"brief-{brief}={secret}", len(held))


async def _signed_in(database, brief: str, secret: str, now: datetime) -> None:
    ends = now + timedelta(hours=8)
    scopes = frozenset({"user/*.rs", "user/DocumentReference.crus"})
    session = LaunchSession(
        id=hashed(secret),
        site="bench",
        clinician=Clinician(fhir_user="Practitioner/bench", name="B. Ench", may_approve=True),
        patient=chart.PATIENT,
        encounter=None,
        brief=brief,
        scopes=scopes,
        started=now,
        seen=now,
        ends=ends,
        csrf="",
    )
    row = sessions.SessionRow(
        id=session.id,
        site="bench",
        brief=brief,
        started=now,
        seen=now,
        ends=ends,
        body=pack_session(session),
    )
    token = Token(value="bench", scopes=scopes, refresh_at=ends, expires=ends)
    async with database.transaction() as connection:
        await sessions.add(connection, database, row, tokens=pack_tokens(Lent(token=token)))


@asynccontextmanager
async def _database(settings: Settings):
    service = build(settings)
    await start(service.database, now=datetime.now(UTC), sites=["bench"])
    try:
        yield service.database
    finally:
        await service.network.aclose()
        await service.database.close()
