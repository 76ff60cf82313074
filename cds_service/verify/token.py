"""Verifies the bearer token of a call, in numbered steps, each with its rule.

"CDS Hooks" is 2.0.1, "Trusting CDS Clients". Its best practice looks at issuer, audience, expiry, tenant, signature
and `jti`; here the signature comes before whatever the claims say, so that only the issuer's own words decide between
401 and 403. On any failure the caller learns only that it failed; the reason goes into our audit and metrics.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from cds_service.domain.call import Call, Caller
from cds_service.domain.errors import NotAllowed, NotTrusted
from cds_service.sites import Site, Trust
from cds_service.verify.jws import Members, is_signed, take_apart
from cds_service.verify.keys import KeySets, fits, key_source
from cds_service.verify.replay import Replay

_MAX_CLAIM_CHARS = 2048
_YEAR_5138 = 1e11
_DOUBLED = re.compile(r"(?<!:)/{2,}")
_REQUIRED = ("iss", "aud", "exp", "iat", "jti")


@dataclass(frozen=True, slots=True, kw_only=True)
class Verify:
    """Turns a call's token into a Caller. One for each process."""

    keys: KeySets
    replay: Replay
    now: Callable[[], datetime]

    async def __call__(self, call: Call, site: Site) -> Caller:
        """Return who calls. Raises `NotTrusted`, or `NotAllowed` for a foreign tenant."""
        now = self.now().timestamp()
        # (1) A compact JWS with a flat header and each member once (RFC 7515, 7.1; RFC 7519, 4). `typ` is "JWT" where
        #     it is sent (CDS Hooks); extensions that change how it is read are refused (RFC 7515, 4.1.11; RFC 7797).
        header, claims = take_apart(call.bearer)
        check_header(header)
        # (2) The issuer is one of this site's, and its key set is the one paired with it: with two independent lists,
        #     issuer A's key could sign for issuer B. A `jku` equals the pair's and is never fetched for its own sake.
        trust = _trust(site, text_of(claims, "iss"))
        _check_jku(header, trust)
        # (3) The key comes from that set, by the raw `kid` (RFC 7517, 4.5); Epic's contain "+/=".
        key = await self.keys.find(site, key_source(trust), text_of(header, "kid"))
        # (4) The algorithm is on our list and fits the key's own type and curve: the header does not choose (RFC 8725,
        #     3.1), and so `none` and HMAC, which CDS Hooks forbids, are impossible.
        algorithm = text_of(header, "alg")
        allowed = trust.algorithms or site.profile.jwt.algorithms
        if algorithm not in allowed or not fits(key, algorithm):
            raise NotTrusted("algorithm", theirs=algorithm)
        # (5) The signature, over exactly the bytes that were sent (RFC 7515, 5.2). From here on the claims are the
        #     issuer's words.
        if not is_signed(call.bearer, key, algorithm):
            raise NotTrusted("signature")
        _check_required(claims)
        # (6) The audience is the address called, below our configured public URL (CDS Hooks: `aud`; RFC 8725, 3.9).
        _check_audience(claims, call.url)
        # (7) Not expired, not from the future, not longer-lived than this issuer may be (CDS Hooks: `exp`, `iat`;
        #     RFC 7519, 4.1.5: `nbf`).
        _check_times(claims, trust, site, now)
        # (8) `sub`, where a vendor sends it, is our client id; the tenant is the site's (CDS Hooks: `tenant`).
        tenant = _check_tenant(claims, trust)
        # (9) The token is used for the first time (CDS Hooks: `jti`), by the issuer's policy.
        jti = text_of(claims, "jti")
        skew = _skew(trust, site)
        await self.replay.check(
            trust.iss, jti, expires=number_of(claims, "exp") + skew, now=now, policy=trust.replay
        )
        return Caller(
            site=site.name, issuer=trust.iss, tenant=tenant, jti=jti, client_id=trust.client_id
        )


def check_header(header: Members) -> None:
    """Refuse a header that says that it is something else, or is to be read in another way. Raises `NotTrusted`."""
    if header.get("typ", "JWT") != "JWT":
        raise NotTrusted("typ")
    if "crit" in header or "b64" in header:
        raise NotTrusted("crit")


def _trust(site: Site, issuer: str) -> Trust:
    for trust in site.file.trust:
        if trust.iss == issuer:
            return trust
    raise NotTrusted("issuer", theirs=issuer)


def _check_jku(header: Members, trust: Trust) -> None:
    """A `jku` is accepted only where it equals the pair's; beside a file of keys it says nothing to us."""
    jku = header.get("jku")
    if jku is not None and trust.jwks_url is not None and jku != trust.jwks_url:
        raise NotTrusted("jku", theirs=jku)


def _check_required(claims: Members) -> None:
    if any(claims.get(name) is None for name in _REQUIRED):
        raise NotTrusted("claim_missing")


def _check_audience(claims: Members, url: str) -> None:
    """`aud` is the URL called, as a string or in a list; a trailing or doubled slash is forgiven.

    The edge forgives them in the address too, and a client signs the address as it calls it. For feedback
    the service's own URL counts too: the specification and the sandbox differ.
    """
    aud = claims["aud"]
    named = aud if isinstance(aud, list) else [aud]
    ours = {url, url.removesuffix("/feedback")}
    if not any(isinstance(each, str) and _tidy(each) in ours for each in named):
        raise NotTrusted("audience", theirs=next(iter(named), ""))


def _tidy(url: str) -> str:
    return _DOUBLED.sub("/", url).rstrip("/")


def _check_times(claims: Members, trust: Trust, site: Site, now: float) -> None:
    skew = _skew(trust, site)
    longest = trust.max_lifetime_s or site.profile.jwt.max_lifetime_s
    exp, iat = number_of(claims, "exp"), number_of(claims, "iat")
    if exp + skew < now:
        raise NotTrusted("expired")
    if iat - skew > now:
        raise NotTrusted("issued_in_future")
    if exp - iat > longest:
        raise NotTrusted("lifetime")
    if "nbf" in claims and number_of(claims, "nbf") - skew > now:
        raise NotTrusted("not_yet_valid")


def _check_tenant(claims: Members, trust: Trust) -> str | None:
    tenant = claims.get("tenant")
    if trust.client_id is not None and claims.get("sub", trust.client_id) != trust.client_id:
        raise NotTrusted("subject", theirs=claims.get("sub"))
    if trust.tenant is not None and tenant != trust.tenant:
        raise NotAllowed("tenant")
    return tenant if isinstance(tenant, str) else None


def _skew(trust: Trust, site: Site) -> int:
    return site.profile.jwt.skew_s if trust.skew_s is None else trust.skew_s


def text_of(source: Members, name: str) -> str:
    """Return a member that is short, printable text. Raises `NotTrusted` for anything else."""
    value = source.get(name)
    if not isinstance(value, str) or not 0 < len(value) <= _MAX_CLAIM_CHARS:
        raise NotTrusted(f"{name}_malformed")
    if not value.isprintable():
        raise NotTrusted(f"{name}_malformed")
    return value


def number_of(claims: Members, name: str) -> float:
    """Return a NumericDate (RFC 7519 section 2). Raises `NotTrusted` for anything else."""
    value = claims.get(name)
    if (
        isinstance(value, bool)
        or not isinstance(value, int | float)
        or not abs(value) < _YEAR_5138
    ):
        raise NotTrusted(f"{name}_malformed")
    return float(value)
