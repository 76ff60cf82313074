"""A bad token is refused with one and the same 401, and only our audit knows why.

Each token of the table differs from a good one in exactly one respect.
"""

import json
from urllib.parse import urlsplit

import pytest
from cryptography.hazmat.primitives.asymmetric.ec import ECDSA
from cryptography.hazmat.primitives.hashes import SHA256, SHA384

from cds_service.simulator.keys import make_key
from tests.ground import CDS
from tests.verify.conftest import P256, SMALL_RSA
from tests.verify.forge import GONE, Forge, Token, b64, ecdsa, hmac_with, pem, rsassa

pytestmark = pytest.mark.anyio

ELSEWHERE = "https://attacker.example/jwks.json"


def header(**members):
    return lambda forge, token: token.with_header(**members)


def claims(**members):
    return lambda forge, token: token.with_claims(**members)


def times(**offsets):
    """Move times by seconds from now."""
    return lambda forge, token: token.with_claims(
        **{name: forge.now + offset for name, offset in offsets.items()}
    )


def unsigned(algorithm):
    return lambda forge, token: token.with_header(alg=algorithm).signed_by(lambda _: b"")


def hmac_of_public_key(algorithm, digest):
    """The classic confusion: the public key, which everybody has, as the shared secret."""
    return lambda forge, token: token.with_header(alg=algorithm).signed_by(
        hmac_with(pem(forge.key()), digest)
    )


def by_the_other_issuer(forge, token):
    return token.signed_by(Forge(forge.ground, "riverside").signer("ES384"))


def rsa_key_as_es384(forge, token):
    kid = forge.ehr.hook_keys.kid("RS384")
    return token.with_header(kid=kid).signed_by(forge.signer("RS384"))


def es384_key_as_rs384(forge, token):
    return token.with_header(alg="RS384")


def rs256(forge, token):
    key = forge.key("RS384")
    kid = forge.ehr.hook_keys.kid("RS384")
    return token.with_header(alg="RS256", kid=kid).signed_by(rsassa(key, SHA256()))


def p256_as_es384(forge, token):
    return token.with_header(kid="p256").signed_by(ecdsa(P256))


def small_rsa(forge, token):
    return token.with_header(alg="RS384", kid="small").signed_by(rsassa(SMALL_RSA))


def key_inside(forge, token):
    """An attacker's own key, sent along in the header for the verifier's convenience."""
    key = make_key("ES384")
    numbers = key.public_key().public_numbers()
    jwk = {"kty": "EC", "crv": "P-384", "kid": token.header["kid"]}
    jwk |= {name: b64(getattr(numbers, name).to_bytes(48, "big")) for name in ("x", "y")}
    return token.with_header(jwk=jwk).signed_by(ecdsa(key))


def der_signature(forge, token):
    """The same signature in the encoding that JWS does not use."""
    return token.signed_by(lambda message: forge.key().sign(message, ECDSA(SHA384())))


def changed_after_signing(forge, token):
    head, _, tail = str(token).split(".")
    return f"{head}.{b64(json.dumps(token.claims | {'jti': 'another'}).encode())}.{tail}"


def jku(change):
    return lambda forge, token: token.with_header(jku=change(forge.ehr.hook_jwks_url))


def jku_at(change):
    """Move the address of the keys to another server."""

    def moved(url):
        parts = urlsplit(url)
        return parts._replace(netloc=change(parts.netloc)).geturl()

    return jku(moved)


def claims_text(change):
    return lambda forge, token: Token(
        token.header, token.claims, token.signer, claims_text=change(json.dumps(token.claims))
    )


def header_text(change):
    return lambda forge, token: Token(
        token.header, token.claims, token.signer, header_text=change(json.dumps(token.header))
    )


def twice(name, value):
    """Say a claim a second time: the last one counts (RFC 7519, section 4)."""
    return claims_text(lambda text: f"{text[:-1]}, {json.dumps({name: value})[1:]}")


