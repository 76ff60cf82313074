"""Sending a new resource, or an update, to a site's FHIR server: once, with what came back as a value.

A lost answer is not a failure: `sent` tells whether the request can have reached the server.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass

import httpx

from cds_service.domain.errors import NotJson
from cds_service.domain.json import JsonObject, decode, encode
from cds_service.fhir.client import FhirServer, retry_after
from cds_service.fhir.elements import code, codes, obj, objs, type_and_id

MEDIA_TYPE = "application/fhir+json"
_ENDING = re.compile(r"(?:^|/)([A-Z][A-Za-z]+/[A-Za-z0-9\-.]{1,64})(?:/_history/[^/]+)?/?$")
_NEVER_SENT = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout)


@dataclass(frozen=True, slots=True, kw_only=True)
class Posted:
    """What came back. `status` 0 means that no answer was read."""

    status: int = 0
    sent: bool = True
    """False: the request cannot have reached the server."""
    location: str = ""
    """`Type/id` of what was stored, where the answer says it."""
    codes: tuple[str, ...] = ()
    """Codes of the OperationOutcome, the vendor's own first: never a server's prose."""
    empty: bool = True
    """Whether the answer had no body, which some vendors' refusals are told by."""
    retry_after: float | None = None


async def create(
    server: FhirServer,
    resource: JsonObject,
    *,
    token: str,
    timeout_s: float,
    if_none_exist: str = "",
) -> Posted:
    """POST a resource to its type's address; this will return what came, and raise for nothing a server does.

    `if_none_exist` is a search (FHIR R4, 3.1.0.8.1); it is sent only where the server honours it.
    """
    headers = {"If-None-Exist": if_none_exist} if if_none_exist else {}
    url = f"{server.base_url}/{code(resource, 'resourceType')}"
    return await _send(server, "POST", url, resource, token, timeout_s, headers)


async def update(
    server: FhirServer, resource: JsonObject, *, token: str, timeout_s: float, if_match: str
) -> Posted:
    """PUT a resource that exists, if its version is still `if_match`."""
    headers = {"If-Match": f'W/"{if_match}"'} if if_match else {}
    url = f"{server.base_url}/{'/'.join(type_and_id(resource))}"
    return await _send(server, "PUT", url, resource, token, timeout_s, headers)


async def _send(  # noqa: PLR0913, PLR0917  # one request has that many parts
    server: FhirServer,
    method: str,
    url: str,
    resource: JsonObject,
    token: str,
    timeout_s: float,
    headers: dict[str, str],
) -> Posted:
    told = {
        "Accept": server.accept,
        "Content-Type": MEDIA_TYPE,
        "Authorization": f"Bearer {token}",
        **headers,
    }
    body = encode(resource)
    try:
        async with server.slots:
            answer = await server.http.request(
                method, url, content=body, headers=told, timeout=timeout_s
            )
    except _NEVER_SENT:
        return Posted(sent=False)
    except (httpx.HTTPError, httpx.InvalidURL):
        return Posted()
    return _read(server, answer)


def _read(server: FhirServer, answer: httpx.Response) -> Posted:
    try:
        body = decode(answer.content) if answer.content else None
    except NotJson:
        body = None
    return Posted(
        status=answer.status_code,
        location=_location(server, answer, body),
        codes=tuple(_codes(body)),
        empty=not answer.content.strip(),
        retry_after=retry_after(answer),
    )


def _location(server: FhirServer, answer: httpx.Response, body: object) -> str:
    """Return `Type/id` from `Location`, relative or absolute, else from the body; "" where neither says."""
    for name in ("location", "content-location"):
        value = answer.headers.get(name, "")
        found = _ENDING.search(value)
        if found and server.on_base(value) is not None:
            return found[1]
    kind, identity = type_and_id(body) if isinstance(body, dict) else ("", "")
    return f"{kind}/{identity}" if identity and kind != "OperationOutcome" else ""


def _codes(body: object) -> Iterator[str]:
    for issue in objs(body, "issue"):
        yield from codes(obj(issue, "details"))
        if code(issue, "code"):
            yield code(issue, "code")
