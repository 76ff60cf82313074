"""A FHIR server that answers after a fixed time. Runs as `python -m tests.bench.fhir PORT PREFETCH_FILE`.

The file holds the answers by prefetch key; a request finds its own by type and category, as the service sends them.
Every patient has the same chart, under an id of their own.
"""

import asyncio
import sys
from pathlib import Path
from urllib.parse import parse_qs

import orjson
import uvicorn

from tests.bench.chart import PATIENT, plan

DELAY_S = 0.100


def _served(port: int) -> dict[str, bytes]:
    """Return what stands at fixed places: where tokens are had, and one for everybody."""
    token = {"access_token": "bench", "token_type": "bearer", "expires_in": 300}
    return {
        ".well-known/smart-configuration": orjson.dumps(
            {"token_endpoint": f"http://127.0.0.1:{port}/r4/token"}
        ),
        "token": orjson.dumps(token | {"scope": "system/*.rs"}),
    }


def application(file: str, port: int):
    """Return the ASGI application."""
    answers = orjson.loads(Path(file).read_bytes())
    served = _served(port)
    by_query = {
        (q.type, bool(q.read), dict(q.params).get("category", "")): orjson.dumps(answers[q.key])
        for q in plan()
    }

    async def fhir(scope, _receive, send):
        asked = parse_qs(scope["query_string"].decode())
        where = scope["path"].removeprefix("/r4/")
        kind = where.split("/")[0]
        body = served.get(where) or by_query.get((kind, not asked, asked.get("category", [""])[0]))
        whose = asked.get("patient", [where.partition("/")[2] if kind == "Patient" else PATIENT])[
            0
        ]
        if body is not None and whose != PATIENT:
            body = body.replace(PATIENT.encode(), whose.removeprefix("Patient/").encode())
        await asyncio.sleep(DELAY_S)
        head = [(b"content-type", b"application/fhir+json")]
        status = 404 if body is None else 200
        await send({"type": "http.response.start", "status": status, "headers": head})
        await send({"type": "http.response.body", "body": body or b"{}"})

    return fhir


if __name__ == "__main__":
    port, answers_file = sys.argv[1:]
    uvicorn.run(
        application(answers_file, int(port)),
        port=int(port),
        loop="uvloop",
        http="httptools",
        lifespan="off",
        access_log=False,
        log_level="error",
    )
