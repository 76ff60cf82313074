"""What a good token may look like: EHRs differ, and the specification leaves room."""

import pytest

from tests.ground import CDS
from tests.verify.forge import GONE, Forge, rsassa

pytestmark = pytest.mark.anyio

GOOD = {
    "as it comes": lambda f, t: t,
    "without typ": lambda f, t: t.with_header(typ=GONE),
    "aud in a list": lambda f, t: t.with_claims(aud=[f.url]),
    "aud in a list with others": lambda f, t: t.with_claims(aud=["https://a.example", 7, f.url]),
    "aud with a trailing slash": lambda f, t: t.with_claims(aud=f"{f.url}/"),
    "jku equal to the site file's": lambda f, t: t.with_header(jku=f.ehr.hook_jwks_url),
    "our client id as sub": lambda f, t: t.with_claims(sub="cds-brief"),
    "a tenant where the site names none": lambda f, t: t.with_claims(tenant="north"),
    "claims of a vendor's own": lambda f, t: t.with_claims(extension={"a": [1]}),
    "members of a vendor's own in the header": lambda f, t: t.with_header(x5t="x"),
    "an x5u, which nobody follows": lambda f, t: t.with_header(x5u="https://a.example/cert"),
    "fractions of a second": lambda f, t: t.with_claims(iat=f.now + 0.5, exp=f.now + 60.25),
    "the longest life": lambda f, t: t.with_claims(exp=f.now + 300),
    "exp as late as the skew lets it": lambda f, t: t.with_claims(iat=f.now - 300, exp=f.now - 60),
    "iat as early as the skew lets it": lambda f, t: t.with_claims(iat=f.now + 60),
    "nbf as early as the skew lets it": lambda f, t: t.with_claims(nbf=f.now + 60),
    "nbf long ago": lambda f, t: t.with_claims(nbf=0),
    "our aud said last": lambda f, t: t.with_claims(aud=GONE, zz=1, aud_=0).with_claims(aud=f.url),
}


@pytest.mark.spec("S-5", "S-6", "S-9", "S-13", "S-14", "S-26", "S-27")
@pytest.mark.parametrize("variant", GOOD)
async def test_a_token_may_be(forge, variant):
    answer = await forge.send(GOOD[variant](forge, forge.token()))
    assert answer.status_code == 200, (await forge.audited())["facts"]


async def test_either_recommended_algorithm_may_sign(forge):
    assert (await forge.send(forge.token("ES384"))).status_code == 200
    assert (await forge.send(forge.token("RS384"))).status_code == 200


@pytest.mark.parametrize("scheme", ["bearer", "BEARER"])
async def test_the_scheme_may_be_written_in_any_case(forge, scheme):
    assert (await forge.send(forge.token(), scheme=scheme)).status_code == 200


async def test_epic_names_its_keys_with_plus_slash_and_equals(shared):
    forge = Forge(shared, "riverside")
    token = forge.token("RS384")
    assert set("+/=") <= set(token.header["kid"])
    assert (await forge.send(token)).status_code == 200
    encoded = token.header["kid"].replace("+", " ")
    refused = token.with_header(kid=encoded).with_claims(jti="another")
    assert (await forge.send(refused)).status_code == 401


async def test_epics_tokens_live_fifteen_minutes_and_begin_before_they_are_issued(shared):
    forge = Forge(shared, "riverside")
    token = forge.token("RS384").with_claims(exp=forge.now + 900, nbf=forge.now - 300)
    assert (await forge.send(token)).status_code == 200


@pytest.mark.spec("B-12", "S-2", "S-27")
@pytest.mark.parametrize("end", ["", "/feedback", "/feedback/"])
async def test_for_feedback_the_services_own_address_counts_too(forge, end):
    url = f"{forge.url}/feedback"
    token = forge.token().with_claims(aud=forge.url + end)
    headers = {"Authorization": f"Bearer {token}"}
    answer = await forge.ground.http.post(url, json={"feedback": []}, headers=headers)
    assert answer.status_code == 200


async def test_a_feedback_token_opens_nothing_but_feedback(forge):
    token = forge.token().with_claims(aud=f"{forge.url}/feedback")
    assert (await forge.send(token)).status_code == 401


async def test_the_audience_is_our_public_address_whatever_host_was_named(forge):
    headers = {"Authorization": f"Bearer {forge.token()}", "Host": "attacker.example"}
    answer = await forge.ground.http.post(forge.url, json={}, headers=headers)
    assert answer.status_code == 400, "the token was good; only the body is empty"
    elsewhere = forge.token().with_claims(aud=forge.url.replace(CDS, "http://attacker.example"))
    headers = {"Authorization": f"Bearer {elsewhere}", "Host": "attacker.example"}
    answer = await forge.ground.http.post(forge.url, json={}, headers=headers)
    assert answer.status_code == 401


@pytest.mark.spec("S-28")
async def test_a_test_tool_may_send_a_token_again_for_as_long_as_its_site_allows(shared):
    forge = Forge(shared, "windowed")
    token = forge.token()
    assert (await forge.send(token)).status_code == 200
    shared.clock.move(seconds=30)
    assert (await forge.send(token)).status_code == 200
    shared.clock.move(seconds=1)
    assert (await forge.send(token)).status_code == 401
    assert (await forge.audited())["facts"]["reason"] == "replayed"


async def test_a_site_without_replay_check_takes_a_token_until_it_expires(shared):
    forge = Forge(shared, "lenient")
    token = forge.token()
    for _ in range(3):
        assert (await forge.send(token)).status_code == 200
        shared.clock.move(seconds=120)
    assert (await forge.send(token)).status_code == 200, "exp is 300 s after iat, the skew 60 s"
    shared.clock.move(seconds=1)
    assert (await forge.send(token)).status_code == 401


async def test_what_is_remembered_of_a_token_ends_with_it(shared):
    forge = Forge(shared)
    seen = shared.service.endpoints.verify.replay._seen
    await forge.send(forge.token())
    shared.clock.move(seconds=3600)
    await forge.send(forge.token())
    assert len(seen) == 1


async def test_two_issuers_may_use_the_same_jti(shared):
    general, riverside = Forge(shared), Forge(shared, "riverside")
    same = {"jti": "the-same"}
    assert (await general.send(general.token().with_claims(**same))).status_code == 200
    assert (await riverside.send(riverside.token("RS384").with_claims(**same))).status_code == 200


async def test_a_signature_is_checked_over_the_bytes_that_were_sent(forge):
    """White space in the JSON is the sender's affair: nothing is encoded anew."""
    token = forge.token("RS384").signed_by(rsassa(forge.key("RS384")))
    spaced = type(token)(
        token.header, token.claims, token.signer, header_text=f"  {token.header}".replace("'", '"')
    )
    assert (await forge.send(spaced)).status_code == 200
