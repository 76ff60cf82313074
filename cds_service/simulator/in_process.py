"""Connects ASGI applications by name, so that the simulator and a service can meet in a test."""

from __future__ import annotations

from typing import TYPE_CHECKING

import httpx

if TYPE_CHECKING:
    from collections.abc import Mapping

    from starlette.types import ASGIApp


def connect(applications: Mapping[str, ASGIApp], *, base_url: str = "") -> httpx.AsyncClient:
    """Make an HTTP client for which each origin is an application in this process.

    Every other address raises httpx.ConnectError. Time limits of httpx do not apply in
    process: put a deadline round a call that may hang.
    """
    return httpx.AsyncClient(
        transport=httpx.MockTransport(_nobody),
        mounts={origin: httpx.ASGITransport(app) for origin, app in applications.items()},
        base_url=base_url,
    )


def _nobody(request: httpx.Request) -> httpx.Response:
    message = "nobody is at this origin"
    raise httpx.ConnectError(message, request=request)
