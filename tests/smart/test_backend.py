"""Our own token at each EHR: asked for as SMART wants it, kept, renewed in time, and renewed once when refused."""

import asyncio
from urllib.parse import parse_qs

import httpx
import jwt
import pytest

from cds_service.domain.errors import Misconfigured, NoToken
from cds_service.simulator.faults import Fault
from tests.ground import CDS, EHR, GENERAL, standing
from tests.smart.conftest import BACKEND

pytestmark = pytest.mark.anyio
GRANT = "client_credentials"


def site(ground, name="general"):
    return ground.service.sites.find(name)


def asked(ground, path="/oauth2/token"):
    """Return how often the token endpoint was asked."""
    return sum(seen.path == path for seen in ground.simulator.faults.seen)


async def token(ground, name="general"):
    return await ground.service.backend.token(site(ground, name))


async def settled():
    """Let what runs beside the test come to its end."""
    for _ in range(50):
        await asyncio.sleep(0)


@pytest.fixture
async def quiet(ground):
    """The ground after its first tokens were had, with the log empty."""
    for name in ("general", "riverside"):
        await token(ground, name)
    ground.simulator.faults.seen.clear()
    return ground


async def test_a_token_opens_what_was_granted(ground):
    held = await token(ground)
    headers = {"Authorization": f"Bearer {held.value}"}
    read = await ground.http.get(f"{EHR}/r4/Patient/iris-calloway", headers=headers)
    closed = await ground.http.get(f"{EHR}/r4/Flag?patient=iris-calloway", headers=headers)
    assert (read.status_code, closed.status_code) == (200, 403)
    assert held.scopes == {"system/Patient.rs", "system/Observation.rs"}


async def test_an_epic_like_ehr_is_asked_as_it_wants(quiet, monkeypatch):
    """No scope in the request, RS384, our client id on discovery, `aud` the token address."""
    sent = spy(quiet)
    quiet.clock.move(hours=2)
    await token(quiet, "riverside")
    discovery, asking = sent[0], sent[-1]
    assert discovery.url.path == "/epic/api/FHIR/R4/.well-known/smart-configuration"
    assert discovery.headers["epic-client-id"] == "cds-brief"
    form = parse_qs(asking.content.decode())
    assert "scope" not in form
    (signed,) = form["client_assertion"]
    claims = jwt.decode(signed, options={"verify_signature": False})
    assert jwt.get_unverified_header(signed)["alg"] == "RS384"
    assert claims["iss"] == claims["sub"] == "cds-brief"
    assert claims["aud"] == f"{EHR}/epic/oauth2/token"
    assert 0 < claims["exp"] - claims["iat"] <= 300
    assert len(claims["jti"]) <= 151


def spy(ground):
    """Return the requests that reach the EHR from now on; discovery is forgotten, so that it is seen too."""
    ground.service.backend.configurations._known.clear()
    sent = []
    network = ground.service.network.transport
    inner = network.apps[EHR]

    class Seeing(httpx.AsyncBaseTransport):
        async def handle_async_request(self, request):
            await request.aread()
            sent.append(request)
            return await inner.handle_async_request(request)

    network.apps[EHR] = Seeing()
    return sent


async def test_every_assertion_is_new(quiet):
    sent = spy(quiet)
    for _ in range(3):
        quiet.clock.move(hours=2)
        await token(quiet)
    signed = [
        parse_qs(r.content.decode())["client_assertion"][0] for r in sent if r.method == "POST"
    ]
    names = [jwt.decode(one, options={"verify_signature": False})["jti"] for one in signed]
    assert len(set(names)) == 3


async def test_a_hundred_callers_cause_one_request(ground):
    ground.service.backend._held.clear()
    ground.simulator.faults.seen.clear()
    tokens = await asyncio.gather(*(token(ground) for _ in range(100)))
    assert len({each.value for each in tokens}) == 1
    assert asked(ground) == 1


async def test_a_token_is_kept_until_four_fifths_of_its_life(quiet):
    first = await token(quiet)
    quiet.clock.move(seconds=0.79 * 3600)
    assert (await token(quiet)).value == first.value
    await settled()
    assert asked(quiet) == 0


async def test_from_then_on_it_is_renewed_beside_the_caller(quiet):
    first = await token(quiet)
    quiet.clock.move(seconds=0.81 * 3600)
    assert (await token(quiet)).value == first.value
    await settled()
    assert (await token(quiet)).value != first.value
    assert asked(quiet) == 1