NESTED = "[" * 5000 + "]" * 5000
DEEP = header_text(lambda text: f'{text[:-1]}, "deep": {NESTED}}}')
LONG = 1e400

ATTACKS = {
    # no token, or none that can be read
    "no authorization at all": (lambda f, t: None, "no_token"),
    "an empty token": (lambda f, t: "", "no_token"),
    "a word": (lambda f, t: "token", "not_a_jwt"),
    "two parts only": (lambda f, t: t.unsigned(), "not_a_jwt"),
    "four parts": (lambda f, t: f"{t}.x", "not_a_jwt"),
    "a token of 17 KiB": (claims(extra="x" * 17_000), "token_too_long"),
    "a header that nests 5000 deep": (DEEP, "not_a_jwt"),
    "a header of 17 KiB": (header(x5c=["x" * 17_000]), "token_too_long"),
    "a header that says alg twice": (
        header_text(lambda text: f'{text[:-1]}, "alg": "none"}}'),
        "member_twice",
    ),
    "a header that is a list": (header_text(lambda text: f"[{text}]"), "not_a_jwt"),
    "a header that is no JSON": (header_text(lambda text: text[:-1]), "not_a_jwt"),
    "claims that are a list": (claims_text(lambda text: f"[{text}]"), "not_a_jwt"),
    "claims that are no JSON": (claims_text(lambda text: text[:-1]), "not_a_jwt"),
    "claims that nest 5000 deep": (claims_text(lambda _: NESTED), "not_a_jwt"),
    # the signature and its algorithm
    "an empty signature": (lambda f, t: f"{t.unsigned()}.", "signature"),
    "a signature cut short": (lambda f, t: str(t)[:-4], "signature"),
    "claims changed after signing": (changed_after_signing, "signature"),
    "a signature in the other base64": (lambda f, t: f"{t}==", "not_a_jwt"),
    "a signature with a star in it": (lambda f, t: f"{str(t)[:-8]}*{str(t)[-8:]}", "not_a_jwt"),
    "a signature in DER": (der_signature, "signature"),
    "alg none": (unsigned("none"), "algorithm"),
    "alg None": (unsigned("None"), "algorithm"),
    "alg NONE": (unsigned("NONE"), "algorithm"),
    "no alg": (header(alg=GONE), "alg_malformed"),
    "a list as alg": (header(alg=["ES384"]), "alg_malformed"),
    "HS256 with the public key": (hmac_of_public_key("HS256", "sha256"), "algorithm"),
    "HS384 with the public key": (hmac_of_public_key("HS384", "sha384"), "algorithm"),
    "RS256, which is not listed": (rs256, "algorithm"),
    "a P-256 key as ES384": (p256_as_es384, "algorithm"),
    "an RSA key as ES384": (rsa_key_as_es384, "algorithm"),
    "an EC key as RS384": (es384_key_as_rs384, "algorithm"),
    "an RSA key of 1024 bits": (small_rsa, "unknown_kid"),
    # the key
    "another issuer's key under our kid": (by_the_other_issuer, "signature"),
    "a key that came along in the header": (key_inside, "signature"),
    "no kid": (header(kid=GONE), "kid_malformed"),
    "a number as kid": (header(kid=7), "kid_malformed"),
    "an empty kid": (header(kid=""), "kid_malformed"),
    "a kid that nobody published": (header(kid="other"), "unknown_kid"),
    "a path as kid": (header(kid="../../dev/null"), "unknown_kid"),
    "a kid with a line break": (header(kid="a\nb"), "kid_malformed"),
    "a foreign jku": (header(jku=ELSEWHERE), "jku"),
    "a jku on a look-alike host": (jku_at(lambda at: f"{at}.evil"), "jku"),
    "a jku with user info": (jku_at(lambda at: f"{at}@{at}"), "jku"),
    "a jku with a query": (jku(lambda u: f"{u}?x"), "jku"),
    "a jku on another port": (jku_at(lambda at: f"{at.partition(':')[0]}:8443"), "jku"),
    "a jku in another case": (jku(str.upper), "jku"),
    "a jku to a cloud's credentials": (header(jku="http://169.254.169.254/latest"), "jku"),
    "a jku to a file": (header(jku="file:///etc/passwd"), "jku"),
    "an empty jku": (header(jku=""), "jku"),
    "a number as jku": (header(jku=1), "jku"),
    "typ of another kind": (header(typ="at+jwt"), "typ"),
    "a critical extension": (header(crit=["exp"]), "crit"),
    "claims that are not encoded": (header(b64=False), "crit"),
    # who calls
    "no iss": (claims(iss=GONE), "iss_malformed"),
    "an unknown iss": (claims(iss="https://attacker.example"), "issuer"),
    "our iss with a slash more": (lambda f, t: t.with_claims(iss=f"{t.claims['iss']}/"), "issuer"),
    "the iss of the other site": (
        lambda f, t: t.with_claims(iss=Forge(f.ground, "riverside").ehr.hook_issuer),
        "issuer",
    ),
    "a list as iss": (lambda f, t: t.with_claims(iss=[t.claims["iss"]]), "iss_malformed"),
    "a good token of the other site": (
        lambda f, t: Forge(f.ground, "riverside").token("RS384"),
        "issuer",
    ),
    "a sub that is not ours": (claims(sub="someone-else"), "subject"),
    # for whom
    "no aud": (claims(aud=GONE), "claim_missing"),
    "aud is only the beginning": (claims(aud=f"{CDS}/general/cds-services"), "audience"),
    "aud is longer": (lambda f, t: t.with_claims(aud=f"{f.url}x"), "audience"),
    "aud is another service": (
        claims(aud=f"{CDS}/general/cds-services/appointment-book-brief"),
        "audience",
    ),
    "aud is another site": (
        claims(aud=f"{CDS}/riverside/cds-services/patient-view-brief"),
        "audience",
    ),
    "aud is another host": (
        lambda f, t: t.with_claims(aud=f.url.replace("cds.test", "cds.evil")),
        "audience",
    ),
    "aud in another case": (lambda f, t: t.with_claims(aud=f.url.upper()), "audience"),
    "aud is a list without us": (claims(aud=["https://a.example", CDS]), "audience"),
    "aud is an empty list": (claims(aud=[]), "audience"),
    "aud is a number": (claims(aud=1), "audience"),
    "aud is an object": (lambda f, t: t.with_claims(aud={f.url: True}), "audience"),
    "aud said twice": (twice("aud", "https://a.example"), "member_twice"),
    "aud said twice, ours last": (
        claims_text(lambda text: f'{{"aud": "x", {text[1:]}'),
        "member_twice",
    ),
    # when
    "exp has passed": (times(iat=-300, exp=-61), "expired"),
    "no exp": (claims(exp=GONE), "claim_missing"),
    "exp is a string": (lambda f, t: t.with_claims(exp=str(f.now + 60)), "exp_malformed"),
    "exp is true": (claims(exp=True), "exp_malformed"),
    "exp is null": (claims(exp=None), "claim_missing"),
    "exp is a list": (lambda f, t: t.with_claims(exp=[f.now + 60]), "exp_malformed"),
    "exp is not a number": (claims(exp=float("nan")), "not_a_jwt"),
    "exp is infinite": (claims(exp=LONG), "not_a_jwt"),
    "exp has 400 digits": (claims(exp=10**400), "exp_malformed"),
    "exp has 5000 digits": (claims_text(lambda t: f'{{"exp": {"9" * 5000}, {t[1:]}'), "not_a_jwt"),
    "exp is too far away": (times(exp=301), "lifetime"),
    "no iat": (claims(iat=GONE), "claim_missing"),
    "iat is in the future": (times(iat=61), "issued_in_future"),
    "iat is a string": (lambda f, t: t.with_claims(iat=str(f.now)), "iat_malformed"),
    "iat is long ago": (times(iat=-400, exp=0), "lifetime"),
    "nbf is in the future": (times(nbf=61), "not_yet_valid"),
    "nbf is a string": (claims(nbf="0"), "nbf_malformed"),
    # once
    "no jti": (claims(jti=GONE), "claim_missing"),
    "an empty jti": (claims(jti=""), "jti_malformed"),
    "a number as jti": (claims(jti=7), "jti_malformed"),
    "a jti of 3000 characters": (claims(jti="x" * 3000), "jti_malformed"),
    "a jti with half a character": (claims(jti="\ud800"), "jti_malformed"),
}

