"""Puts the simulator together as one ASGI application.

`create_app` gives the application; `app.state.simulator` is the running `Simulator`, through
which tests set faults, replace the HTTP client and get CDS clients.
"""

from __future__ import annotations

import contextlib
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.responses import FileResponse, HTMLResponse, Response
from starlette.routing import Route

from cds_service.simulator import pages
from cds_service.simulator.chart import ChartPages, launch_url
from cds_service.simulator.ehr import Ehr
from cds_service.simulator.faults import Fault, FaultMiddleware
from cds_service.simulator.fhir_server import FhirEndpoint
from cds_service.simulator.markup import web_address
from cds_service.simulator.oauth import AuthorizationServer
from cds_service.simulator.scripted_model import ScriptedModel
from cds_service.simulator.wire import dumps, loads
from cds_service.simulator.world import Simulator

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, Iterable

    from starlette.requests import Request
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

    from cds_service.simulator.config import SimulatorConfig

STYLE = Path(__file__).with_name("static") / "style.css"
POLICY = "default-src 'none'; style-src 'self'; base-uri 'none'; frame-src 'self'"
PAGE_HEADERS = ((b"x-content-type-options", b"nosniff"), (b"referrer-policy", b"no-referrer"))


class Control:
    """The addresses below `/_sim`: faults, log, launches."""

    def __init__(self, simulator: Simulator) -> None:
        """Take the simulator to control."""
        self._simulator = simulator

    def routes(self) -> list[Route]:
        """List the control routes."""
        return [
            Route("/_sim/faults", self.faults, methods=["GET", "POST", "DELETE"]),
            Route("/_sim/log", self.log, methods=["GET", "DELETE"]),
            Route("/_sim/launch", self.launch, methods=["POST"]),
            Route("/_sim/health", self.health),
            Route("/_sim/style.css", self.style),
        ]

    async def health(self, _: Request) -> Response:
        """Say that the simulator is up."""
        return _json({"status": "ok", "origin": self._simulator.config.origin})

    async def faults(self, request: Request) -> Response:
        """List, add (one or a list) or clear the faults."""
        faults = self._simulator.faults
        if request.method == "DELETE":
            faults.clear()
        elif request.method == "POST":
            try:
                rows = loads(await request.body())
                made = [Fault.from_json(r) for r in (rows if isinstance(rows, list) else [rows])]
            except ValueError as error:
                return _json({"error": str(error)}, 400)
            faults.add(*made)
        return _json(faults.rows())

    async def log(self, request: Request) -> Response:
        """List the requests seen, or forget them."""
        if request.method == "DELETE":
            self._simulator.faults.seen.clear()
        return _json(self._simulator.faults.log())

    async def launch(self, request: Request) -> Response:
        """Make a launch from `{site, patient, url, appContext?}`; gives the address to open."""
        try:
            asked = loads(await request.body())
            ehr = self._simulator.ehr(asked["site"])
            url = web_address(asked["url"])
            patient = str(asked["patient"])
        except (ValueError, KeyError, TypeError):
            return _json({"error": "send JSON with site, patient and url"}, 400)
        if url is None or ehr.store.read("Patient", patient) is None:
            return _json({"error": "the url or the patient is not valid"}, 400)
        return _json({"url": launch_url(ehr, url, patient, asked.get("appContext"))})

    async def style(self, _: Request) -> Response:
        """Serve the style sheet."""
        return FileResponse(STYLE, media_type="text/css", headers={"Cache-Control": "no-cache"})


class PageHeaders:
    """Puts security headers on every answer."""

    def __init__(self, app: ASGIApp, frames: Iterable[str]) -> None:
        """Take the application to protect, and the origins of the apps that a chart may show in a frame."""
        self._app = app
        policy = " ".join((POLICY, *frames)).encode()
        self._headers = [(b"content-security-policy", policy), *PAGE_HEADERS]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve a request and add the headers to its answer."""

        async def guarded(message: Message) -> None:
            if message["type"] == "http.response.start":
                message = {**message, "headers": [*message["headers"], *self._headers]}
            await send(message)

        await self._app(scope, receive, guarded)


def _json(value: object, status: int = 200) -> Response:
    return Response(dumps(value), status, media_type="application/json")


async def _page_error(_: Request, error: Exception) -> Response:
    status = error.status_code if isinstance(error, HTTPException) else 500
    detail = error.detail if isinstance(error, HTTPException) else "Something broke."
    return HTMLResponse(pages.notice(f"{status}", detail), status)


def _hook_keys(ehr: Ehr) -> Callable[[Request], Awaitable[Response]]:
    async def answer(_: Request) -> Response:
        return _json(ehr.hook_keys.jwks())

    return answer


def _apps(config: SimulatorConfig) -> list[str]:
    """List the origins of the services' apps."""
    parts = (urlsplit(site.services_url) for site in config.service_base_by_site.values())
    return sorted({f"{one.scheme}://{one.netloc}" for one in parts})


def create_app(config: SimulatorConfig) -> Starlette:
    """Make the simulator's application. Patients are generated when first asked for."""
    simulator = Simulator(config)
    routes = ChartPages(simulator).routes() + Control(simulator).routes()
    routes += ScriptedModel().routes()
    for ehr in simulator.ehrs.values():
        routes.append(Route(ehr.personality.hook_keys_path, _hook_keys(ehr)))
        routes += AuthorizationServer(ehr).routes()
        routes += FhirEndpoint(ehr).routes()

    @contextlib.asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        simulator.warm_up()
        try:
            yield
        finally:
            await simulator.close()

    app = Starlette(
        routes=routes,
        lifespan=lifespan,
        middleware=[
            Middleware(PageHeaders, frames=_apps(config)),
            Middleware(
                FaultMiddleware, faults=simulator.faults, where=simulator.where, sleep=config.sleep
            ),
        ],
        exception_handlers={HTTPException: _page_error},
    )
    app.state.simulator = simulator
    return app
