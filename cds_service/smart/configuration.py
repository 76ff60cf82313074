"""What an EHR says of its authorization server: discovered, checked against the site, cached.

SMART App Launch 2.2, "Conformance": `{fhir base}/.well-known/smart-configuration`. Where tokens are asked for and where
people are sent is never taken from a request, and is always an origin that the site's file names.
"""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from http import HTTPStatus
from urllib.parse import urlsplit

import httpx

from cds_service.domain.errors import NoToken
from cds_service.domain.json import JsonObject
from cds_service.sites import Backend, Site
from cds_service.smart.wire import bounded

MAX_AGE_S = 3600.0
MAX_STALE_S = 24 * 3600.0
"""A document that cannot be fetched again serves on for a day: endpoints move rarely."""
REFETCH_FLOOR_S = 10.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Configuration:
    """The part of the document that we act on. Every address is on an origin that the site file names."""

    token_endpoint: str
    authorization_endpoint: str = ""
    issuer: str = ""
    jwks_uri: str = ""
    assertion_algorithms: tuple[str, ...] = ()
    """What the server says that it accepts; empty when it says nothing."""


@dataclass(slots=True)
class _Cached:
    found: Configuration | None = None
    fetched: float = float("-inf")
    tried: float = float("-inf")
    reason: str = "discovery_failed"
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)


@dataclass(slots=True, kw_only=True)
class Configurations:
    """The configurations of all sites. One for each process."""

    client: Callable[[Site], httpx.AsyncClient]
    """How the servers of a site are reached."""
    clock: Callable[[], float]
    _known: dict[tuple[str, str], _Cached] = field(default_factory=dict)

    async def find(self, site: Site, client_id: str) -> Configuration:
        """Return a site's configuration, as this client of ours is told it.

        Fetched at most once in ten seconds and by one caller at a time. Raises `NoToken` with a reason code when
        it cannot be had, lacks its token endpoint, or names an address that is not the site's.
        """
        known = self._known.setdefault((site.file.fhir.base_url, client_id), _Cached())
        if self._age(known) > MAX_AGE_S:
            async with known.lock:
                if self._age(known) > MAX_AGE_S and self._is_due(known):
                    await self._refetch(site, client_id, known)
        if known.found is None or self._age(known) > MAX_STALE_S:
            raise NoToken(known.reason)
        return known.found

    async def of_backend(self, site: Site, backend: Backend) -> Configuration:
        """Return the configuration for backend services; the site file's own token address needs no discovery."""
        if backend.token_url is not None:
            return Configuration(token_endpoint=backend.token_url)
        return await self.find(site, backend.client_id)

    def _age(self, known: _Cached) -> float:
        return self.clock() - known.fetched

    def _is_due(self, known: _Cached) -> bool:
        due = self.clock() - known.tried > REFETCH_FLOOR_S
        if due:
            known.tried = self.clock()
        return due

    async def _refetch(self, site: Site, client_id: str, known: _Cached) -> None:
        try:
            known.found = parse(await self._fetch(site, client_id), site)
            known.fetched = self.clock()
        except NoToken as problem:
            known.reason = problem.detail

    async def _fetch(self, site: Site, client_id: str) -> object:
        url = f"{site.file.fhir.base_url}/.well-known/smart-configuration"
        named = site.profile.oauth.discovery_headers
        headers = {name: value.format(client_id=client_id) for name, value in named.items()}
        asked = {"Accept": "application/json", **headers}
        answer = await bounded(self.client(site), "GET", url, headers=asked)
        if answer.status != HTTPStatus.OK:
            raise NoToken("discovery_failed")
        return answer.json


def parse(document: object, site: Site) -> Configuration:
    """Return the checked configuration. Raises `NoToken` with a reason code."""
    if not isinstance(document, dict):
        raise NoToken("discovery_unreadable")
    algorithms = document.get("token_endpoint_auth_signing_alg_values_supported")
    return Configuration(
        token_endpoint=_address(document, "token_endpoint", site) or _lacks("token_endpoint"),
        authorization_endpoint=_address(document, "authorization_endpoint", site),
        issuer=_text(document, "issuer"),
        jwks_uri=_address(document, "jwks_uri", site),
        assertion_algorithms=tuple(
            each
            for each in (algorithms if isinstance(algorithms, list) else ())
            if isinstance(each, str)
        ),
    )


def _text(document: JsonObject, name: str) -> str:
    value = document.get(name)
    return value if isinstance(value, str) else ""


def _lacks(name: str) -> str:
    raise NoToken(f"discovery_lacks_{name}")


def _address(document: JsonObject, name: str, site: Site) -> str:
    """Return an address of the document, or "" where it has none. Raises `NoToken` for one that is not the site's."""
    url = _text(document, name)
    if url and not is_named(url, site):
        raise NoToken(f"{name}_not_named")
    return url


def is_named(url: str, site: Site) -> bool:
    """Return whether an address that somebody else gives is on an origin that the site's file names."""
    try:
        wanted, parts = _origin(url), urlsplit(url)
    except ValueError:
        return False
    tidy = url.isprintable() and " " not in url and parts.username is None
    return tidy and wanted in {_origin(each) for each in site.servers}


def _origin(url: str) -> tuple[str, str | None, int | None]:
    """Return scheme, host and port. Raises `ValueError` for what is no URL."""
    parts = urlsplit(url)
    return parts.scheme, parts.hostname, parts.port or {"https": 443, "http": 80}.get(parts.scheme)