REFUSAL = {
    "resourceType": "OperationOutcome",
    "issue": [
        {
            "severity": "error",
            "code": "login",
            "details": {
                "coding": [{"system": "urn:cds-service:error", "code": "not_trusted"}],
                "text": "The caller could not be authenticated.",
            },
        }
    ],
}


def test_the_table_is_long():
    assert len(ATTACKS) >= 40


async def test_the_token_that_all_attacks_start_from_is_good(forge):
    assert (await forge.send(forge.token())).status_code == 200
    assert (await forge.audited())["outcome"] == "ok"


@pytest.mark.spec("S-3", "S-4", "S-8", "S-9", "S-10", "S-11", "S-12", "S-15", "S-16", "S-18")
@pytest.mark.spec("S-22", "S-23", "S-24", "S-25", "S-26")
@pytest.mark.parametrize("attack", ATTACKS)
async def test_a_token_that_differs_in_one_respect_is_refused(forge, attack):
    change, reason = ATTACKS[attack]
    token = change(forge, forge.token())
    answer = await forge.send(token, scheme="" if token is None else "Bearer")
    assert (answer.status_code, answer.json()) == (401, REFUSAL)
    assert answer.headers["www-authenticate"] == "Bearer"
    entry = await forge.audited()
    assert (entry["outcome"], entry["facts"]["reason"]) == ("not_trusted", reason)
    assert forge.ground.strays == []


