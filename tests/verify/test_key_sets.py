"""The EHRs' key sets: fetched from the site file's address only, cached, refetched with a floor."""

import asyncio
import json
from dataclasses import dataclass, field

import httpx
import pytest
from cryptography.hazmat.primitives.asymmetric import ec

from cds_service.domain.errors import NotTrusted
from cds_service.simulator.keys import make_key, public_jwk
from cds_service.verify import keys
from cds_service.verify.keys import (
    KNOWN_PRIVATE_KEYS,
    KNOWN_PRIVATE_KIDS,
    MAX_SET_BYTES,
    MAX_STALE_S,
    KeySets,
    fits,
)
from tests.network.stage import a_site
from tests.verify.sample import SAMPLE_KEY

pytestmark = pytest.mark.anyio

SITE = a_site("general")
URL = "https://ehr.example.org/jwks.json"
PUBLISHED = {
    key["x"]: key
    for key in (
        SAMPLE_KEY,
        {
            "kty": "EC",
            "crv": "P-384",
            "x": "dw_JGR8nB2I6XveNxUOl2qk699ZPLM2nYI5STSdiEl9avAkrm3CkfYMbrrjr8laB",
            "y": "Sm3mLE-n1zYNla_aiE3cb3nZsL51RbC7ysw3q8aJLxGm-hx79RPMYpITDjp7kgzy",
        },
    )
}
"""The specification's sample key, and that of the public sandbox."""
KEYS = [make_key("ES384") for _ in range(2)]


def jwk(kid, number=0):
    return public_jwk(KEYS[number], kid=kid, algorithm="ES384")


@dataclass
class KeyServer(httpx.AsyncBaseTransport):
    """A key server that a test can change, break and hold up; it counts who asks."""

    answer: httpx.Response | None = None
    asked: list[str] = field(default_factory=list)
    gate: asyncio.Event | None = None
    arrived: asyncio.Event = field(default_factory=asyncio.Event)
    at: float = 1000.0

    def publish(self, *keys: dict[str, object]) -> None:
        self.answer = httpx.Response(200, json={"keys": list(keys)})

    async def handle_async_request(self, request):
        self.asked.append(str(request.url))
        if self.gate is not None:
            self.arrived.set()
            await self.gate.wait()
        if self.answer is None:
            raise httpx.ConnectError("nobody is there", request=request)
        body = self.answer.content
        headers = [(k, v) for k, v in self.answer.headers.items() if k != "content-length"]
        return httpx.Response(self.answer.status_code, headers=headers, content=body)


@pytest.fixture
def server():
    return KeyServer()


@pytest.fixture
async def sets(server):
    async with httpx.AsyncClient(transport=server, follow_redirects=False) as http:
        yield KeySets(client=lambda _: http, clock=lambda: server.at)


async def refused(sets, kid="a"):
    with pytest.raises(NotTrusted, match="unknown_kid"):
        await sets.find(SITE, URL, kid)


@pytest.mark.spec("S-20", "S-25")
async def test_a_set_is_fetched_once_and_then_kept(sets, server):
    server.publish(jwk("a"))
    for _ in range(3):
        await sets.find(SITE, URL, "a")
    assert server.asked == [URL]


@pytest.mark.spec("S-25")
async def test_an_unknown_kid_refetches_once_in_ten_seconds(sets, server):
    server.publish(jwk("a"))
    await sets.find(SITE, URL, "a")
    for moment in (1, 5, 9, 10):
        server.at = 1000.0 + moment
        await refused(sets, "b")
    assert len(server.asked) == 1
    server.at = 1010.1
    await refused(sets, "b")
    await refused(sets, "c")
    assert len(server.asked) == 2


@pytest.mark.spec("S-20")
async def test_a_rotated_key_is_picked_up_at_its_first_use(sets, server):
    server.publish(jwk("old", 0))
    await sets.find(SITE, URL, "old")
    server.publish(jwk("old", 0), jwk("new", 1))
    server.at += 11
    key = await sets.find(SITE, URL, "new")
    assert key.public_numbers() == KEYS[1].public_key().public_numbers()


async def test_a_key_that_was_withdrawn_is_gone_within_the_hour(sets, server):
    server.publish(jwk("old", 0))
    await sets.find(SITE, URL, "old")
    server.publish(jwk("new", 1))
    server.at += 3601
    await refused(sets, "old")


