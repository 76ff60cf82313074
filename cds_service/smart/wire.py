"""Short, bounded requests to authorization servers: the size and the time of an answer have limits."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field

import httpx

from cds_service.domain.errors import NotJson
from cds_service.domain.json import decode

MAX_BYTES = 64 * 1024
_FETCH_S = 5.0
_MAX_DIGITS = 5


@dataclass(frozen=True, slots=True)
class Reply:
    """A short answer; status 0 means that none was read."""

    status: int
    json: object = field(repr=False, default=None)
    retry_after: float | None = None
    """Seconds, where the server names them."""


async def bounded(
    http: httpx.AsyncClient,
    method: str,
    url: str,
    *,
    headers: Mapping[str, str],
    form: Mapping[str, str] | None = None,
) -> Reply:
    """Send one request and read at most 64 KiB of its answer within five seconds; no redirect is followed."""
    content = b""
    try:
        async with (
            asyncio.timeout(_FETCH_S),
            http.stream(method, url, headers=headers, data=form, follow_redirects=False) as answer,
        ):
            async for chunk in answer.aiter_bytes():
                content += chunk
                if len(content) > MAX_BYTES:
                    return Reply(0)
    except (httpx.HTTPError, httpx.InvalidURL, TimeoutError):
        return Reply(0)
    try:
        body = decode(content)
    except NotJson:
        body = None
    return Reply(answer.status_code, body, _seconds(answer.headers.get("retry-after", "")))


def _seconds(value: str) -> float | None:
    """Return `Retry-After` in seconds; a date is left to our own pauses."""
    return float(value) if value.isdecimal() and len(value) <= _MAX_DIGITS else None
