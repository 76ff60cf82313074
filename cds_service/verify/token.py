"""Verifies the bearer token of a call, in numbered steps; the order is the specification's best practice.

CDS Hooks 2.0.1, "Trusting CDS Clients". On any failure the caller learns only that it failed (401); the
reason goes into our audit.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import jwt

from cds_service.domain.call import Call, Caller
from cds_service.domain.errors import NotAllowed, NotTrusted
from cds_service.sites import Site, Trust
from cds_service.verify.keys import KeySets, fits, key_source
from cds_service.verify.replay import Replay

MAX_TOKEN_CHARS = 16 * 1024
_COMPACT = re.compile(r"[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]*")
"""RFC 7515 section 7.1. Decoders forgive other characters, and so one token would have many spellings."""
_MAX_CLAIM_CHARS = 2048
_YEAR_5138 = 1e11
_DOUBLED = re.compile(r"(?<!:)/{2,}")
_REQUIRED = ("iss", "aud", "exp", "iat", "jti")
_OURS = ("aud", "iss", "exp", "iat", "nbf", "sub", "jti")
_JWT = jwt.PyJWT(options={f"verify_{claim}": False for claim in _OURS})  # type: ignore[arg-type]


@dataclass(frozen=True, slots=True, kw_only=True)
class Verify:
    """Turns a call's token into a Caller. One for each process."""

    keys: KeySets
    replay: Replay
    now: Callable[[], datetime]

    async def __call__(self, call: Call, site: Site) -> Caller:
        """Return who calls. Raises `NotTrusted`, or `NotAllowed` for a foreign tenant."""
        now = self.now().timestamp()
        # (1) The header names a key and an algorithm; it proves nothing yet.
        header = _header(call.bearer)
        # (2) The issuer must be one of this site's, and its key set is the one paired with it: with two
        #     independent lists, issuer A's key could sign for issuer B.
        trust = _trust(site, _text(_unverified(call.bearer), "iss"))
        _check_jku(header, trust)
        # (3) The key comes from that set, by the raw `kid`; Epic's contain "+/=".
        key = await self.keys.find(site, key_source(trust), _text(header, "kid"))
        # (4) The algorithm is on our list and fits the key's own type: `none` and HMAC are impossible.
        algorithm = _text(header, "alg")
        allowed = trust.algorithms or site.profile.jwt.algorithms
        if algorithm not in allowed or not fits(key, algorithm):
            raise NotTrusted("algorithm")
        # (5) The signature, over exactly the bytes that were sent.
        claims = _decoded(call.bearer, key, algorithm)
        # (6) The audience is the address called, below our configured public URL.
        _check_audience(claims, call.url)
        # (7) The times: not expired, not from the future, not longer-lived than this issuer may.
        _check_times(claims, trust, site, now)
        # (8) The tenant, where the site names one; `sub` is our client id, where a vendor sends it.
        tenant = _check_tenant(claims, trust)
        # (9) The token is used for the first time.
        jti = _text(claims, "jti")
        skew = _skew(trust, site)
        self.replay.check(
            trust.iss, jti, expires=_number(claims, "exp") + skew, now=now, policy=trust.replay
        )
        return Caller(
            site=site.name, issuer=trust.iss, tenant=tenant, jti=jti, client_id=trust.client_id
        )


def _header(token: str) -> Mapping[str, Any]:
    if not token:
        raise NotTrusted("no_token")
    if len(token) > MAX_TOKEN_CHARS:
        raise NotTrusted("token_too_long")
    if not _COMPACT.fullmatch(token):
        raise NotTrusted("not_a_jwt")
    try:
        header = jwt.get_unverified_header(token)
    except (jwt.PyJWTError, RecursionError):
        raise NotTrusted("not_a_jwt") from None
    if any(_is_nested(value) for value in header.values()):
        raise NotTrusted("not_a_jwt")
    if header.get("typ", "JWT") != "JWT":
        raise NotTrusted("typ")
    if "crit" in header:
        raise NotTrusted("crit")
    return header


