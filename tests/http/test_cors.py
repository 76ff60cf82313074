"""A browser-based EHR can call us, and only one that a site lists."""

import httpx
import pytest

from cds_service.app import World, build
from cds_service.settings import Settings
from cds_service.storage import load_key_ring
from tests.ground import GENERAL, standing
from tests.http.wire import FEEDBACK, SERVICE, body, context, post

pytestmark = pytest.mark.anyio

LISTED, OTHER = "https://ehr.example.org", "https://other.example.org"
ADDRESSES = ["/general/cds-services", SERVICE, FEEDBACK]
PREFLIGHT = {
    "Access-Control-Request-Method": "POST",
    "Access-Control-Request-Headers": "authorization,content-type",
}


@pytest.fixture
async def production(tmp_path):
    """A client of the service in the production profile, where only listed origins may call."""
    sites = tmp_path / "sites"
    sites.mkdir()
    site = GENERAL.replace("http://", "https://")
    (sites / "general.toml").write_text(site, encoding="utf-8")
    load_key_ring("", data_dir=tmp_path, demo=True)
    service = build(
        Settings(
            profile="production",
            data_dir=tmp_path,
            keyring=str(tmp_path / "keyring.json"),
            public_url="https://cds.test",
            sites=sites,
        ),
        World(transport=httpx.MockTransport(lambda _: httpx.Response(404))),
    )
    browser = httpx.AsyncClient(
        transport=httpx.ASGITransport(service.asgi), base_url="https://cds.test"
    )
    async with browser, service.running():
        yield browser


@pytest.mark.spec("C-1", "C-2", "C-3")
@pytest.mark.parametrize("path", ADDRESSES)
async def test_a_preflight_needs_no_token(production, path):
    response = await production.options(path, headers={"Origin": LISTED} | PREFLIGHT)
    assert (response.status_code, response.content) == (204, b"")
    assert response.headers["access-control-allow-origin"] == LISTED
    assert response.headers["vary"] == "Origin"
    assert response.headers["access-control-allow-methods"] == "GET, POST, OPTIONS"
    allowed = response.headers["access-control-allow-headers"].lower().split(", ")
    assert {"authorization", "content-type", "accept"} <= set(allowed)


@pytest.mark.spec("C-4")
@pytest.mark.parametrize("path", [*ADDRESSES, "/elsewhere/cds-services", "/"])
@pytest.mark.parametrize("method", ["OPTIONS", "GET", "POST"])
async def test_another_origin_is_let_in_nowhere(production, method, path):
    response = await production.request(method, path, headers={"Origin": OTHER} | PREFLIGHT)
    assert "access-control-allow-origin" not in response.headers
    assert response.headers["vary"] == "Origin"


@pytest.mark.spec("C-3")
async def test_a_cache_is_told_that_the_answer_depends_on_the_origin(production):
    """Also where none was sent: a cached answer without the header would lock a browser out."""
    response = await production.get("/general/cds-services")
    assert response.headers["vary"] == "Origin"


@pytest.mark.spec("C-4")
@pytest.mark.parametrize(
    "origin",
    [f"{LISTED}.evil.example", LISTED.replace("https", "http"), f"{LISTED}:444", "null", "*"],
)
async def test_an_origin_is_compared_whole(production, origin):
    response = await production.get("/general/cds-services", headers={"Origin": origin})
    assert "access-control-allow-origin" not in response.headers


@pytest.mark.spec("C-5")
@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("POST", SERVICE, 401),
        ("POST", FEEDBACK, 401),
        ("GET", SERVICE, 405),
        ("GET", "/general/nothing", 404),
    ],
)
async def test_a_listed_origin_can_read_an_error(production, method, path, status):
    response = await production.request(method, path, headers={"Origin": LISTED})
    assert response.status_code == status
    assert response.headers["access-control-allow-origin"] == LISTED


@pytest.mark.spec("C-1", "C-4")
async def test_the_demo_lets_any_origin_in_and_never_with_credentials(ground):
    for method in ("OPTIONS", "GET"):
        response = await ground.http.request(
            method, "/general/cds-services", headers={"Origin": OTHER} | PREFLIGHT
        )
        assert response.headers["access-control-allow-origin"] == "*"
        assert "access-control-allow-credentials" not in response.headers


@pytest.mark.spec("C-5")
@pytest.mark.parametrize(
    ("sent", "status"),
    [
        (body(), 200),
        (b"{", 400),
        (body(prefetch={}), 412),
        (body(context=context(patientId=None)), 400),
    ],
)
async def test_whatever_is_answered_a_browser_may_read_it(ground, sent, status):
    response = await post(ground, sent, headers={"Origin": OTHER})
    assert response.status_code == status
    assert response.headers["access-control-allow-origin"] == "*"


@pytest.mark.spec("C-5")
async def test_so_it_may_when_the_body_is_too_large_or_the_service_too_busy(tmp_path):
    async with standing(tmp_path, max_body_bytes=1024) as ground:
        response = await post(ground, b" " * 2000, headers={"Origin": OTHER})
        assert response.status_code == 413
        assert response.headers["access-control-allow-origin"] == "*"
