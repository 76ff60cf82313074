"""Asks an EHR's token endpoint, and reads what it grants or why it does not.

RFC 6749 sections 5.1 and 5.2. Nothing of an answer is quoted: an error is one of the registered names or a status.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from http import HTTPStatus
from uuid import uuid4

import httpx
import jwt

from cds_service.domain.errors import Misconfigured, NoToken
from cds_service.domain.json import JsonObject
from cds_service.smart.keys import ALGORITHMS, KeyFile, SigningAlgorithm, SigningKey
from cds_service.smart.wire import Reply, bounded

ASSERTION_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
_REFRESH_AT = 0.8
"""Of a token's life: early enough that a slow or flapping server is tried several times before the end."""
_LONGEST_S = 24 * 3600
_UNTOLD_S = 300.0
"""Life of a token whose answer names none: what SMART recommends at most for backend services."""
_MARGIN_S = 5.0
_ERRORS = frozenset(
    {
        "invalid_request",
        "invalid_client",
        "invalid_grant",
        "invalid_scope",
        "unauthorized_client",
        "unsupported_grant_type",
        "access_denied",
        "temporarily_unavailable",
        "server_error",
    }
)
_TOKEN = re.compile(r"[\x21-\x7e]{1,16384}")
"""What may stand in a header (RFC 6750 section 2.1 is narrower than what vendors send)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Token:
    """An access token of ours and what it may do."""

    value: str = field(repr=False)
    scopes: frozenset[str]
    """As granted; what was asked for when the server does not say."""
    refresh_at: datetime
    expires: datetime
    """A little before the end that the server named, so that a request under way still has it."""


class Refused(NoToken):
    """A token request that was refused, with the seconds after which the server wants to be asked again."""

    def __init__(self, detail: str, *, retry_after: float | None = None) -> None:
        super().__init__(detail)
        self.retry_after = retry_after


@dataclass(frozen=True, slots=True, kw_only=True)
class Granted:
    """A token and the other members of its answer."""

    token: Token
    answer: JsonObject = field(repr=False)

    def text(self, name: str) -> str:
        """Return a member that is text, else ""."""
        value = self.answer.get(name)
        return value if isinstance(value, str) else ""


def assertion(
    key: SigningKey, *, client_id: str, audience: str, now: datetime, lifetime_s: int
) -> str:
    """Return a signed client assertion (SMART App Launch 2.2, "Asymmetric Client Authentication").

    Good for one request: its `jti` is new, and it lives at most five minutes.
    """
    issued = int(now.timestamp())
    claims = {
        "iss": client_id,
        "sub": client_id,
        "aud": audience,
        "jti": uuid4().hex,
        "iat": issued,
        "exp": issued + lifetime_s,
    }
    headers = {"kid": key.kid, "typ": "JWT"}
    return jwt.encode(claims, key.private, algorithm=key.algorithm, headers=headers)


def assertion_key(
    keys: KeyFile, ours: tuple[SigningAlgorithm, ...], theirs: tuple[str, ...]
) -> SigningKey:
    """Return the key that signs for a server: our first algorithm among those that it says it supports.

    A server that names none of ours may still take one, and many lists are wrong: then our first is tried.
    Raises `NoToken`.
    """
    known = ours or ALGORITHMS
    try:
        return keys.signing(next((each for each in known if each in theirs), known[0]))
    except Misconfigured:
        raise NoToken("no_signing_key") from None


async def ask(
    http: httpx.AsyncClient,
    url: str,
    form: Mapping[str, str],
    *,
    asked: frozenset[str],
    now: datetime,
    headers: Mapping[str, str] | None = None,
) -> Granted:
    """Send one token request. Raises `Refused` with a reason code."""
    sent = {"Accept": "application/json", **(headers or {})}
    reply = await bounded(http, "POST", url, headers=sent, form=form)
    if reply.status != HTTPStatus.OK:
        raise Refused(_reason(reply), retry_after=reply.retry_after)
    return read(reply.json, asked=asked, now=now)


def read(answer: object, *, asked: frozenset[str], now: datetime) -> Granted:
    """Return what a token endpoint granted. Raises `Refused` for an answer that is none."""
    if not isinstance(answer, dict):
        raise Refused("token_answer_unreadable")
    value, kind = answer.get("access_token"), answer.get("token_type", "Bearer")
    if not isinstance(value, str) or not _TOKEN.fullmatch(value):
        raise Refused("token_answer_unreadable")
    if not isinstance(kind, str) or kind.lower() != "bearer":
        raise Refused("token_type")
    seconds = _lifetime(answer.get("expires_in"))
    scope = answer.get("scope")
    return Granted(
        token=Token(
            value=value,
            scopes=frozenset(scope.split()) if isinstance(scope, str) else asked,
            refresh_at=now + timedelta(seconds=seconds * _REFRESH_AT),
            expires=now + timedelta(seconds=seconds - min(_MARGIN_S, seconds / 10)),
        ),
        answer=answer,
    )


def _lifetime(value: object) -> float:
    """Return `expires_in` in seconds; some servers send it as text. Raises `Refused` for a dead token."""
    if value is None:
        return _UNTOLD_S
    if isinstance(value, str) and value.isdecimal() and len(value) < len(str(_LONGEST_S)) + 1:
        value = int(value)
    if isinstance(value, bool) or not isinstance(value, int) or value <= 0:
        raise Refused("token_expired")
    return float(min(value, _LONGEST_S))


def _reason(reply: Reply) -> str:
    """Return why a request was refused: a registered error name (RFC 6749 section 5.2), else the status."""
    said = reply.json.get("error") if isinstance(reply.json, dict) else None
    if isinstance(said, str) and said in _ERRORS:
        return said
    return f"token_endpoint_{reply.status}" if reply.status else "token_endpoint_silent"
