"""Breaks the EHR on demand, and keeps a log of every request that reached it.

A fault is a row: where it strikes, what it matches, what it does, how often. Faults of
transport (slow, status, hang, drop, truncate) act in the middleware, and so do those of a write
whose answer says too little or the wrong thing: `lost` stores and drops the answer, `after`
stores and answers `status`, `pretend` stores nothing and says 201, `bare` stores and says
neither where nor what. Faults of content (paged, outcome, foreign_next, endless, refused, null,
alter, stored) are asked for by the FHIR server and by the CDS client; faults of tokens (oauth_error,
granted, short_lived, id_token, rogue_id_token, answer) by the token endpoint.
"""

from __future__ import annotations

import uuid
from collections import deque
from dataclasses import asdict, dataclass, fields
from typing import TYPE_CHECKING, Any, Literal, cast

import httpx
from httpx import codes

from cds_service.simulator.outcomes import outcome
from cds_service.simulator.wire import Json, dumps

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable, MutableMapping

    from starlette.types import ASGIApp, Receive, Scope, Send

Where = Literal["fhir", "token", "jwks", "cds"]
Message = Any

OF_WRITES = frozenset({"lost", "after", "pretend", "bare"})
TRANSPORT = frozenset({"slow", "status", "hang", "drop", "truncate"}) | OF_WRITES
CONTENT = frozenset(
    {"paged", "outcome", "foreign_next", "endless", "refused", "null", "alter", "stored"}
)
TOKEN = frozenset(
    {"oauth_error", "granted", "short_lived", "id_token", "rogue_id_token", "answer"}
)
FOREIGN_HOST = "https://elsewhere.example/r4"


@dataclass(slots=True)
class Fault:
    """One fault. `times` counts down; None means until cleared.

    `match` is part of the path and query; for `cds` it is a whole prefetch key. `method` limits a
    fault of transport to one HTTP method. Faults of
    content strike prefetch too, since it is resolved by the same search; faults of transport
    strike only what comes over HTTP. `stored` refuses each page that holds the resource whose id
    is `value`. A number as `code` becomes a vendor's own error code.
    `oauth_error` answers `status` with `code` as the OAuth error; `granted` grants the scopes in `value` whatever was
    asked, `short_lived` a life of `value` seconds; `id_token` and `answer` put the members of the JSON in `value`
    into the claims or the token's answer; `rogue_id_token` signs with a key that was never published.
    """

    where: str
    kind: str
    match: str = ""
    status: int = 500
    retry_after: str | None = None
    body: str = "outcome"
    code: str = "exception"
    delay_ms: int = 1000
    page_size: int = 2
    value: str = ""
    times: int | None = None
    method: str = ""

    @classmethod
    def from_json(cls, row: object) -> Fault:
        """Read one row of the control address. Raises ValueError naming what is wrong."""
        known = {one.name for one in fields(cls)}
        if not isinstance(row, dict) or not {"where", "kind"} <= row.keys() <= known:
            message = f"a fault has the members {sorted(known)}; where and kind are needed"
            raise ValueError(message)
        fault = cls(**row)
        if fault.where not in {"fhir", "token", "jwks", "cds"}:
            message = "where is one of fhir, token, jwks, cds"
            raise ValueError(message)
        if fault.kind not in TRANSPORT | CONTENT | TOKEN:
            message = f"kind is one of {sorted(TRANSPORT | CONTENT | TOKEN)}"
            raise ValueError(message)
        return fault


@dataclass(frozen=True, slots=True)
class Seen:
    """One request as it reached the simulator."""

    method: str
    path: str
    form: str
    status: int
    had_token: bool
    fault: str | None = None


class Faults:
    """The faults in force and the log of requests."""

    def __init__(self, *, log_size: int = 5000) -> None:
        """Start healthy, with room for `log_size` log rows."""
        self._rows: list[Fault] = []
        self.seen: deque[Seen] = deque(maxlen=log_size)
        self.under_way: list[str] = []
        """Path and query of each request that is not answered yet: `seen` tells of it when it is."""

    def add(self, *faults: Fault) -> None:
        """Put faults in force."""
        self._rows.extend(faults)

    def clear(self) -> None:
        """Heal everything."""
        self._rows.clear()

    def rows(self) -> list[Json]:
        """List the faults in force."""
        return [asdict(row) for row in self._rows]

    def log(self) -> list[Json]:
        """List the requests seen, oldest first."""
        return [asdict(row) for row in self.seen]

    def take(
        self, where: str, text: str, kinds: Iterable[str], *, method: str = ""
    ) -> Fault | None:
        """Give the first fault that strikes here and count it down."""
        wanted = frozenset(kinds)
        for row in self._rows:
            struck = row.match in {"", text} if where == "cds" else row.match in text
            struck = struck and row.method in {"", method}
            if row.where == where and row.kind in wanted and struck:
                if row.times is not None:
                    row.times -= 1
                    if row.times <= 0:
                        self._rows.remove(row)
                return row
        return None