async def test_while_the_token_endpoint_flaps_the_token_at_hand_serves_on(quiet):
    first = await token(quiet)
    quiet.simulator.faults.add(Fault("token", "status", status=503))
    for _ in range(20):
        quiet.clock.move(seconds=0.81 * 3600 if not asked(quiet) else 10)
        assert (await token(quiet)).value == first.value
        await settled()
    assert 3 <= asked(quiet) <= 8
    quiet.simulator.faults.clear()
    quiet.clock.move(seconds=300)
    await token(quiet)
    await settled()
    assert (await token(quiet)).value != first.value


async def test_an_ehr_that_refuses_is_left_alone_for_growing_pauses(ground):
    ground.service.backend._held.clear()
    ground.simulator.faults.add(Fault("token", "oauth_error", code="invalid_client", status=401))
    ground.simulator.faults.seen.clear()
    for _ in range(600):
        with pytest.raises(NoToken, match="invalid_client"):
            await token(ground)
        ground.clock.move(seconds=1)
    assert 8 <= asked(ground) <= 12


async def test_a_named_pause_is_kept(ground):
    ground.service.backend._held.clear()
    fault = Fault("token", "status", status=429, retry_after="60", times=1)
    ground.simulator.faults.add(fault)
    with pytest.raises(NoToken, match="token_endpoint_429"):
        await token(ground)
    ground.simulator.faults.seen.clear()
    ground.clock.move(seconds=59)
    with pytest.raises(NoToken):
        await token(ground)
    assert asked(ground) == 0
    ground.clock.move(seconds=1)
    assert await token(ground)


@pytest.mark.parametrize(
    ("fault", "reason"),
    [
        (Fault("token", "oauth_error", code="unauthorized_client"), "unauthorized_client"),
        (Fault("token", "oauth_error", code="invalid_scope"), "invalid_scope"),
        (Fault("token", "oauth_error", code="<b>Jane Doe</b>", status=400), "token_endpoint_400"),
        (Fault("token", "status", status=500, body="empty"), "token_endpoint_500"),
        (Fault("token", "truncate"), "token_answer_unreadable"),
        (Fault("token", "drop"), "token_endpoint_silent"),
        (Fault("token", "short_lived", value="0"), "token_expired"),
    ],
    ids=lambda value: value if isinstance(value, str) else value.kind,
)
async def test_why_there_is_no_token_is_a_reason_and_an_advice(ground, fault, reason):
    ground.service.backend._held.clear()
    ground.simulator.faults.add(fault)
    with pytest.raises(NoToken, match=f"^{reason}$"):
        await token(ground)
    (note,) = [n for n in ground.service.notes() if "general" in n and "token" in n]
    assert reason in note
    assert "Jane" not in note


async def test_scopes_that_were_held_back_are_named_in_readiness(ground):
    ground.service.backend._held.clear()
    ground.simulator.faults.add(Fault("token", "granted", value="system/Patient.r"))
    await token(ground)
    assert ground.service.backend.missing(site(ground)) == (
        "system/Patient.s",
        "system/Observation.rs",
    )
    ready = (await ground.http.get("/readyz")).json()
    assert any("system/Patient.s, system/Observation.rs" in note for note in ready["notes"])


async def test_a_refused_token_is_renewed_once_and_the_read_sent_again(quiet):
    quiet.simulator.ehr("general").grants.revoke((await token(quiet)).value)
    answers = await asyncio.gather(*(read(quiet) for _ in range(20)))
    assert {answer.status_code for answer in answers} == {200}
    assert asked(quiet) == 1


async def test_a_server_that_refuses_every_token_gets_two_tries_and_no_storm(quiet):
    quiet.simulator.faults.add(Fault("fhir", "status", status=401))
    for _ in range(10):
        assert (await read(quiet)).status_code == 401
    assert asked(quiet) == 1


async def read(ground):
    """Read a patient with our token, as a task that works ahead does."""

    async def send(held):
        headers = {"Authorization": f"Bearer {held.value}"}
        return await ground.http.get(f"{EHR}/r4/Patient/iris-calloway", headers=headers)

    backend = ground.service.backend
    return await backend.send(site(ground), send, is_refused=lambda r: r.status_code == 401)


async def test_a_token_that_lives_five_seconds_is_used_and_renewed(ground):
    ground.service.backend._held.clear()
    ground.simulator.faults.add(Fault("token", "short_lived", value="5"))
    for _ in range(10):
        assert (await read(ground)).status_code == 200
        ground.clock.move(seconds=2)
        await settled()


async def test_a_rotation_in_the_middle_of_work_fails_no_call(quiet):
    """The keys change under a running process, as `cds-service keys rotate` does it."""
    signing = quiet.service.signing
    signing.rotate()
    for _ in range(90):
        quiet.clock.move(hours=1)
        signing._looked = float("-inf")
        assert await token(quiet)
        await settled()
        assert (await read(quiet)).status_code == 200
    assert quiet.service.backend._of(site(quiet)).problem == ""


