"""A service that is killed loses what it answered in the last moment, never more, and then goes on."""

import http.client
import time
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from statistics import median

import jwt
import pytest

from cds_service.cli.stored import attached
from cds_service.settings import Settings
from cds_service.storage.chain import verify, walk
from cds_service.storage.writer import FLUSH_S
from tests.bench.process import free_port, serving
from tests.bench.stand import PATH, PUBLIC_URL, standing

pytestmark = [pytest.mark.anyio, pytest.mark.slow]

CALLS = 60
TURNS = 25
"""How often one write may wait for its turn behind a call: its statements are some ten, each awaited."""


@dataclass
class Service:
    """The service as an operator runs it, and the answers it gave."""

    stand: object
    database_url: str = ""
    """PostgreSQL; SQLite without."""
    answered: dict[str, float] = field(default_factory=dict)
    """By jti: when."""
    killed: float = 0.0

    @property
    def settings(self):
        return dict(self.stand.settings("data")) | {"CDS_DATABASE_URL": self.database_url}

    @contextmanager
    def running(self):
        port = free_port()
        log, command = self.stand.folder / "ours.log", self.stand.serve(port)
        with serving(command, port=port, log=log, settings=self.settings) as server:
            yield server

    def call(self, port, token):
        body = (self.stand.folder / "body.json").read_bytes()
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
        headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
        connection.request("POST", PATH, body, headers)
        try:
            return connection.getresponse().status
        finally:
            connection.close()


@pytest.fixture(scope="module")
def anyio_backend():
    return "asyncio"


@pytest.fixture(scope="module")
def tokens_and_service():
    """Let a service answer some calls and kill it: everything below looks at what is left."""
    with killed() as service:
        yield service


@contextmanager
def killed(database_url=""):
    with standing() as stand:
        service = Service(stand, database_url)
        with service.running() as server:
            for _ in range(CALLS):
                token = stand.signer.token(PUBLIC_URL + PATH, sub="bench")
                assert service.call(server.port, token) == 200
                service.answered[token] = time.monotonic()
            server.kill()
            service.killed = time.monotonic()
        yield service


def jti(token):
    return jwt.decode(token, options={"verify_signature": False})["jti"]


async def left(service):
    """Return the verdict on the chain, and the jtis that it holds."""
    settings = Settings(
        profile="demo",
        data_dir=Path(service.settings["CDS_DATA_DIR"]),
        database_url=service.database_url,
        public_url=PUBLIC_URL,
    )
    async with attached(settings) as database, database.reading() as connection:
        verdict = await verify(database.seals, connection, "bench")
        known = {row["facts"].get("jti") async for row in walk(connection, "bench")}
        return verdict, known


async def test_what_was_answered_a_moment_before_the_kill_is_in_the_audit(tokens_and_service):
    service = tokens_and_service
    verdict, known = await left(service)
    assert verdict.problem == ""
    kept = [jti(token) in known for token in service.answered]
    assert kept == sorted(kept, reverse=True), "the newest are lost, and no other"
    assert any(kept), "it ran long enough to store some"


async def lost(service):
    """Return how many answers are not in the audit, how long before the kill the oldest was given, and its bound."""
    _, known = await left(service)
    times = list(service.answered.values())
    gone = [at for token, at in service.answered.items() if jti(token) not in known]
    window = max((service.killed - at for at in gone), default=0.0)
    one_call = median(later - earlier for earlier, later in pairwise(times))
    return len(gone), window, FLUSH_S + TURNS * one_call


async def test_what_a_kill_loses_was_answered_in_the_moment_before_it():
    """One of three: a machine that stops a process for a second makes that second's window."""
    told = []
    for _ in range(3):
        with killed() as service:
            count, window, bound = await lost(service)
        told.append(f"{count} of {CALLS} lost, the oldest answered {window:.3f} s before")
        if window <= bound:
            break
    else:
        pytest.fail("; ".join(told))
    print(told[-1])


async def test_after_the_kill_it_goes_on_and_refuses_the_tokens_that_it_knew(tokens_and_service):
    service = tokens_and_service
    _, known = await left(service)
    stored = [token for token in service.answered if jti(token) in known]
    with service.running() as server:
        assert service.call(server.port, stored[0]) == 401
        assert service.call(server.port, stored[-1]) == 401
        fresh = service.stand.signer.token(PUBLIC_URL + PATH, sub="bench")
        assert service.call(server.port, fresh) == 200
    verdict, after = await left(service)
    assert verdict.problem == ""
    assert jti(fresh) in after, "an orderly stop loses nothing"
