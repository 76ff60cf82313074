"""Drops clients that are slow or boundless with their headers; bodies have their own limits at the endpoints.

The HTTP parser waits for headers without end and keeps whatever comes, so that a few hundred connections that send a
byte a minute, or one that never stops, could take the process from everybody.
"""

import asyncio

from httptools import HttpParserError
from typing_extensions import override
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

HEADERS_S = 10.0
MAX_HEADER_BYTES = 64 * 1024


class Impatient(HttpToolsProtocol):
    """uvicorn's protocol with a time and a size for the headers of a request."""

    _waiting: asyncio.TimerHandle | None = None
    _header_bytes = 0

    @override
    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as uvicorn has it
        super().connection_made(transport)
        self._wait()

    @override
    def connection_lost(self, exc: Exception | None) -> None:
        self._stop_waiting()
        super().connection_lost(exc)

    @override
    def on_message_begin(self) -> None:
        super().on_message_begin()
        self._header_bytes = 0
        self._wait()

    @override
    def on_url(self, url: bytes) -> None:
        self._count(len(url))
        super().on_url(url)

    @override
    def on_header(self, name: bytes, value: bytes) -> None:
        self._count(len(name) + len(value))
        super().on_header(name, value)

    @override
    def on_headers_complete(self) -> None:
        self._stop_waiting()
        super().on_headers_complete()

    def _count(self, size: int) -> None:
        self._header_bytes += size
        if self._header_bytes > MAX_HEADER_BYTES:
            raise HttpParserError("the headers are too large")

    def _wait(self) -> None:
        self._stop_waiting()
        self._waiting = self.loop.call_later(HEADERS_S, self._give_up)

    def _stop_waiting(self) -> None:
        if self._waiting is not None:
            self._waiting.cancel()
            self._waiting = None

    def _give_up(self) -> None:
        if not self.transport.is_closing():
            self.transport.close()
