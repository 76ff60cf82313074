"""What surrounds every endpoint: tidy paths, CORS, and a last resort that tells nothing.

Pure ASGI, because it runs on every call. CORS stands on errors too: without it a browser client sees only
a network failure.
"""

import logging
import re
import traceback
from collections.abc import Awaitable, Callable, Collection, MutableMapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cds_service.domain.errors import CdsError
from cds_service.http.problems import outcome

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]

JSON_TYPE = (b"content-type", b"application/json")
log = logging.getLogger("cds_service")
_SLASHES = re.compile(r"/{2,}")
_PREFLIGHT = (
    (b"access-control-allow-methods", b"GET, POST, OPTIONS"),
    (b"access-control-allow-headers", b"Authorization, Content-Type, Accept"),
    (b"access-control-max-age", b"600"),
    (b"content-length", b"0"),
)


def whereabouts(crash: BaseException) -> str:
    """Return the kind and the places of a crash, innermost last: its text could hold chart content."""
    frames = traceback.extract_tb(crash.__traceback__)[-3:]
    places = " > ".join(f"{Path(f.filename).name}:{f.lineno} {f.name}" for f in frames)
    return f"{type(crash).__name__} at {places}"


@dataclass(frozen=True, slots=True)
class Edge:
    """Wraps the application."""

    app: App
    origins_of: Callable[[str], Collection[str]]
    """Browser origins that may call a site, by its name."""
    any_origin: bool = False
    """The demo's relaxation; never with credentials."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a preflight, or run the application with CORS on whatever it answers."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        # A trailing or doubled slash is forgiven without a redirect: a redirected POST becomes a GET.
        scope["path"] = _SLASHES.sub("/", scope["path"]).rstrip("/") or "/"
        cors = self._cors(scope)
        if scope["method"] == "OPTIONS":
            headers = [*cors, *_PREFLIGHT] if cors else [(b"content-length", b"0")]
            await send({"type": "http.response.start", "status": 204, "headers": headers})
            await send({"type": "http.response.body", "body": b""})
            return
        await self._run(scope, receive, send, cors)

    async def _run(
        self, scope: Scope, receive: Receive, send: Send, cors: list[tuple[bytes, bytes]]
    ) -> None:
        started = False

        async def send_with_cors(message: Message) -> None:
            nonlocal started
            if message["type"] == "http.response.start":
                started = True
                message["headers"] = [*message.get("headers", ()), *cors]
            await send(message)

        try:
            await self.app(scope, receive, send_with_cors)
        except Exception as crash:  # noqa: BLE001  # the last resort: told to operators, never swallowed
            log.error("crashed: %s", whereabouts(crash))  # noqa: TRY400  # a traceback quotes values
            if not started:
                await send_with_cors(
                    {"type": "http.response.start", "status": 500, "headers": [JSON_TYPE]}
                )
                await send({"type": "http.response.body", "body": outcome(CdsError())})

    def _cors(self, scope: Scope) -> list[tuple[bytes, bytes]]:
        origin = next((value for name, value in scope["headers"] if name == b"origin"), b"")
        if self.any_origin:
            return [(b"access-control-allow-origin", b"*")] if origin else []
        site = scope["path"].lstrip("/").partition("/")[0]
        # Said to every client: an answer without the header, kept by a cache, would lock browsers out.
        vary = (b"vary", b"Origin")
        if origin.decode("latin-1") in self.origins_of(site):
            return [(b"access-control-allow-origin", origin), vary]
        return [vary]
