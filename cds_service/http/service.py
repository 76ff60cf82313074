"""The endpoints of a CDS service: discovery, hook calls, feedback, and whether we are well.

Order at the edge: site, in-flight cap; then the flow: token, media type, body within its limits, parse,
service. Nobody holds a place by sending half a body without a token.
"""

import asyncio
import logging
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from hashlib import sha256

from fastapi import FastAPI, Request, Response
from starlette.exceptions import HTTPException

from cds_service.audit import Audit
from cds_service.domain.call import Call
from cds_service.domain.errors import (
    BadCall,
    CdsError,
    MissingContext,
    NothingToSay,
    NotTrusted,
    Overloaded,
    TooLarge,
    TooSlow,
    UnknownSite,
    WrongMediaType,
)
from cds_service.domain.json import encode
from cds_service.flow.answer import Answer
from cds_service.flow.feedback import TakeFeedback
from cds_service.http.places import Places
from cds_service.http.problems import headers, outcome, status
from cds_service.sites import Site, Sites
from cds_service.verify import Verify

_JSON = "application/json"
_FINISH_S = 0.030
"""Kept back from the budget for the brief, the cards and the way out."""
_FEEDBACK_BUDGET_S = 10.0
_BODY_S = 2.0
"""How long a body may take at least. That is longer than a hook's budget: in a busy moment it may have come and not
been read yet, which is no slowness of the caller's, and what it brought can still be answered from.
"""
_MAX_AGE_S = 300
_MAX_DIGITS = 18
_ALARM_EVERY_S = 60.0
_ALARMING = (BadCall, MissingContext, NotTrusted, Overloaded)
"""A site that sends calls without context, for one, has registered another address than ours."""
log = logging.getLogger("cds_service")


@dataclass(slots=True, kw_only=True)
class Endpoints:
    """What the endpoints need. One for each process."""

    public_url: str
    sites: Sites
    verify: Verify
    answer: Answer
    feedback: TakeFeedback
    document_of: Callable[[Site], bytes]
    """A site's discovery document, as bytes."""
    readiness: Callable[[], Mapping[str, str]]
    """What is wrong with this process, by part; empty when it is ready."""
    notes: Callable[[], list[str]]
    """What concerns one site only."""
    work: Callable[[], Mapping[str, object]]
    """How work ahead stands: numbers and names of sites for a program."""
    max_body_bytes: int
    places: Places
    audit: Audit
    now: Callable[[], datetime]

    async def discover(self, request: Request) -> Response:
        """`GET /{site}/cds-services`: public, unless the site wants it authenticated."""
        site = self.sites.find(request.path_params["site"])
        if site.file.discovery_auth:
            await self._check_reader(request, site)
        body = self.document_of(site)
        tag = f'"{sha256(body).hexdigest()[:32]}"'
        private = "private, " if site.file.discovery_auth else ""
        told = {"ETag": tag, "Cache-Control": f"{private}max-age={_MAX_AGE_S}"}
        if tag in request.headers.get("if-none-match", ""):
            return Response(status_code=304, headers=told)
        return Response(body, media_type=_JSON, headers=told)

    async def call(self, request: Request) -> Response:
        """`POST /{site}/cds-services/{id}`: a hook call."""
        site = self.sites.find(request.path_params["site"])
        budget = site.file.hook_budget_ms / 1000 - _FINISH_S
        call = self._call(request, site, request.path_params["service"], budget_s=budget)
        try:
            with self._place(site, "answer"):
                answered = await self.answer(call)
        except NothingToSay:
            return Response(b'{"cards":[]}', media_type=_JSON)
        cards = [card.to_json() for card in answered.cards]
        return Response(encode({"cards": cards}), media_type=_JSON)

    async def take_feedback(self, request: Request) -> Response:
        """`POST /{site}/cds-services/{id}/feedback`: 200 whatever of the batch was new or known."""
        site = self.sites.find(request.path_params["site"])
        service = request.path_params["service"]
        call = self._call(request, site, service, budget_s=_FEEDBACK_BUDGET_S)
        with self._place(site, "feedback"):
            await self.feedback(call)
        return Response(b"{}", media_type=_JSON)

    async def alive(self, _request: Request) -> Response:
        """`GET /healthz`: the process answers."""
        return Response(b'{"status":"ok"}', media_type=_JSON)

    async def ready(self, _request: Request) -> Response:
        """`GET /readyz`: 200, or 503 with the reasons."""
        wrong = dict(self.readiness())
        status_now = "not ready" if wrong else "ready"
        told = {"reasons": wrong, "notes": self.notes(), "work": self.work()}
        body = encode({"status": status_now, **told})
        return Response(body, status_code=503 if wrong else 200, media_type=_JSON)

    async def _check_reader(self, request: Request, site: Site) -> None:
        """Check who reads discovery; who is refused is in the audit. Raises `NotTrusted` or `NotAllowed`."""
        try:
            await self.verify(self._call(request, site, "", budget_s=1.0), site)
        except CdsError as stop:
            self.audit.refused(site.name, "discover", stop)
            raise

    @contextmanager
    def _place(self, site: Site, action: str) -> Iterator[None]:
        """Hold a place for a call; one that is turned away is in the audit all the same, told or counted."""
        with ExitStack() as held:
            try:
                held.enter_context(self.places.hold(site.name))
            except Overloaded as stop:
                self.audit.refused(site.name, action, stop)
                raise
            yield

    def _call(self, request: Request, site: Site, service: str, *, budget_s: float) -> Call:
        scheme, _, token = request.headers.get("authorization", "").partition(" ")
        now = asyncio.get_running_loop().time()

        async def body() -> bytes:
            _check_media_type(request)
            try:
                async with asyncio.timeout_at(now + max(budget_s, _BODY_S)):
                    return await _read(request, self.max_body_bytes)
            except TimeoutError:
                raise TooSlow from None

        return Call(
            site=site.name,
            service_id=service,
            url=f"{self.public_url}{request.url.path}",
            bearer=token.strip() if scheme.lower() == "bearer" else "",
            body=body,
            received=self.now(),
            deadline=now + budget_s,
        )


