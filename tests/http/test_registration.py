"""The registration packet as a page: open in the demo, for the operator alone in production."""

from contextlib import nullcontext

import httpx
import pytest
from pydantic import ValidationError

from cds_service.domain.errors import NotTrusted, Overloaded
from cds_service.http.bare import bare
from cds_service.http.registration import GUESSES, Guesses, Registration, add_registration
from cds_service.http.service import add_routes
from cds_service.settings import Settings
from tests.http.wire import problem

pytestmark = pytest.mark.anyio


async def test_the_demo_shows_the_packet_of_each_site(shared):
    page = await shared.http.get("/riverside/registration")
    assert page.status_code == 200
    assert page.headers["content-type"].startswith("text/html")
    assert "External Endpoint Configuration" in page.text
    assert "http://cds.test/riverside/cds-services/patient-view-brief" in page.text
    assert "default-src 'none'" in page.headers["content-security-policy"]
    assert "unsafe" not in page.headers["content-security-policy"]


async def test_an_unknown_site_has_no_packet(shared):
    problem(await shared.http.get("/nowhere/registration"), 404, "unknown_site")


class Asked:
    def __init__(self, **headers):
        self.path_params = {"site": "general"}
        self.headers = headers


def registration(shared, token="right", clock=lambda: 0.0):
    """Return the page as production has it."""
    return Registration(
        sites=shared.service.sites,
        page_of=lambda _: "<style></style>",
        token=token,
        is_demo=False,
        guesses=Guesses(clock),
        refused=shared.service.audit.refused,
    )


@pytest.mark.parametrize("sent", ["", "Bearer ", "Bearer wrong", "Basic right", "Bearer Right"])
async def test_production_wants_the_operators_token(shared, sent):
    page = registration(shared)
    with pytest.raises(NotTrusted):
        await page.page(Asked(authorization=sent))
    assert (await page.page(Asked(authorization="Bearer right"))).status_code == 200


def test_an_operators_token_that_could_be_guessed_stops_the_start():
    with pytest.raises(ValidationError, match="operator_token"):
        Settings(public_url="https://cds.example.org", operator_token="x" * 19)
    assert Settings(public_url="https://cds.example.org", operator_token="x" * 20)


async def test_without_an_operators_token_nobody_gets_in(shared):
    page = registration(shared, token="")
    for sent in ("", "Bearer ", "Bearer"):
        with pytest.raises(NotTrusted):
            await page.page(Asked(authorization=sent))


async def test_whoever_guesses_the_token_gets_ten_tries_a_minute_and_stands_in_the_audit(shared):
    now = [0.0]
    page = registration(shared, clock=lambda: now[0])
    for _ in range(GUESSES):
        with pytest.raises(NotTrusted):
            await page.page(Asked(authorization="Bearer wrong"))
    with pytest.raises(Overloaded):
        await page.page(Asked(authorization="Bearer right"))
    now[0] = 60.0
    assert (await page.page(Asked(authorization="Bearer right"))).status_code == 200
    told = [e for e in await shared.audited() if e["action"] == "registration"]
    counts = {each["facts"]["reason"]: 0 for each in told}
    for each in told:
        counts[each["facts"]["reason"]] += each["facts"].get("count", 1)
    assert counts["operator_token"] >= GUESSES
    assert counts["guesses"] == 1


async def test_a_stranger_writes_nothing_of_their_own_into_the_log(shared, caplog):
    closed = registration(shared)
    app = bare(lambda _app: nullcontext())
    add_routes(app, shared.service.endpoints)
    add_registration(app, closed)
    async with httpx.AsyncClient(
        transport=httpx.ASGITransport(app), base_url="http://cds.test"
    ) as web:
        problem(await web.get("/x%0Aforged line/registration"), 404, "unknown_site")
        problem(await web.get("/general/registration"), 401, "not_trusted")
    assert "forged" not in caplog.text
    assert "site general: not_trusted" in caplog.text
