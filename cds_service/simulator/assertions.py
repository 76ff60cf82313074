"""Checks a client's signed assertion (private_key_jwt), as SMART backend services asks.

Source: SMART App Launch 2.2, "Client Authentication: Asymmetric".
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import jwt

from cds_service.simulator.wire import Json

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from datetime import datetime

    from jwt.types import Options

    from cds_service.simulator.config import Client

ALGORITHMS = frozenset({"RS384", "ES384"})
LIFETIME_S = 300
SKEW_S = 30
TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
# Claims are checked against the injected clock, below.
_NO_CLAIMS: Options = {
    "verify_exp": False,
    "verify_nbf": False,
    "verify_iat": False,
    "verify_aud": False,
}


class AssertionRefusedError(Exception):
    """An assertion that proves nothing; the text says why."""


class Assertions:
    """Verifies assertions and remembers their jti until they expire."""

    def __init__(
        self, *, clock: Callable[[], datetime], fetch: Callable[[str], Awaitable[Json]]
    ) -> None:
        """Take the clock and a function that fetches a JWK set by URL."""
        self._clock = clock
        self._fetch = fetch
        self._used: dict[tuple[str, str], float] = {}
        self._sets: dict[str, Json] = {}

    @staticmethod
    def client_id(assertion: str) -> str:
        """Read who the assertion claims to be from, unverified. Raises AssertionRefusedError."""
        try:
            claims = jwt.decode(assertion, options={**_NO_CLAIMS, "verify_signature": False})
        except jwt.PyJWTError as error:
            raise AssertionRefusedError("the assertion is not a JWT") from error
        return str(claims.get("iss", ""))

    async def verify(self, assertion: str, client: Client, *, audience: str) -> None:
        """Accept the assertion or raise AssertionRefusedError with the reason."""
        try:
            header = jwt.get_unverified_header(assertion)
            algorithm = str(header.get("alg"))
            _need(algorithm in ALGORITHMS, "alg must be RS384 or ES384")
            key = jwt.PyJWK.from_dict(await self._key(client, str(header.get("kid"))), algorithm)
            claims = jwt.decode(assertion, key, algorithms=[algorithm], options=_NO_CLAIMS)
        except jwt.PyJWTError as error:
            raise AssertionRefusedError("the signature does not verify") from error
        self._check(claims, client, audience)

    def _check(self, claims: Json, client: Client, audience: str) -> None:
        now = self._clock().timestamp()
        expires = claims.get("exp")
        _need(claims.get("iss") == claims.get("sub") == client.client_id, "iss and sub: client id")
        _need(claims.get("aud") in (audience, [audience]), f"aud must be {audience}")
        if not isinstance(expires, int | float):
            raise AssertionRefusedError("exp is needed")
        _need(now - SKEW_S < expires, "the assertion has expired")
        _need(expires <= now + LIFETIME_S + SKEW_S, "exp is more than five minutes ahead")
        key = (client.client_id, str(claims.get("jti", "")))
        _need(bool(key[1]), "jti is needed")
        self._used = {one: end for one, end in self._used.items() if end > now - SKEW_S}
        _need(key not in self._used, "jti was used before")
        self._used[key] = float(expires)

    async def _key(self, client: Client, kid: str) -> Json:
        url = client.jwks_url
        if client.jwks is not None or url is None:
            return _pick(client.jwks or {}, kid) or _no_key()
        if _pick(self._sets.get(url, {}), kid) is None:
            self._sets[url] = await self._fetch(url)
        return _pick(self._sets[url], kid) or _no_key()


def _need(condition: bool, reason: str) -> None:
    if not condition:
        raise AssertionRefusedError(reason)


def _pick(jwks: Json, kid: str) -> Json | None:
    return next((key for key in jwks.get("keys", []) if key.get("kid") == kid), None)


def _no_key() -> Json:
    raise AssertionRefusedError("no registered key has this kid")
