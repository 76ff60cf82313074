"""The floor: the least that any verified CDS service does. Runs as `python -m tests.bench.floor PORT JWKS_FILE`.

It reads the body, verifies the same ES384 token with a key that it holds, parses the JSON and answers a constant.
"""

import json
import sys
from pathlib import Path

import jwt
import orjson
import uvicorn

PUBLIC_URL = "https://cds.example.org"
ANSWER = b'{"cards":[]}'
HEADERS = [(b"content-type", b"application/json"), (b"content-length", b"12")]


def application(jwks_file: str):
    """Return the ASGI application."""
    (key,) = jwt.PyJWKSet.from_dict(json.loads(Path(jwks_file).read_text("ascii"))).keys

    async def floor(scope, receive, send):
        body, more = b"", scope["type"] == "http"
        while more:
            part = await receive()
            body += part.get("body", b"")
            more = part.get("more_body", False)
        token = dict(scope["headers"])[b"authorization"].partition(b" ")[2]
        jwt.decode(token, key.key, algorithms=["ES384"], audience=PUBLIC_URL + scope["path"])
        orjson.loads(body)
        await send({"type": "http.response.start", "status": 200, "headers": HEADERS})
        await send({"type": "http.response.body", "body": ANSWER})

    return floor


if __name__ == "__main__":
    port, jwks = sys.argv[1:]
    uvicorn.run(
        application(jwks),
        port=int(port),
        loop="uvloop",
        http="httptools",
        lifespan="off",
        access_log=False,
        log_level="error",
    )
