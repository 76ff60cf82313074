"""A site's client reaches the servers that its file names, over a network that is real here but for the names."""

import asyncio
import gzip
import ssl

import httpx
import pytest

from cds_service.domain.errors import Misconfigured
from cds_service.network import AddressRefused, Network
from tests.network.stage import HOST, Authority, Names, a_site, serving

pytestmark = pytest.mark.anyio
LOOPBACK = {"allow": ["127.0.0.0/8"]}


@pytest.fixture
async def network():
    made = Network(resolve=Names([["127.0.0.1"]]))
    yield made
    await made.aclose()


@pytest.fixture
def authority(tmp_path):
    return Authority(tmp_path, "hospital")


async def test_a_private_server_is_reached_where_the_site_names_its_range_and_its_authority(
    network, authority
):
    async with serving(certificate=authority.issue(HOST)) as server:
        base = f"https://{HOST}:{server.port}"
        site = a_site(base=base, ca_file=str(authority.file), **LOOPBACK)
        answer = await network.client(site).get(f"{base}/r4/metadata")
    assert answer.status_code == 200
    assert f"Host: {HOST}:{server.port}".encode() in server.requests[0]


async def test_without_the_range_nothing_reaches_it(network, authority):
    async with serving(certificate=authority.issue(HOST)) as server:
        base = f"https://{HOST}:{server.port}"
        client = network.client(a_site(base=base, ca_file=str(authority.file)))
        with pytest.raises(httpx.ConnectError) as stop:
            await client.get(f"{base}/r4/metadata")
        assert isinstance(stop.value.__cause__, AddressRefused)
        assert server.peers == []


async def test_a_pinned_authority_is_the_only_one_believed(network, tmp_path, authority):
    other = Authority(tmp_path, "someone-else")
    async with serving(certificate=other.issue(HOST)) as server:
        base = f"https://{HOST}:{server.port}"
        for file in (str(authority.file), None):
            site = a_site(base=base, ca_file=file, **LOOPBACK)
            with pytest.raises(httpx.ConnectError):
                await network.client(site).get(f"{base}/r4/metadata")
        assert server.requests == []


async def test_a_certificate_for_another_name_is_refused(network, authority):
    async with serving(certificate=authority.issue("other.example.org")) as server:
        base = f"https://{HOST}:{server.port}"
        site = a_site(base=base, ca_file=str(authority.file), **LOOPBACK)
        with pytest.raises(httpx.ConnectError):
            await network.client(site).get(f"{base}/r4/metadata")


async def test_our_client_certificate_is_shown_from_a_file_or_a_variable(
    network, authority, monkeypatch
):
    ours = authority.issue("cds.example.org")
    monkeypatch.setenv("EHR_CERTIFICATE", ours.read_text("ascii"))
    certificate = authority.issue(HOST)
    for name, reference in (("one", f"file:{ours}"), ("two", "env:EHR_CERTIFICATE")):
        async with serving(certificate=certificate, clients=authority.file) as server:
            base = f"https://{HOST}:{server.port}"
            how = {"ca_file": str(authority.file), "client_cert": reference, **LOOPBACK}
            answer = await network.client(a_site(name, base=base, **how)).get(f"{base}/r4/x")
            assert answer.status_code == 200
            assert server.peers[0]["subject"] == ((("commonName", "cds.example.org"),),)


async def test_without_it_a_server_that_asks_for_one_does_not_answer(network, authority):
    async with serving(certificate=authority.issue(HOST), clients=authority.file) as server:
        base = f"https://{HOST}:{server.port}"
        site = a_site(base=base, ca_file=str(authority.file), **LOOPBACK)
        with pytest.raises(httpx.HTTPError):
            await network.client(site).get(f"{base}/r4/x")
        assert server.requests == []


@pytest.mark.parametrize(
    "how",
    [
        {"ca_file": "/nowhere.pem"},
        {"client_cert": "file:/nowhere.pem"},
        {"client_cert": "env:NO_SUCH_VARIABLE"},
    ],
)
def test_certificates_that_cannot_be_read_are_said_in_one_sentence(how):
    (key,) = how
    with pytest.raises(Misconfigured, match=rf"site general: network\.{key}"):
        Network().client(a_site(**how))


ELSEWHERE = [
    "https://attacker.example/r4/Patient/1",
    "https://ehr.example.org.attacker.example/r4",
    "https://ehr.example.org@attacker.example/r4",
    "https://ehr.example.org:8443/r4",
    "http://ehr.example.org/r4",
    "http://169.254.169.254/latest/meta-data/",
    "https://127.0.0.1/r4",
    "file:///etc/passwd",
    "ftp://ehr.example.org/r4",
]


@pytest.mark.parametrize("url", ELSEWHERE)
async def test_a_server_that_the_site_file_does_not_name_is_not_even_looked_up(url):
    names = Names([["203.0.114.1"]])
    network = Network(resolve=names)
    with pytest.raises(httpx.UnsupportedProtocol):
        await network.client(a_site()).get(url)
    assert names.asked == []