@pytest.mark.parametrize("scheme", ["Basic", "DPoP", "Token", "Bearer,"])
async def test_a_token_under_another_scheme_counts_as_none(forge, scheme):
    answer = await forge.send(forge.token(), scheme=scheme)
    assert (answer.status_code, answer.json()) == (401, REFUSAL)
    assert (await forge.audited())["facts"]["reason"] == "no_token"


@pytest.mark.spec("S-12", "S-28")
async def test_a_token_is_good_once(forge):
    token = forge.token()
    assert (await forge.send(token)).status_code == 200
    again = await forge.send(token)
    assert (again.status_code, again.json()) == (401, REFUSAL)
    assert (await forge.audited())["facts"]["reason"] == "replayed"


async def test_no_attack_made_us_call_anybody_but_the_sites_own_key_server(shared, forge):
    """Runs after the table, on the same ground."""
    assert shared.strays == []


async def test_a_refused_token_does_not_use_up_its_jti(forge):
    token = forge.token()
    assert (await forge.send(token.with_claims(aud="https://a.example"))).status_code == 401
    assert (await forge.send(token)).status_code == 200


@pytest.mark.spec("S-13", "S-29", "H")
@pytest.mark.parametrize("tenant", ["south", "North", "", 7, GONE])
async def test_another_tenant_of_a_trusted_issuer_is_403(shared, tenant):
    forge = Forge(shared, "north")
    answer = await forge.send(forge.token().with_claims(tenant=tenant))
    assert answer.status_code == 403
    entry = await forge.audited()
    assert (entry["outcome"], entry["facts"]["reason"]) == ("not_allowed", "tenant")


async def test_our_own_tenant_is_let_in(shared):
    forge = Forge(shared, "north")
    assert (await forge.send(forge.token().with_claims(tenant="north"))).status_code == 200


async def test_the_weak_keys_of_the_table_really_are_published(forge):
    jwks = forge.ehr.hook_keys.jwks()["keys"]
    assert {"small", "p256"} <= {key["kid"] for key in jwks}
