"""Connects to what was checked: a name is resolved once, every address of it is looked at, and only those are dialled.

A guard that checked the name and let the library resolve it again could be led astray by a name server that
changes its answer in between (DNS rebinding).
"""

import asyncio
import logging
import socket
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass, field

import httpcore
from httpcore import AnyIOBackend
from typing_extensions import override

from cds_service.network.addresses import why_refused
from cds_service.sites import Range

log = logging.getLogger("cds_service")

Resolve = Callable[[str, int], Awaitable[list[str]]]
"""From a host name and a port to its addresses, best first. Raises `OSError`."""


class AddressRefused(httpcore.ConnectError):
    """A name leads to an address that this site may not call."""


async def resolve(host: str, port: int) -> list[str]:
    """Ask the system's resolver."""
    loop = asyncio.get_running_loop()
    found = await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(entry[4][0]) for entry in found))


@dataclass(slots=True, kw_only=True)
class Guard(httpcore.AsyncNetworkBackend):
    """The way into the network for one site's connections."""

    site: str
    allow: tuple[Range, ...] = ()
    resolve: Resolve = resolve
    dial: httpcore.AsyncNetworkBackend = field(default_factory=AnyIOBackend)
    _told: set[str] = field(default_factory=set)

    async def addresses(self, host: str, port: int) -> list[str]:
        """Return where a name leads. Raises `AddressRefused` when any of its addresses may not be called.

        One bad address spoils all: a name that leads to both kinds is a mistake or an attack.
        """
        try:
            found = await self.resolve(host, port)
        except OSError:  # `socket.gaierror` is one
            raise httpcore.ConnectError("the name could not be resolved") from None
        for address in found:
            kind = why_refused(address, self.allow)
            if kind is not None:
                self._tell(f"{host} leads to {address}, which is {kind}")
                raise AddressRefused(f"{kind} address")
        return found

    def _tell(self, what: str) -> None:
        if what not in self._told:
            self._told.add(what)
            log.warning("site %s: %s; [network] allow does not name its range", self.site, what)

    @override
    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,
    ) -> httpcore.AsyncNetworkStream:
        """Connect to the first address that answers; the time is shared out among them."""
        try:
            async with asyncio.timeout(timeout):
                found = await self.addresses(host, port)
                for left in range(len(found), 0, -1):
                    share = None if timeout is None else timeout / len(found)
                    try:
                        return await self.dial.connect_tcp(
                            found[-left], port, share, local_address, socket_options
                        )
                    except (httpcore.ConnectError, httpcore.ConnectTimeout):
                        if left == 1:
                            raise
        except TimeoutError:
            raise httpcore.ConnectTimeout("no address answered in time") from None
        raise httpcore.ConnectError("the name has no address")

    @override
    async def connect_unix_socket(
        self,
        path: str,
        timeout: float | None = None,
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,
    ) -> httpcore.AsyncNetworkStream:
        """Refuse: no EHR is a socket of this machine."""
        raise AddressRefused("local socket")

    @override
    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)
