"""The attack table against two processes that share one PostgreSQL: both refuse all of it, and lose count of nothing.

Why each was refused stands in the audit alone; alike ones are told as one entry and a count, and by the end of both
processes all have been told.
"""

import asyncio
import threading
from collections import Counter
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime

import httpx
import pytest
import uvicorn

from cds_service.cli.stored import attached
from cds_service.settings import Settings
from cds_service.simulator.app import create_app
from cds_service.simulator.config import SimulatorConfig, Site
from cds_service.simulator.world import Simulator
from cds_service.storage.chain import verify, walk
from tests.bench.process import free_port, serving
from tests.ground import CDS, EHR, GENERAL, RIVERSIDE
from tests.http.conftest import FewPatients
from tests.network.test_ssrf import authorized
from tests.verify.conftest import publish_weak_keys
from tests.verify.forge import BODY, Forge
from tests.verify.test_attacks import ATTACKS, REFUSAL

pytestmark = pytest.mark.anyio


@dataclass
class To(httpx.AsyncHTTPTransport):
    """Delivers what is sent to our public address to one process behind it."""

    port: int

    def __post_init__(self):
        super().__init__()

    async def handle_async_request(self, request):
        request.url = request.url.copy_with(host="127.0.0.1", port=self.port)
        return await super().handle_async_request(request)


@dataclass
class Outside:
    """What a forger sees of one process: the EHR whose tokens it takes, and where to send them."""

    simulator: Simulator
    http: httpx.AsyncClient

    def client(self, site):
        return self.simulator.client(site)

    def clock(self):
        return datetime.now(UTC)


@pytest.fixture
def ehr():
    """Run the EHR whose keys the processes fetch."""
    origin = f"http://127.0.0.1:{free_port()}"
    sites = {
        name: Site(kind, f"{CDS}/{name}/cds-services", "cds-brief")
        for name, kind in (("general", "generic"), ("riverside", "epic"))
    }
    app = create_app(
        SimulatorConfig(
            origin=origin,
            anchor=datetime.now(UTC).date(),
            service_base_by_site=sites,
            clock=lambda: datetime.now(UTC),
            patients=FewPatients(),
        )
    )
    publish_weak_keys(app.state.simulator.ehr("general"))
    with listening(app, int(origin.rpartition(":")[2])):
        yield app.state.simulator


@contextmanager
def listening(app, port):
    """Serve an application on loopback from a thread of its own."""
    server = uvicorn.Server(uvicorn.Config(app, port=port, log_level="error", lifespan="off"))
    thread = threading.Thread(target=server.run)
    thread.start()
    try:
        yield
    finally:
        server.should_exit = True
        thread.join(20)


@pytest.fixture
def settings(tmp_path, postgres_url, ehr):
    """What both processes are started with; each has a folder of its own beside."""
    folder = tmp_path / "sites"
    folder.mkdir()
    general = GENERAL.replace('["ES384"]', '["ES384", "RS384"]')
    for name, text in {"general": general, "riverside": RIVERSIDE}.items():
        (folder / f"{name}.toml").write_text(text.replace(EHR, ehr.config.origin))
    return {
        "CDS_PROFILE": "demo",
        "CDS_PUBLIC_URL": CDS,
        "CDS_SITES": str(folder),
        "CDS_DATABASE_URL": postgres_url,
        "CDS_KEYRING": str(tmp_path / "keyring.json"),
        "CDS_ROLE": "api",
    }


@asynccontextmanager
async def two(settings, ehr, folder):
    """Run both processes; this will be a forger's view of each."""
    async with AsyncExitStack() as running:
        pair = []
        for name in ("a", "b"):
            port, log = free_port(), folder / f"{name}.log"
            own = {**settings, "CDS_DATA_DIR": str(folder / name)}
            command = ["cds_service.cli", "serve", "--port", str(port)]
            running.enter_context(serving(command, port=port, log=log, settings=own))
            http = httpx.AsyncClient(transport=To(port), timeout=30)
            pair.append(Outside(ehr, await running.enter_async_context(http)))
        yield pair


async def audited(settings):
    """Return how often each reason of a refusal was told, once both have ended, and the chain's verdict."""
    kept = Settings(
        profile="demo",
        public_url=CDS,
        database_url=settings["CDS_DATABASE_URL"],
        keyring=settings["CDS_KEYRING"],
    )
    told = Counter()
    async with attached(kept) as database, database.reading() as connection:
        async for row in walk(connection, "general"):
            if row["outcome"] == "not_trusted":
                told[row["facts"]["reason"]] += row["facts"].get("count", 1)
        return told, (await verify(database.seals, connection, "general")).problem


async def test_both_refuse_every_token_of_the_table_and_their_audit_counts_them_all(
    tmp_path, settings, ehr
):
    async with two(settings, ehr, tmp_path) as pair:
        for outside in pair:
            forge = Forge(outside)
            assert (await forge.send(forge.token())).status_code == 200
            for change, _ in ATTACKS.values():
                token = change(forge, forge.token())
                answer = await forge.send(token, scheme="" if token is None else "Bearer")
                assert (answer.status_code, answer.json()) == (401, REFUSAL)
    expected = Counter(reason for _, reason in ATTACKS.values())
    assert await audited(settings) == ({why: 2 * n for why, n in expected.items()}, "")


async def test_a_token_is_good_at_one_of_them_only(tmp_path, settings, ehr):
    async with two(settings, ehr, tmp_path) as pair:
        here, there = (Forge(outside) for outside in pair)
        for first, second in ((here, there), (there, here)):
            token = str(first.token())
            assert [(await each.send(token)).status_code for each in (first, second)] == [200, 401]
        tokens = [str(here.token()) for _ in range(20)]
        sent = (each.send(token) for token in tokens for each in (here, there))
        answers = Counter(answer.status_code for answer in await asyncio.gather(*sent))
        assert answers == {200: 20, 401: 20}
    assert await audited(settings) == ({"replayed": 22}, "")


async def test_an_address_that_a_request_names_is_called_by_neither(tmp_path, settings, ehr):
    """A listener on this very machine, which a process could reach: nobody comes."""
    came = []

    async def note(scope, receive, send):
        came.append(scope.get("path"))
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"{}"})

    port = free_port()
    trap = f"http://127.0.0.1:{port}"
    page = {
        "resourceType": "Bundle",
        "type": "searchset",
        "entry": [],
        "link": [{"relation": "next", "url": f"{trap}/next"}],
    }
    named = BODY["prefetch"] | {"medications": page}
    with listening(note, port):
        async with two(settings, ehr, tmp_path) as pair:
            for outside in pair:
                forge = Forge(outside)
                by_header = forge.token().with_header(jku=f"{trap}/jku", x5u=f"{trap}/x5u")
                assert (await forge.send(by_header)).status_code == 401
                for server in (f"{trap}/r4", f"{ehr.config.origin}/r4"):
                    call = BODY | authorized(server) | {"prefetch": named}
                    headers = {"Authorization": f"Bearer {forge.token()}"}
                    answer = await outside.http.post(forge.url, json=call, headers=headers)
                    assert answer.status_code == 200
        assert came == []
        async with httpx.AsyncClient() as anybody:
            await anybody.get(trap)
        assert came == ["/"], "it did listen"