async def test_who_needs_a_key_that_is_on_its_way_waits_for_it(sets, server):
    """The calls of a busy morning all come at once after a rotation: none of them is refused."""
    server.publish(jwk("a"))
    server.gate = asyncio.Event()
    calls = [asyncio.ensure_future(sets.find(SITE, URL, "a")) for _ in range(5)]
    await server.arrived.wait()
    server.gate.set()
    assert len(await asyncio.gather(*calls)) == 5
    assert len(server.asked) == 1


async def test_nobody_waits_for_the_refetch_of_a_set_that_holds_the_key(sets, server):
    server.publish(jwk("a"))
    await sets.find(SITE, URL, "a")
    server.at += 3601
    server.gate = asyncio.Event()
    first = asyncio.ensure_future(sets.find(SITE, URL, "a"))
    await server.arrived.wait()
    await sets.find(SITE, URL, "a")
    server.gate.set()
    await first
    assert len(server.asked) == 2


BAD = {
    "nobody is there": None,
    "an error": httpx.Response(500),
    "not found": httpx.Response(404, json={"keys": [jwk("a")]}),
    "a redirect": httpx.Response(302, headers={"Location": "https://elsewhere.example/"}),
    "a page": httpx.Response(200, html="<html>log in</html>"),
    "no keys": httpx.Response(200, json={"keys": []}),
    "a list": httpx.Response(200, json=[jwk("a")]),
    "keys that are no list": httpx.Response(200, json={"keys": {"a": jwk("a")}}),
    "junk in the list": httpx.Response(200, json={"keys": [None, 1, "a", [], {}]}),
    "too much": httpx.Response(200, json={"keys": [jwk("a")], "pad": "x" * MAX_SET_BYTES}),
    "too deep": httpx.Response(200, content=b"[" * 100_000),
}


@pytest.mark.spec("S-25")
@pytest.mark.parametrize("what", BAD)
async def test_a_key_server_that_answers_badly_proves_nobody(sets, server, what):
    server.answer = BAD[what]
    await refused(sets)
    assert server.asked == [URL], "no redirect is followed"


@pytest.mark.spec("S-20")
@pytest.mark.parametrize("what", BAD)
async def test_the_keys_at_hand_serve_on_while_their_server_fails(sets, server, what):
    server.publish(jwk("a"))
    await sets.find(SITE, URL, "a")
    server.answer = BAD[what]
    server.at += 10_000
    await sets.find(SITE, URL, "a")
    assert len(server.asked) == 2
    server.at += 5
    await sets.find(SITE, URL, "a")
    assert len(server.asked) == 2, "a failing server is not asked at every call"


async def test_keys_at_hand_outlive_their_server_by_a_day_and_no_longer(sets, server):
    """Who holds back our view of a key set must not keep a withdrawn key good without end."""
    server.publish(jwk("a"))
    await sets.find(SITE, URL, "a")
    server.answer = None
    server.at += MAX_STALE_S - 1
    assert await sets.find(SITE, URL, "a")
    assert sets.has(SITE, URL)
    server.at += 2
    with pytest.raises(NotTrusted, match="keys_too_old"):
        await sets.find(SITE, URL, "a")
    assert not sets.has(SITE, URL)
    server.publish(jwk("a"))
    server.at += 11
    assert await sets.find(SITE, URL, "a")


async def test_one_sites_broken_key_server_is_no_other_sites(sets, server):
    server.publish(jwk("a"))
    await sets.find(SITE, URL, "a")
    server.answer = None
    with pytest.raises(NotTrusted, match="unknown_kid"):
        await sets.find(a_site("other"), URL, "a")
    assert await sets.find(SITE, URL, "a")


async def test_all_sets_are_fetched_at_once_at_start(sets, server):
    server.publish(jwk("a"))
    server.gate = asyncio.Event()
    warming = asyncio.ensure_future(sets.warm([a_site("one"), a_site("two")]))
    while len(server.asked) < 2:  # noqa: ASYNC110  # each asks before any is answered
        await asyncio.sleep(0)
    server.gate.set()
    await warming
    server.answer = None
    for name in ("one", "two"):
        assert await sets.find(a_site(name), a_site(name).file.trust[0].jwks_url, "a")


async def test_a_huge_answer_is_not_read_to_its_end(server):
    read = []

    async def endless():
        while True:
            read.append(1)
            yield b" " * 65_536

    class Huge(httpx.AsyncBaseTransport):
        async def handle_async_request(self, request):
            return httpx.Response(200, content=endless())

    async with httpx.AsyncClient(transport=Huge()) as http:
        await refused(KeySets(client=lambda _: http, clock=lambda: 0.0))
    assert len(read) <= MAX_SET_BYTES // 65_536 + 1


