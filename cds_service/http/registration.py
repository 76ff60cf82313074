"""The registration packet as a page: for everybody in the demo, else for who has the operator's token."""

from base64 import b64encode
from collections.abc import Callable
from dataclasses import dataclass, field
from hashlib import sha256
from secrets import compare_digest

from fastapi import FastAPI, Request, Response

from cds_service.domain.errors import NotTrusted
from cds_service.sites import Site, Sites


@dataclass(frozen=True, slots=True, kw_only=True)
class Registration:
    """Serves the page. One for each process."""

    sites: Sites
    page_of: Callable[[Site], str]
    token: str = field(repr=False)
    """The operator's; empty: nobody has it."""
    is_demo: bool

    async def page(self, request: Request) -> Response:
        """`GET /{site}/registration`. Raises `NotTrusted` without the operator's token."""
        site = self.sites.find(
            request.path_params["site"]
        )  # what the log says of a refusal names a site
        scheme, _, sent = request.headers.get("authorization", "").partition(" ")
        known = scheme.lower() == "bearer" and compare_digest(
            sent.strip().encode(), self.token.encode()
        )
        if not self.is_demo and not (self.token and known):
            raise NotTrusted("operator_token")
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


def add_registration(app: FastAPI, registration: Registration) -> None:
    """Put the page on the application."""
    app.add_route("/{site}/registration", registration.page)