def _is_nested(value: object) -> bool:
    """Return whether a header member nests more deeply than a list (`x5c`) or an object (`jwk`) does."""
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return any(isinstance(each, dict | list) for each in inner)


def _unverified(token: str) -> Mapping[str, Any]:
    try:
        claims: Mapping[str, Any] = _JWT.decode(token, options={"verify_signature": False})
    except (jwt.PyJWTError, RecursionError):
        raise NotTrusted("not_a_jwt") from None
    return claims


def _trust(site: Site, issuer: str) -> Trust:
    for trust in site.file.trust:
        if trust.iss == issuer:
            return trust
    raise NotTrusted("issuer")


def _check_jku(header: Mapping[str, Any], trust: Trust) -> None:
    """A `jku` is accepted only where it equals the pair's; it is never fetched for its own sake."""
    jku = header.get("jku")
    if jku is not None and trust.jwks_url is not None and jku != trust.jwks_url:
        raise NotTrusted("jku")


def _decoded(token: str, key: Any, algorithm: str) -> Mapping[str, Any]:  # noqa: ANN401  # PyJWT's own type
    try:
        claims: Mapping[str, Any] = _JWT.decode(
            token, key, algorithms=[algorithm], options={"require": list(_REQUIRED)}
        )
    except jwt.MissingRequiredClaimError:
        raise NotTrusted("claim_missing") from None
    except (jwt.PyJWTError, ValueError, TypeError, RecursionError):
        raise NotTrusted("signature") from None
    return claims


def _check_audience(claims: Mapping[str, Any], url: str) -> None:
    """`aud` is the URL called, as a string or in a list; a trailing or doubled slash is forgiven.

    The edge forgives them in the address too, and a client signs the address as it calls it. For feedback
    the service's own URL counts too: the specification and the sandbox differ.
    """
    aud = claims["aud"]
    named = aud if isinstance(aud, list) else [aud]
    ours = {url, url.removesuffix("/feedback")}
    if not any(isinstance(each, str) and _tidy(each) in ours for each in named):
        raise NotTrusted("audience")


def _tidy(url: str) -> str:
    return _DOUBLED.sub("/", url).rstrip("/")


def _check_times(claims: Mapping[str, Any], trust: Trust, site: Site, now: float) -> None:
    skew = _skew(trust, site)
    longest = trust.max_lifetime_s or site.profile.jwt.max_lifetime_s
    exp, iat = _number(claims, "exp"), _number(claims, "iat")
    if exp + skew < now:
        raise NotTrusted("expired")
    if iat - skew > now:
        raise NotTrusted("issued_in_future")
    if exp - iat > longest:
        raise NotTrusted("lifetime")
    if "nbf" in claims and _number(claims, "nbf") - skew > now:
        raise NotTrusted("not_yet_valid")


def _check_tenant(claims: Mapping[str, Any], trust: Trust) -> str | None:
    tenant = claims.get("tenant")
    if trust.client_id is not None and claims.get("sub", trust.client_id) != trust.client_id:
        raise NotTrusted("subject")
    if trust.tenant is not None and tenant != trust.tenant:
        raise NotAllowed("tenant")
    return tenant if isinstance(tenant, str) else None


def _skew(trust: Trust, site: Site) -> int:
    return site.profile.jwt.skew_s if trust.skew_s is None else trust.skew_s


def _text(source: Mapping[str, Any], name: str) -> str:
    value = source.get(name)
    if not isinstance(value, str) or not 0 < len(value) <= _MAX_CLAIM_CHARS:
        raise NotTrusted(f"{name}_malformed")
    if not value.isprintable():
        raise NotTrusted(f"{name}_malformed")
    return value


def _number(claims: Mapping[str, Any], name: str) -> float:
    """Return a NumericDate (RFC 7519 section 2). Raises `NotTrusted` for anything else."""
    value = claims.get(name)
    if (
        isinstance(value, bool)
        or not isinstance(value, int | float)
        or not abs(value) < _YEAR_5138
    ):
        raise NotTrusted(f"{name}_malformed")
    return float(value)
