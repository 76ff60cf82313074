"""The stand-in's server: one thread, one free port on loopback, scenarios by key."""

import asyncio
import json
import socket
import threading
import time
import uuid
from contextlib import contextmanager
from dataclasses import dataclass, field

import uvicorn
from starlette.applications import Starlette
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route

from tests.llm.standin.answers import Cache, message, request_tokens
from tests.llm.standin.rules import (
    API_VERSIONS,
    TYPES,
    ApiError,
    bad,
    check_body,
    check_headers,
    key_of,
)

MODELS = {"claude-sonnet-5-5": "active", "claude-old": "retired", "claude-page": ""}


@dataclass
class Scenario:
    """What one key is answered, and what it sent."""

    steps: list
    then: str = "error"
    """After the last step: `error`, or `repeat` it."""
    log: list = field(default_factory=list)
    paused: bool = False

    def next(self, body):
        used = len(self.log) - 1
        step = self.steps[min(used, len(self.steps) - 1)] if self.steps else None
        if step is None or (used >= len(self.steps) and self.then != "repeat"):
            return {"error": 500, "message": "the scenario has no further step"}
        return step(body) if callable(step) else step


@dataclass
class Standin:
    """A running stand-in."""

    url: str
    scenarios: dict = field(default_factory=dict)
    cache: Cache = field(default_factory=Cache)

    def script(self, *steps, then="error"):
        """Return the key that is answered with these steps, in turn."""
        key = f"sk-standin-{uuid.uuid4().hex}"
        self.scenarios[key] = Scenario(list(steps), then)
        return key

    def sent(self, key):
        """Return the bodies that came with a key."""
        return [each["body"] for each in self.scenarios[key].log]

    def headers(self, key):
        return [each["headers"] for each in self.scenarios[key].log]

    async def messages(self, request):
        try:
            return await self._answer(request)
        except ApiError as error:
            request_id = f"req_{uuid.uuid4().hex[:20]}"
            headers = {"request-id": request_id, **error.headers}
            return JSONResponse(error.body(request_id), error.status, headers=headers)

    async def _answer(self, request):
        key, body = await self._read(request)
        scenario = self.scenarios.setdefault(key, Scenario([]))
        scenario.log.append({"body": body, "headers": dict(request.headers)})
        check_body(body, paused=scenario.paused)
        if body["model"] not in MODELS:
            raise ApiError(404, "not_found_error", f"model: {body['model']}")
        step = scenario.next(body)
        await asyncio.sleep(step.get("delay", 0))
        if "error" in step:
            kind = step.get("error_type") or TYPES.get(step["error"], "api_error")
            text = step.get("message", "stand-in error")
            headers = {k: str(v) for k, v in step.get("headers", {}).items()}
            raise ApiError(step["error"], kind, text, code=step.get("error_code"), headers=headers)
        if "raw" in step:
            return JSONResponse(step["raw"])
        if "body" in step:
            return Response(step["body"], media_type=step.get("media_type", "application/json"))
        if "drop" in step:
            return _Drop()
        made = message(step, body, self.cache.usage(body, key))
        scenario.paused = made["stop_reason"] == "pause_turn"
        headers = {"request-id": f"req_{uuid.uuid4().hex[:20]}"}
        if "drip" in step:
            return StreamingResponse(
                _drip(made, step["drip"]), media_type="application/json", headers=headers
            )
        return JSONResponse(made, headers=headers)

    async def _read(self, request):
        """Return the key and the body; on Bedrock and Vertex the model stands in the path, the version in the body."""
        body = json.loads(await request.body())
        if "model" not in request.path_params:
            return check_headers(request.headers), body
        if "model" in body or body.pop("anthropic_version", "") not in API_VERSIONS:
            raise bad("the model belongs into the path, the version into the body")
        return key_of(request.headers), body | {"model": request.path_params["model"]}

    async def model(self, request):
        name = request.path_params["name"]
        if name not in MODELS:
            return JSONResponse(ApiError(404, "not_found_error", "model").body("req_x"), 404)
        if not MODELS[name]:
            return Response("<html>Log in", media_type="text/html")
        return JSONResponse(
            {
                "id": name,
                "type": "model",
                "display_name": name,
                "created_at": "2026-01-01T00:00:00Z",
                "lifecycle": MODELS[name],
                "retires_at": "2027-01-01T00:00:00Z",
                "max_input_tokens": 200000,
                "max_tokens": 64000,
            }
        )

    async def count(self, request):
        return JSONResponse({"input_tokens": request_tokens(json.loads(await request.body()))})


async def _drip(made, pause):
    """Send the answer one byte at a time: no single read ever takes long."""
    for byte in json.dumps(made).encode():
        yield bytes([byte])
        await asyncio.sleep(pause)


class _Drop(Response):
    """Promises a body that it never sends, so that the connection ends under the client's read."""

    async def __call__(self, scope, receive, send):
        headers = [(b"content-type", b"application/json"), (b"content-length", b"4096")]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": b'{"id": "msg_', "more_body": True})
        raise ConnectionError


class _Quiet(uvicorn.Server):
    def install_signal_handlers(self):
        """Signals belong to the tests."""


@contextmanager
def running():
    """Serve a stand-in on a free port."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    standin = Standin(f"http://127.0.0.1:{port}")
    app = Starlette(
        routes=[
            Route("/v1/messages", standin.messages, methods=["POST"]),
            Route("/anthropic/v1/messages", standin.messages, methods=["POST"]),
            Route("/model/{model}/invoke", standin.messages, methods=["POST"]),
            Route(
                "/v1/projects/{project}/locations/{region}/publishers/anthropic/models/{model}:rawPredict",
                standin.messages,
                methods=["POST"],
            ),
            Route("/v1/messages/count_tokens", standin.count, methods=["POST"]),
            Route("/v1/models/{name}", standin.model),
        ]
    )
    config = uvicorn.Config(
        app, host="127.0.0.1", port=port, log_level="critical", loop="asyncio", lifespan="off"
    )
    server = _Quiet(config)
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    while not server.started:
        time.sleep(0.01)
    try:
        yield standin
    finally:
        server.should_exit = True
        server.force_exit = True
        thread.join(5)
