"""One site cannot starve another, and a client that dawdles or never ends is dropped."""

import asyncio
from contextlib import ExitStack

import pytest
import uvicorn

from cds_service.domain.errors import Overloaded
from cds_service.http import patience
from cds_service.http.patience import Impatient
from cds_service.http.places import Places

pytestmark = pytest.mark.anyio


def take(places, site, stack):
    """Take places for a site until it gets no more; return how many it got."""
    for count in range(1000):
        try:
            stack.enter_context(places.hold(site))
        except Overloaded:
            return count
    raise AssertionError("there is no end")


def test_a_site_that_is_alone_may_have_every_place():
    with ExitStack() as stack:
        assert take(Places(64, lambda: 1), "a", stack) == 64


def test_a_flood_from_one_site_leaves_places_for_the_others():
    with ExitStack() as stack:
        places = Places(64, lambda: 3)
        assert take(places, "flood", stack) == 48
        assert [take(places, name, stack) for name in ("b", "c")] == [8, 8]


def test_even_a_single_place_is_anybodys():
    with ExitStack() as stack:
        assert take(Places(1, lambda: 5), "a", stack) == 1


def test_places_come_back_when_calls_end_whatever_their_end():
    places = Places(2, lambda: 1)
    for _ in range(5):
        with pytest.raises(ZeroDivisionError), places.hold("a"):
            raise ZeroDivisionError
    with ExitStack() as stack:
        assert take(places, "a", stack) == 2


async def app(scope, receive, send):
    if scope["type"] == "http":
        await send({"type": "http.response.start", "status": 204, "headers": []})
        await send({"type": "http.response.body", "body": b""})


@pytest.fixture
async def port(monkeypatch):
    monkeypatch.setattr(patience, "HEADERS_S", 0.3)
    config = uvicorn.Config(app, http=Impatient, port=0, lifespan="off", log_level="critical")
    config.load()
    server = uvicorn.Server(config)
    server.lifespan = config.lifespan_class(config)
    await server.startup()
    yield server.servers[0].sockets[0].getsockname()[1]
    await server.shutdown()


async def told(port, *parts, pause=0.0):
    """Send parts with pauses; return what comes back until the server closes or answers."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        for part in parts:
            writer.write(part)
            await writer.drain()
            await asyncio.sleep(pause)
        async with asyncio.timeout(5):
            return await reader.read(65_536)
    except ConnectionError:
        return b""
    finally:
        writer.close()


GOOD = b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"


async def test_a_client_in_time_is_answered(port):
    assert (await told(port, GOOD)).startswith(b"HTTP/1.1 204")
    assert (await told(port, GOOD[:10], GOOD[10:], pause=0.05)).startswith(b"HTTP/1.1 204")


@pytest.mark.parametrize("begun", [b"", b"GET / HTTP/1.1\r\nHost: x\r\nX-Slow: "])
async def test_a_client_that_does_not_finish_its_headers_is_dropped(port, begun):
    assert await told(port, begun) == b""


async def test_a_client_that_drips_is_dropped(port):
    drops = [b"GET / HTTP/1.1\r\n", *[b"X: y\r\n"] * 20]
    assert await told(port, *drops, pause=0.05) == b""


async def test_headers_without_end_are_refused(port):
    many = b"".join(b"X-%d: %s\r\n" % (n, b"y" * 1000) for n in range(100))
    answer = await told(port, b"GET / HTTP/1.1\r\nHost: x\r\n", many, b"\r\n")
    assert answer == b"" or answer.startswith(b"HTTP/1.1 400")