async def test_a_token_address_on_a_strangers_host_is_not_asked(ground, tmp_path):
    elsewhere = {"token_endpoint": "https://elsewhere.example/token"}
    await refused_discovery(ground, elsewhere, "token_endpoint_not_named")


@pytest.mark.parametrize(
    "url",
    [
        "https://ehr.test@elsewhere.example/token",
        "https://ehr.test.elsewhere.example/token",
        "https://elsewhere.example/ehr.test/token",
        "//elsewhere.example/token",
        "file:///etc/passwd",
        "https://ehr.test:99999999/token",
        "http://user@ehr.test/token",
        "javascript:alert(1)",
    ],
)
async def test_look_alikes_of_the_sites_host_are_strangers(ground, url):
    await refused_discovery(ground, {"token_endpoint": url}, "token_endpoint_not_named")


@pytest.mark.parametrize(
    ("document", "reason"),
    [
        ({}, "discovery_lacks_token_endpoint"),
        ({"token_endpoint": 7}, "discovery_lacks_token_endpoint"),
        ([], "discovery_unreadable"),
        (b"<html>", "discovery_unreadable"),
        (b"{" + b" " * 100_000 + b"}", "discovery_failed"),
        (None, "discovery_failed"),
        (
            httpx.Response(302, headers={"Location": "https://elsewhere.example/"}),
            "discovery_failed",
        ),
    ],
)
async def test_a_bad_discovery_document_is_a_reason(ground, document, reason):
    await refused_discovery(ground, document, reason)


async def refused_discovery(ground, document, reason):
    """Answer discovery with this document, and check that no token is asked for."""
    ground.service.backend._held.clear()
    ground.service.backend.configurations._known.clear()
    seen = []

    class Answering(httpx.AsyncBaseTransport):
        async def handle_async_request(self, request):
            seen.append(str(request.url))
            if document is None:
                raise httpx.ConnectError("down", request=request)
            if isinstance(document, httpx.Response):
                return document
            if isinstance(document, bytes):
                return httpx.Response(200, content=document)
            return httpx.Response(200, json=document)

    ground.service.network.transport.apps[EHR] = Answering()
    with pytest.raises(NoToken, match=f"^{reason}$"):
        await token(ground)
    assert seen == [f"{EHR}/r4/.well-known/smart-configuration"]


async def test_a_token_address_of_the_site_file_needs_no_discovery(tmp_path, signing_keys):
    (tmp_path / "signing-keys.json").write_bytes(signing_keys.read_bytes())
    (tmp_path / "signing-keys.json").chmod(0o600)
    named = GENERAL + BACKEND + f'token_url = "{EHR}/oauth2/token"\n'
    async with standing(tmp_path, sites={"general": named}) as ground:
        ground.simulator.faults.seen.clear()
        await token(ground)
        assert all("smart-configuration" not in s.path for s in ground.simulator.faults.seen)


async def test_a_site_without_a_backend_client_says_so(tmp_path):
    async with standing(tmp_path, sites={"general": GENERAL}) as ground:
        with pytest.raises(NoToken, match="no_backend_client"):
            await token(ground)


async def test_production_does_not_start_without_the_keys_that_a_site_needs(tmp_path):
    from cds_service.app import build
    from cds_service.settings import Settings

    (tmp_path / "sites").mkdir()
    text = (GENERAL + BACKEND).replace("http://", "https://")
    (tmp_path / "sites" / "general.toml").write_text(text)
    ring = tmp_path / "ring.json"
    ring.write_text('{"newest": "00000000", "keys": {"00000000": "' + "A" * 43 + '="}}')
    ring.chmod(0o600)
    settings = Settings(
        data_dir=tmp_path,
        public_url="https://cds.test",
        sites=tmp_path / "sites",
        keyring=str(ring),
    )
    with pytest.raises(Misconfigured, match="cds-service keys rotate"):
        build(settings)


async def test_our_key_set_is_public_direct_and_cacheable(ground):
    answer = await ground.http.get(f"{CDS}/.well-known/jwks.json")
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "application/json"
    assert answer.headers["cache-control"] == "public, max-age=3600"
    again = {"If-None-Match": answer.headers["etag"]}
    assert (
        await ground.http.get(f"{CDS}/.well-known/jwks.json", headers=again)
    ).status_code == 304
    assert {key["alg"] for key in answer.json()["keys"]} == {"ES384", "RS384"}
    assert not {"d", "p", "q", "dp", "dq", "qi"} & {n for k in answer.json()["keys"] for n in k}


async def test_no_token_is_shown_by_repr(ground):
    held = await token(ground)
    shown = repr(held) + repr(ground.service.backend)
    assert held.value not in shown