def _check_media_type(request: Request) -> None:
    """Check that the body says that it is JSON, in any letter case, with or without parameters."""
    kind = request.headers.get("content-type", _JSON).partition(";")[0].strip().lower()
    encoding = request.headers.get("content-encoding", "identity").lower()
    if not (kind.endswith(("/json", "+json"))) or encoding != "identity":
        raise WrongMediaType


async def _read(request: Request, limit: int) -> bytes:
    """Read the body. Raises `TooLarge` as soon as it is, unread where the length is declared."""
    declared = request.headers.get("content-length", "0")
    if declared.isdecimal() and (len(declared) > _MAX_DIGITS or int(declared) > limit):
        raise TooLarge
    chunks, size = [], 0
    async for chunk in request.stream():
        size += len(chunk)
        if size > limit:
            raise TooLarge
        chunks.append(chunk)
    return b"".join(chunks)


def add_health(app: FastAPI, endpoints: Endpoints) -> None:
    """Put on the application whether we are well: all that a process answers which only works."""
    app.add_route("/healthz", endpoints.alive)
    app.add_route("/readyz", endpoints.ready)


def add_routes(app: FastAPI, endpoints: Endpoints) -> None:
    """Put the endpoints on the application, and our error shape on whatever it refuses itself."""
    add_health(app, endpoints)
    app.add_route("/{site}/cds-services", endpoints.discover)
    app.add_route("/{site}/cds-services/{service}", endpoints.call, methods=["POST"])
    app.add_route(
        "/{site}/cds-services/{service}/feedback", endpoints.take_feedback, methods=["POST"]
    )
    alarms = _Alarms()
    app.add_exception_handler(CdsError, alarms.answer)
    app.add_exception_handler(HTTPException, _refused)
    # Without this the framework answers a crash itself, as plain text, before the edge can.
    app.add_exception_handler(Exception, alarms.answer)


@dataclass(slots=True)
class _Alarms:
    """Says in the log what a site's admin or the operator has to mend; the same thing once a minute."""

    said: dict[str, float] = field(default_factory=dict)

    async def answer(self, request: Request, problem: Exception) -> Response:
        """Answer with an error, in our shape."""
        told = problem if isinstance(problem, CdsError) else CdsError()
        if isinstance(told, _ALARMING):
            site = request.path_params.get("site", "")
            self._say(f"site {site}: {told.code}: {told.detail or told.advice}")
        return Response(
            outcome(told), status_code=status(told), media_type=_JSON, headers=headers(told)
        )

    def _say(self, text: str) -> None:
        now = asyncio.get_running_loop().time()
        if now - self.said.get(text, -_ALARM_EVERY_S) >= _ALARM_EVERY_S:
            self.said[text] = now
            log.warning(text)


class _NoSuchMethod(CdsError):
    code = "wrong_method"
    advice = "This address takes another method."


async def _refused(_request: Request, refusal: Exception) -> Response:
    """Give the framework's own refusals (404, 405) our shape."""
    code = refusal.status_code if isinstance(refusal, HTTPException) else 500
    problem = _NoSuchMethod() if code == 405 else UnknownSite()  # noqa: PLR2004  # RFC 9110 section 15.5.6
    kept = dict(refusal.headers or {}) if isinstance(refusal, HTTPException) else {}
    return Response(outcome(problem), status_code=code, media_type=_JSON, headers=kept)