class FaultMiddleware:
    """Wraps the application: applies transport faults and writes the log."""

    def __init__(
        self,
        app: ASGIApp,
        *,
        faults: Faults,
        where: Callable[[str], str | None],
        sleep: Callable[[float], Awaitable[None]],
    ) -> None:
        """Take the application, its faults and the function that sorts a path."""
        self._app = app
        self._faults = faults
        self._where = where
        self._sleep = sleep

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request, broken or not."""
        where = self._where(scope["path"]) if scope["type"] == "http" else None
        if where is None:
            await self._app(scope, receive, send)
            return
        visit = _Visit(scope, receive, send)
        target = visit.target
        fault = self._faults.take(where, target, TRANSPORT, method=scope["method"])
        self._faults.under_way.append(target)
        try:
            await self._serve(visit, fault)
        finally:
            self._faults.under_way.remove(target)
            self._faults.seen.append(visit.entry(fault))

    async def _serve(self, visit: _Visit, fault: Fault | None) -> None:
        kind = fault.kind if fault is not None else "none"
        if fault is None or kind == "slow":
            if fault is not None:
                await self._sleep(fault.delay_ms / 1000)
            await self._app(visit.scope, visit.receive, visit.send)
        elif kind == "status":
            await visit.refuse(fault)
        elif kind == "hang":
            await visit.until_gone()
        elif kind == "drop":
            await visit.drop()
        elif kind == "pretend":
            await visit.pretend()
        elif kind in OF_WRITES:
            await self._app(visit.scope, visit.receive, visit.swallow)
            await visit.after(fault)
        else:
            await self._app(visit.scope, visit.receive, visit.halved)


class _Visit:
    """One request under way: passes messages through and remembers what the log needs."""

    def __init__(self, scope: Scope, receive: Receive, send: Send) -> None:
        self.scope = scope
        self._receive = receive
        self._send = send
        self._status = 0
        self._form = b""
        self._start: MutableMapping[str, Any] | None = None
        query = scope["query_string"].decode("latin-1")
        self.target: str = scope["path"] + (f"?{query}" if query else "")

    async def receive(self) -> Message:
        message = await self._receive()
        if self.scope["path"].endswith("/_search"):
            self._form += message.get("body", b"")
        return message

    async def send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self._status = message["status"]
        await self._send(message)

    async def halved(self, message: Message) -> None:
        """Hold back the start and send half of the body as if it were the whole."""
        if message["type"] == "http.response.start":
            self._status, self._start = message["status"], message
            return
        body = message.get("body", b"")
        half = body[: len(body) // 2]
        if self._start is not None:
            kept = [row for row in self._start["headers"] if row[0].lower() != b"content-length"]
            length = (b"content-length", str(len(half)).encode())
            await self._send({**self._start, "headers": [*kept, length]})
            self._start = None
        await self._send({**message, "body": half})

    async def until_gone(self) -> None:
        """Answer nothing until the client gives up."""
        while (await self._receive())["type"] != "http.disconnect":
            pass

    async def swallow(self, message: Message) -> None:
        """Hold back what the application answers."""
        if message["type"] == "http.response.start":
            self._start = message

    async def after(self, fault: Fault) -> None:
        """Answer what the fault says, once the application has done its work."""
        if fault.kind == "lost":
            await self.drop()
        elif fault.kind == "after":
            await self.refuse(fault)
        else:
            status = self._start["status"] if self._start is not None else 500
            await self.empty(200 if status == codes.CREATED else status, [])

    async def pretend(self) -> None:
        """Say that something was stored under an id that nobody knows."""
        where = f"{self.scope['path']}/{uuid.uuid4()}".encode()
        await self.empty(201, [(b"location", where.lstrip(b"/"))])

    async def empty(self, status: int, headers: list[tuple[bytes, bytes]]) -> None:
        """Answer without a body."""
        told = [*headers, (b"content-length", b"0")]
        await self.send({"type": "http.response.start", "status": status, "headers": told})
        await self.send({"type": "http.response.body", "body": b""})

    async def refuse(self, fault: Fault) -> None:
        headers = [(b"content-type", b"application/fhir+json")]
        if fault.retry_after is not None:
            headers.append((b"retry-after", fault.retry_after.encode()))
        said = dumps(outcome(fault.code, "fault on demand"))
        body = b"" if fault.body == "empty" else said
        headers.append((b"content-length", str(len(body)).encode()))
        await self.send(
            {"type": "http.response.start", "status": fault.status, "headers": headers}
        )
        await self.send({"type": "http.response.body", "body": body})

    async def drop(self) -> None:
        """Promise a long body, send a little of it and go away."""
        headers = [(b"content-type", b"application/fhir+json"), (b"content-length", b"4096")]
        await self.send({"type": "http.response.start", "status": 200, "headers": headers})
        part = b'{"resourceType":"Bundle","entry":['
        await self.send({"type": "http.response.body", "body": part, "more_body": True})
        if "spec_version" not in self.scope["asgi"]:
            # In process there is no connection to close: raise what a client would see.
            message = "peer closed connection without sending complete message body"
            raise httpx.RemoteProtocolError(message)

    def entry(self, fault: Fault | None) -> Seen:
        had_token = any(name == b"authorization" for name, _ in self.scope["headers"])
        return Seen(
            method=cast("str", self.scope["method"]),
            path=self.target,
            form=self._form.decode("utf-8", "replace"),
            status=self._status,
            had_token=had_token,
            fault=fault.kind if fault is not None else None,
        )
