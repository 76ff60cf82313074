"""One HTTP client for each site: its certificates, its pool, and no server but those its site file names."""

import os
import ssl
import tempfile
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cache, partial

import httpcore
import httpx
from typing_extensions import override

from cds_service.domain.errors import Misconfigured
from cds_service.network.addresses import EVERYWHERE
from cds_service.network.guard import Guard, Resolve, resolve
from cds_service.sites import Site

_TIMEOUT_S = 10.0
_CONNECTIONS, _IDLE, _IDLE_S = 100, 50, 60.0


@dataclass(slots=True, kw_only=True)
class Network:
    """The clients of all sites. One for each process."""

    open: bool = False
    """The demo's relaxation: http, and addresses of every kind."""
    transport: httpx.AsyncBaseTransport | None = None
    """Where requests go; None is the network."""
    resolve: Resolve = resolve
    around: Callable[[httpx.AsyncBaseTransport], httpx.AsyncBaseTransport] = lambda inner: inner
    """Wraps each site's transport: where requests are measured."""
    _clients: dict[str, tuple[Site, httpx.AsyncClient]] = field(default_factory=dict)
    _replaced: list[httpx.AsyncClient] = field(default_factory=list)
    """Kept until the end: a call may still be using one when its site's file changes."""

    def client(self, site: Site) -> httpx.AsyncClient:
        """Return the site's client. Raises `Misconfigured` where its certificates cannot be read.

        It follows no redirect, reads no proxy from the environment, and reaches only the origins that the site
        file names, in production by https.
        """
        known = self._clients.get(site.name)
        if known is not None and _looks_alike(known[0], site):
            return known[1]
        client = httpx.AsyncClient(
            transport=self.around(
                _Named(self.transport or self._transport(site), named(site), self.open)
            ),
            timeout=_TIMEOUT_S,
            follow_redirects=False,
            trust_env=False,
        )
        if known is not None:
            self._replaced.append(known[1])
        self._clients[site.name] = site, client
        return client

    async def aclose(self) -> None:
        """Close every connection."""
        for client in [*self._replaced, *(client for _, client in self._clients.values())]:
            await client.aclose()

    def _transport(self, site: Site) -> httpx.AsyncBaseTransport:
        allow = EVERYWHERE if self.open else site.file.network.allow
        guard = Guard(site=site.name, allow=allow, resolve=self.resolve)
        return _Transport(guard, tls(site), site.file.network.proxy)


def named(site: Site) -> frozenset[str]:
    """Return the origins that a site file names."""
    return frozenset(_origin(httpx.URL(url)) for url in site.servers)


def tls(site: Site) -> ssl.SSLContext:
    """Return how this site's servers prove themselves, and how we do. Raises `Misconfigured`.

    With a `ca_file` only what it signed is believed. The client certificate and its key stand in one PEM.
    """
    network = site.file.network
    if network.ca_file is None and network.client_cert is None:
        return _usual()
    try:
        context = (
            httpx.create_ssl_context(trust_env=False)
            if network.ca_file is None
            else ssl.create_default_context(cafile=network.ca_file)
        )
    except (OSError, ssl.SSLError):
        raise Misconfigured(f"site {site.name}: network.ca_file is no readable PEM.") from None
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    if network.client_cert is not None:
        _present(context, network.client_cert, site.name)
    return context


@cache
def _usual() -> ssl.SSLContext:
    """Return what sites without certificates of their own share: reading the public authorities takes a while."""
    context = httpx.create_ssl_context(trust_env=False)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    return context


def _present(context: ssl.SSLContext, reference: str, site: str) -> None:
    kind, _, place = reference.partition(":")
    try:
        if kind == "file":
            context.load_cert_chain(place)
            return
        with tempfile.NamedTemporaryFile(
            suffix=".pem"
        ) as file:  # mode 0600; `ssl` reads only files
            file.write(os.environ[place].encode())  # noqa: TID251  # the site file names the variable
            file.flush()
            context.load_cert_chain(file.name)
    except (OSError, KeyError, ssl.SSLError):
        raise Misconfigured(
            f"site {site}: network.client_cert leads to no PEM with a certificate and its key."
        ) from None


def _looks_alike(one: Site, other: Site) -> bool:
    return one is other or (one.file.network == other.file.network and named(one) == named(other))


def _origin(url: httpx.URL) -> str:
    port = url.port or {"https": 443, "http": 80}.get(url.scheme)
    return f"{url.scheme}://{url.host}:{port}"


@dataclass(frozen=True, slots=True)
class _Named(httpx.AsyncBaseTransport):
    """Refuses every request to an origin that the site file does not name."""

    inner: httpx.AsyncBaseTransport
    origins: frozenset[str]
    plain: bool
    """Whether http will do."""

    @override
    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        if _origin(request.url) not in self.origins:
            raise httpx.UnsupportedProtocol("the site file does not name this server")
        if request.url.scheme != "https" and not self.plain:
            raise httpx.UnsupportedProtocol("only https in production")
        return await self.inner.handle_async_request(request)

    @override
    async def aclose(self) -> None:
        await self.inner.aclose()


class _Transport(httpx.AsyncHTTPTransport):
    """httpx's own transport on a pool of ours, because it takes no network backend itself."""

    @override
    def __init__(self, guard: Guard, context: ssl.SSLContext, proxy: str | None) -> None:
        through = (
            httpcore.AsyncConnectionPool
            if proxy is None
            else partial(httpcore.AsyncHTTPProxy, proxy)
        )
        self._pool = through(
            ssl_context=context,
            network_backend=guard,
            max_connections=_CONNECTIONS,
            max_keepalive_connections=_IDLE,
            keepalive_expiry=_IDLE_S,
        )
