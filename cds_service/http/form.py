"""The forms of the app's pages: small, and of one content type."""

from urllib.parse import parse_qsl

from fastapi import Request

from cds_service.domain.errors import BadCall

_MAX_FORM = 64 * 1024


async def form_of(request: Request) -> dict[str, str]:
    """Return the fields of a small form. Raises `BadCall` for anything else."""
    media = request.headers.get("content-type", "").partition(";")[0]
    body = b""
    async for part in request.stream():
        body += part
        if len(body) > _MAX_FORM:
            raise BadCall("The form is too long.")
    if media != "application/x-www-form-urlencoded":
        raise BadCall("Send a form.")
    return dict(parse_qsl(body.decode("utf-8", errors="replace"), keep_blank_values=True))
