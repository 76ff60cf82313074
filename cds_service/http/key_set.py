"""`GET /.well-known/jwks.json`: our public keys, direct and cacheable (Epic follows no redirect here)."""

from hashlib import sha256

from fastapi import FastAPI, Request, Response

from cds_service.domain.json import encode
from cds_service.smart.keys import MAX_AGE_S, KeyFile


def add_key_set(app: FastAPI, keys: KeyFile) -> None:
    """Serve the key set. Without a key file it is 500 with a sentence in the log, never an empty set."""

    async def key_set(request: Request) -> Response:
        body = encode(keys.key_set())
        tag = f'"{sha256(body).hexdigest()[:32]}"'
        told = {"ETag": tag, "Cache-Control": f"public, max-age={MAX_AGE_S}"}
        if tag in request.headers.get("if-none-match", ""):
            return Response(status_code=304, headers=told)
        return Response(body, media_type="application/json", headers=told)

    app.add_route("/.well-known/jwks.json", key_set)
