"""Who may call, seen from the wire; each way to forge a token has its test in tests/verify."""

import jwt
import pytest

from tests.ground import CDS
from tests.http.wire import RIVERSIDE, SERVICE, body, cards, post, problem

pytestmark = pytest.mark.anyio

URL = f"{CDS}{SERVICE}"


@pytest.mark.spec("S-1", "S-17")
async def test_both_recommended_algorithms_open_their_site(ground):
    for path, site, algorithm in (
        (SERVICE, "general", "ES384"),
        (RIVERSIDE, "riverside", "RS384"),
    ):
        token = ground.client(site).bearer(f"{CDS}{path}", algorithm=algorithm)
        assert cards(await post(ground, body(), path=path, token=token))


@pytest.mark.spec("S-6", "S-7")
async def test_without_an_address_of_keys_in_the_token_the_agreed_set_counts(ground):
    client = ground.client()
    claims = {name: value for name, value in client._claims(URL).items() if value is not None}
    token = client.ehr.hook_keys.sign(claims, algorithm="ES384")
    assert "jku" not in jwt.get_unverified_header(token)
    assert cards(await post(ground, body(), token=token))


@pytest.mark.spec("S-12", "S-19")
async def test_a_refused_token_does_not_use_up_its_id(ground):
    bearer = ground.client().bearer
    wrong = bearer(URL, claims={"jti": "j-1", "aud": f"{URL}-2"})
    right = bearer(URL, claims={"jti": "j-1"})
    problem(await post(ground, body(), token=wrong), 401, "not_trusted")
    assert cards(await post(ground, body(), token=right))
    problem(await post(ground, body(), token=right), 401, "not_trusted")


@pytest.mark.spec("S-27")
async def test_the_host_header_does_not_say_who_we_are(ground):
    token = ground.client().bearer(f"http://evil.example{SERVICE}")
    headers = {"Host": "evil.example", "X-Forwarded-Host": "evil.example"}
    problem(await post(ground, body(), token=token, headers=headers), 401, "not_trusted")


@pytest.mark.parametrize("scheme", ["bearer", "BEARER", "Bearer "])
async def test_the_scheme_is_read_in_any_letter_case(ground, scheme):
    headers = {"Authorization": f"{scheme} {ground.client().bearer(URL)}"}
    assert cards(await post(ground, body(), headers=headers))


@pytest.mark.parametrize("header", ["", "Bearer", "Basic {}", "{}", "Bearer {} {}", "Token {}"])
async def test_another_scheme_is_no_token(ground, header):
    headers = {"Authorization": header.replace("{}", ground.client().bearer(URL))}
    problem(await post(ground, body(), headers=headers), 401, "not_trusted")
