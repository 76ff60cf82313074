"""Where a card's link leads in this version: a page that says that the review app is not there yet."""

from fastapi import FastAPI, Request, Response

from cds_service.sites import Sites

_PAGE = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>Pre-visit brief</title></head>
<body><main><h1>The review app is not part of this version</h1>
<p>The card in your EHR holds the brief. Nothing was written to the chart.</p></main></body></html>
"""
_HEADERS = {"Content-Security-Policy": "default-src 'none'", "Cache-Control": "no-store"}


def add_review(app: FastAPI, sites: Sites) -> None:
    """Answer `GET /{site}/smart/launch` with 501 and a sentence for the clinician."""

    async def launch(request: Request) -> Response:
        sites.find(request.path_params["site"])
        return Response(_PAGE, status_code=501, media_type="text/html", headers=_HEADERS)

    app.add_route("/{site}/smart/launch", launch)