UNUSABLE = {
    "symmetric": {"kty": "oct", "k": "c2VjcmV0"},
    "for encryption": jwk("a") | {"use": "enc"},
    "an unknown curve": jwk("a") | {"crv": "secp256k1"},
    "a curve that the point is not on": jwk("a") | {"x": jwk("a", 1)["x"]},
    "no coordinates": {"kty": "EC", "crv": "P-384"},
    "an unknown kind": {"kty": "OKP", "crv": "Ed25519", "x": "AAAA"},
    "coordinates that are numbers": jwk("a") | {"x": 1},
    "a private key": json.loads(json.dumps(jwk("a") | {"d": "AAAA"})),
}


@pytest.mark.spec("S-16", "S-23")
@pytest.mark.parametrize("what", UNUSABLE)
async def test_a_key_that_we_do_not_use_is_skipped_and_the_others_are_not(sets, server, what):
    server.publish(UNUSABLE[what] | {"kid": "a"}, jwk("b"))
    await refused(sets, "a")
    assert await sets.find(SITE, URL, "b")


async def test_a_set_may_come_from_a_file(sets, server, tmp_path):
    file = tmp_path / "jwks.json"
    with pytest.raises(NotTrusted):
        await sets.find(SITE, file, "a")
    file.write_text(json.dumps({"keys": [jwk("a")]}), encoding="utf-8")
    server.at += 11
    assert await sets.find(SITE, file, "a")
    assert server.asked == []


@pytest.mark.parametrize("kid", sorted(KNOWN_PRIVATE_KIDS))
async def test_keys_whose_private_halves_are_public_prove_nobody(sets, server, kid):
    """The specification's sample key and the hosted sandbox's: anyone can sign with them."""
    server.publish(jwk(kid))
    await refused(sets, kid)


@pytest.mark.parametrize("x", sorted(KNOWN_PRIVATE_KEYS))
async def test_they_prove_nobody_under_another_name_either(sets, server, x):
    server.publish(PUBLISHED[x] | {"kid": "a"}, jwk("b"))
    await refused(sets, "a")


async def test_a_key_server_that_does_not_answer_costs_a_moment(sets, server, monkeypatch):
    monkeypatch.setattr(keys, "_FETCH_S", 0.05)
    server.gate = asyncio.Event()
    async with asyncio.timeout(2):
        await refused(sets)
    assert len(server.asked) == 1


async def test_a_key_server_that_sends_byte_by_byte_costs_no_more(monkeypatch):
    monkeypatch.setattr(keys, "_FETCH_S", 0.1)

    async def dripping():
        while True:
            yield b" "
            await asyncio.sleep(0.01)

    class Slow(httpx.AsyncBaseTransport):
        async def handle_async_request(self, request):
            return httpx.Response(200, content=dripping())

    async with httpx.AsyncClient(transport=Slow()) as http, asyncio.timeout(2):
        await refused(KeySets(client=lambda _: http, clock=lambda: 0.0))


@pytest.mark.parametrize("kid", sorted(KNOWN_PRIVATE_KIDS))
async def test_the_demo_takes_them_where_the_sites_own_set_lists_them(server, kid):
    async with httpx.AsyncClient(transport=server) as http:
        demo = KeySets(client=lambda _: http, clock=lambda: server.at, trust_public_sandbox=True)
        server.publish(jwk("a"))
        await refused(demo, kid)
        server.publish(jwk("a"), jwk(kid))
        server.at += 11
        assert await demo.find(SITE, URL, kid)


@pytest.mark.spec("S-23")
def test_an_algorithm_fits_one_kind_of_key_and_one_curve():
    named = ["ES256", "ES384", "ES512", "RS256", "RS384", "PS384", "HS384", "none", ""]
    keys = {"ES256": ec.SECP256R1, "ES384": ec.SECP384R1, "ES512": ec.SECP521R1}
    for algorithm, curve in keys.items():
        key = ec.generate_private_key(curve()).public_key()
        assert [name for name in named if fits(key, name)] == [algorithm]
    key = make_key("RS384").public_key()
    assert [name for name in named if fits(key, name)] == ["RS256", "RS384", "PS384"]


@pytest.mark.spec("S-20")
async def test_a_set_past_half_its_age_is_fetched_beside_the_call(sets, server):
    server.publish(jwk("a"))
    await sets.find(SITE, URL, "a")
    server.at += 2000
    await sets.find(SITE, URL, "a")
    assert len(server.asked) == 1
    for _ in range(20):
        await asyncio.sleep(0)
    assert len(server.asked) == 2