async def test_http_is_for_the_demo_only():
    site = a_site(base="http://ehr.example.org")
    with pytest.raises(httpx.UnsupportedProtocol, match="https"):
        await Network().client(site).get("http://ehr.example.org/r4")


async def test_the_demo_reaches_http_on_loopback():
    network = Network(open=True)
    async with serving() as server:
        base = f"http://127.0.0.1:{server.port}"
        assert (await network.client(a_site(base=base)).get(f"{base}/r4")).status_code == 200
        await network.aclose()


async def test_an_authorization_server_elsewhere_is_reached_where_it_is_named(network, authority):
    async with serving(certificate=authority.issue("auth.example.org")) as server:
        there = f"https://auth.example.org:{server.port}"
        how = {"ca_file": str(authority.file), **LOOPBACK}
        with pytest.raises(httpx.UnsupportedProtocol):
            await network.client(a_site("one", **how)).get(f"{there}/token")
        site = a_site("two", servers=[there], **how)
        assert (await network.client(site).get(f"{there}/token")).status_code == 200


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
async def test_no_redirect_is_followed(network, authority, status):
    async with serving(certificate=authority.issue(HOST)) as server:
        base = f"https://{HOST}:{server.port}"
        server.answer = (
            f"HTTP/1.1 {status} Moved\r\nLocation: {base}/there\r\nContent-Length: 0\r\n\r\n"
        ).encode()
        site = a_site(base=base, ca_file=str(authority.file), **LOOPBACK)
        assert (await network.client(site).get(f"{base}/r4/x")).status_code == status
        assert len(server.requests) == 1


async def test_a_proxy_in_the_environment_is_not_used(network, authority, monkeypatch):
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "https_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    async with serving(certificate=authority.issue(HOST)) as server:
        base = f"https://{HOST}:{server.port}"
        site = a_site(base=base, ca_file=str(authority.file), **LOOPBACK)
        assert (await network.client(site).get(f"{base}/r4/x")).status_code == 200


async def test_a_proxy_that_the_site_names_gets_the_request_and_is_guarded_itself(network):
    async with serving() as proxy:
        named = f"http://proxy.example.org:{proxy.port}"
        with pytest.raises(httpx.ConnectError):
            await network.client(a_site("one", proxy=named)).get(f"https://{HOST}/r4/x")
        assert proxy.requests == []
        with pytest.raises(httpx.HTTPError):  # this one opens no tunnel
            await network.client(a_site("two", proxy=named, **LOOPBACK)).get(
                f"https://{HOST}/r4/x", timeout=1
            )
        assert proxy.requests[0].startswith(f"CONNECT {HOST}:443 ".encode())


async def test_a_site_keeps_its_client_until_its_file_changes_how_it_is_reached(network):
    first = network.client(a_site())
    assert network.client(a_site()) is first
    assert network.client(a_site("other")) is not first
    second = network.client(a_site(allow=["10.20.0.0/16"]))
    assert second is not first
    assert not first.is_closed, "a call may still be using it"
    await network.aclose()
    assert first.is_closed
    assert second.is_closed


def test_old_tls_is_not_spoken():
    from cds_service.network.clients import tls

    assert tls(a_site()).minimum_version >= ssl.TLSVersion.TLSv1_2


async def test_a_server_that_never_answers_costs_no_more_than_the_time_allowed(authority):
    network = Network(resolve=Names([["127.0.0.1"]]))
    async with serving(certificate=authority.issue(HOST)) as server:
        server.answer = b""
        base = f"https://{HOST}:{server.port}"
        client = network.client(a_site(base=base, ca_file=str(authority.file), **LOOPBACK))
        with pytest.raises(httpx.ReadTimeout):
            await client.get(f"{base}/r4/x", timeout=0.05)
    await network.aclose()


async def test_a_packed_answer_is_given_up_at_the_limit_of_what_it_unpacks_to(authority):
    from cds_service.fhir.client import MAX_ANSWER_BYTES, FhirServer, Pace

    network, loop = Network(resolve=Names([["127.0.0.1"]])), asyncio.get_running_loop()
    bomb = gzip.compress(b" " * (MAX_ANSWER_BYTES + 1))
    async with serving(certificate=authority.issue(HOST)) as server:
        head = f"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: {len(bomb)}\r\n\r\n"
        server.answer = head.encode() + bomb
        base = f"https://{HOST}:{server.port}"
        site = a_site(base=base, ca_file=str(authority.file), **LOOPBACK)
        fhir = FhirServer(
            base_url=f"{base}/r4",
            accept="application/fhir+json",
            http=network.client(site),
            pace=Pace(rate=10.0, clock=loop.time),
            slots=asyncio.Semaphore(1),
            clock=loop.time,
        )
        answer = await fhir.get(f"{base}/r4/Patient/1", token="t", deadline=loop.time() + 5)
    assert answer.fault == "too_large"
    await network.aclose()
