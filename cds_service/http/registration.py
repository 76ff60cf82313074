"""The registration packet as a page: for everybody in the demo, else for who has the operator's token."""

from base64 import b64encode
from collections.abc import Callable
from dataclasses import dataclass, field
from hashlib import sha256
from secrets import compare_digest

from fastapi import FastAPI, Request, Response

from cds_service.domain.errors import CdsError, NotTrusted, Overloaded
from cds_service.sites import Site, Sites

GUESSES = 10
"""So many wrong tokens in a minute may be tried."""
_MINUTE_S = 60.0


@dataclass(slots=True)
class Guesses:
    """Wrong operator's tokens, counted in each minute. One for each process."""

    clock: Callable[[], float]
    _since: float = float("-inf")
    _count: int = 0

    def check(self) -> None:
        """Raise `Overloaded` while nobody may try: not even the right token would be told from a wrong one."""
        if self.clock() - self._since < _MINUTE_S and self._count >= GUESSES:
            raise Overloaded("guesses")

    def wrong(self) -> None:
        """Count one."""
        if self.clock() - self._since >= _MINUTE_S:
            self._since, self._count = self.clock(), 0
        self._count += 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Registration:
    """Serves the page. One for each process."""

    sites: Sites
    page_of: Callable[[Site], str]
    token: str = field(repr=False)
    """The operator's; empty: nobody has it."""
    is_demo: bool
    guesses: Guesses
    refused: Callable[[str, str, CdsError], None]
    """Tells the audit who was turned away: site, action and why."""

    async def page(self, request: Request) -> Response:
        """`GET /{site}/registration`. Raises `NotTrusted` without the operator's token, or `Overloaded`."""
        site = self.sites.find(
            request.path_params["site"]
        )  # what the log says of a refusal names a site
        try:
            self._check(request)
        except CdsError as stop:
            self.refused(site.name, "registration", stop)
            raise
        body = self.page_of(site)
        style = body.partition("<style>")[2].partition("</style>")[0]
        policy = f"default-src 'none'; style-src 'sha256-{b64encode(sha256(style.encode()).digest()).decode()}'"
        told = {
            "Content-Security-Policy": f"{policy}; frame-ancestors 'none'; base-uri 'none'; form-action 'none'",
            "Cache-Control": "no-store",
            "X-Content-Type-Options": "nosniff",
            "Referrer-Policy": "no-referrer",
        }
        return Response(body, media_type="text/html", headers=told)

    def _check(self, request: Request) -> None:
        if self.is_demo:
            return
        self.guesses.check()
        scheme, _, sent = request.headers.get("authorization", "").partition(" ")
        known = compare_digest(sent.strip().encode(), self.token.encode())
        if not (self.token and known and scheme.lower() == "bearer"):
            self.guesses.wrong()
            raise NotTrusted("operator_token")


def add_registration(app: FastAPI, registration: Registration) -> None:
    """Put the page on the application."""
    app.add_route("/{site}/registration", registration.page)
