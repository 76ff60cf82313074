"""Where a launch ends in this version: a page that says that the review app is not there yet."""

from collections.abc import Awaitable, Callable

from fastapi import FastAPI, Request, Response

from cds_service.domain.session import LaunchSession
from cds_service.http.launch import page_headers
from cds_service.sites import Site, Sites

_PAGE = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>Pre-visit brief</title></head>
<body><main><h1>The review app is not part of this version</h1>
<p>The card in your EHR holds the brief. Nothing was written to the chart.</p></main></body></html>
"""


def add_review(
    app: FastAPI, sites: Sites, session_of: Callable[[Request, Site], Awaitable[LaunchSession]]
) -> None:
    """Answer `GET /{site}/briefs/{brief}` with 501 and a sentence for the clinician who is signed in."""

    async def brief(request: Request) -> Response:
        site = sites.find(request.path_params["site"])
        await session_of(request, site)
        headers = page_headers(site)
        return Response(_PAGE, status_code=501, media_type="text/html", headers=headers)

    app.add_route("/{site}/briefs/{brief}", brief)
