"""A bearer token taken apart: three parts of base64url, a flat JSON header, JSON claims. Nothing here is believed yet.

RFC 7515 section 7.1 (compact serialization) and RFC 7519 section 4. Both allow a reader to take the last of two members
of one name, or to refuse: we refuse, because another reader on the way may take the first.
"""

import json
import re
from base64 import urlsafe_b64decode
from collections.abc import Mapping
from typing import Any

from jwt.algorithms import get_default_algorithms

from cds_service.domain.errors import NotTrusted
from cds_service.verify.keys import PublicKey

MAX_TOKEN_CHARS = 16 * 1024
_COMPACT = re.compile(r"[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]*")
"""Decoders forgive other characters, and so one token would have many spellings."""
_ALGORITHMS = get_default_algorithms()

Members = Mapping[str, Any]


def take_apart(token: str) -> tuple[Members, Members]:
    """Return the header and the claims. Raises `NotTrusted` for what is no token of this shape."""
    if not token:
        raise NotTrusted("no_token")
    if len(token) > MAX_TOKEN_CHARS:
        raise NotTrusted("token_too_long")
    if not _COMPACT.fullmatch(token):
        raise NotTrusted("not_a_jwt")
    header, claims, _ = token.split(".")
    return _flat(_members(header)), _members(claims)


def is_signed(token: str, key: PublicKey, algorithm: str) -> bool:
    """Return whether a token's signature, over exactly the bytes that were sent, is this key's."""
    signed, _, signature = token.rpartition(".")
    try:
        return _ALGORITHMS[algorithm].verify(signed.encode(), key, _bytes(signature))
    except ValueError:
        return False


def _members(part: str) -> Members:
    try:
        found = _JSON.decode(_bytes(part).decode())
    except (ValueError, RecursionError):
        raise NotTrusted("not_a_jwt") from None
    if not isinstance(found, dict):
        raise NotTrusted("not_a_jwt")
    return found


def _bytes(part: str) -> bytes:
    return urlsafe_b64decode(part + "=" * (-len(part) % 4))


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        raise NotTrusted("member_twice")
    return found


def _no_number(word: str) -> None:
    """Refuse `NaN` and `Infinity`, which are no JSON and compare with nothing."""
    raise ValueError(word)


_JSON = json.JSONDecoder(object_pairs_hook=_once, parse_constant=_no_number)
"""Made once: a decoder costs more to make than a token's two parts cost to read."""


def _flat(header: Members) -> Members:
    """Check that no member nests more deeply than a list (`x5c`) or an object (`jwk`) does."""
    for value in header.values():
        inner = (
            value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
        )
        if any(isinstance(each, dict | list) for each in inner):
            raise NotTrusted("not_a_jwt")
    return header
