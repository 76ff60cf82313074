"""A Claude model over the `anthropic` SDK: one request at a time, nothing kept on the server, no beta.

The SDK's own retries are off (`llm/calls.py` has ours), its spans hold metadata only whatever the environment
says, and no request leaves for another host than the one that was attested.
"""

import logging
from collections.abc import Mapping
from functools import lru_cache
from math import isnan
from typing import Any

import anthropic
import httpx2
from anthropic import AsyncAnthropic, transform_schema
from pydantic import BaseModel
from typing_extensions import override

from cds_service.llm.answers import read_facts, read_reply, word
from cds_service.llm.model import Ask, Model, ModelFailed, Reply, ToolSpec

CONNECT_S = 3.0
READ_S = 60.0
TELEMETRY: anthropic.OpenTelemetryOptions = {
    "propagation": False,
    "traces": {"enabled": True, "content_mode": "metadata_only"},
}
"""Explicit, so that `ANTHROPIC_OPEN_TELEMETRY_TRACES_CONTENT_MODE=content` cannot put chart text into spans."""

_SPEND = frozenset(
    {
        "enforced_spend_limit_reached",
        "contract_spend_limit_reached",
        "linked_organization_spend_limit_reached",
    }
)
_TRANSIENT = frozenset({"overloaded_error", "api_error", "rate_limit_error", "timeout_error"})
_AGAIN = frozenset({408, 409, 429})
_SERVER = 500
_OK = 200


class Claude(Model):
    """One model behind one client of the SDK; the platform clients share the shape that is used here."""

    def __init__(
        self, client: AsyncAnthropic, *, model: str, geo: str = "", effort: str = ""
    ) -> None:
        self._client = client
        self._model = model
        self._geo = geo
        self._effort = effort

    @property
    @override
    def id(self) -> str:
        return self._model

    @override
    async def ask(self, ask: Ask, *, seconds: float) -> Reply:
        try:
            sent = self._client.messages.with_raw_response.create
            found = await sent(**self._parameters(ask, seconds))
            body = await found.read()
        except Exception as error:  # noqa: BLE001  # what finds a platform's identity raises its own kinds
            raise failure(error) from None
        return read_reply(body, found.request_id or "")

    def _parameters(self, ask: Ask, seconds: float) -> dict[str, Any]:
        """Return the request; its two marks let each round read from the cache what the one before wrote."""
        mark = {"type": "ephemeral"}
        effort = {"effort": self._effort} if self._effort else {}
        return {
            "model": self._model,
            "max_tokens": ask.max_tokens,
            "timeout": seconds,
            "tools": _tools(ask.tools),
            "system": [{"type": "text", "text": ask.system, "cache_control": mark}],
            "messages": list(ask.messages),
            "cache_control": mark,
            "tool_choice": {"type": "none" if ask.final else "auto"},
            "output_config": {
                "format": {"type": "json_schema", "schema": _schema(ask.answer)},
                **effort,
            },
            **({"inference_geo": self._geo} if self._geo else {}),
        }

    async def facts(self, *, seconds: float) -> Mapping[str, object]:
        """Return what the endpoint says of the model: lifecycle and end. Empty where it does not say.

        Raises `ModelFailed`: 404 for a model that does not exist.
        """
        models = getattr(self._client, "models", None)
        if models is None:
            return {}
        try:
            found = await models.with_raw_response.retrieve(self._model, timeout=seconds)
            body = await found.read()
        except Exception as error:  # noqa: BLE001  # what finds a platform's identity raises its own kinds
            raise failure(error) from None
        return read_facts(body)

    @override
    async def close(self) -> None:
        await self._client.close()


def http_client(host: str) -> httpx2.AsyncClient:
    """Return the HTTP client of a model: no proxies of the environment, no redirects, no other host than this.

    `DefaultAsyncHttpxClient(trust_env=False)` of the SDK would still mount the environment's proxies.
    """
    logging.getLogger("anthropic").setLevel(logging.WARNING)  # at DEBUG it logs whole bodies

    async def pinned(request: httpx2.Request) -> None:
        if request.url.host != host:
            raise httpx2.UnsupportedProtocol("another host than the one that was attested")
        request.headers.pop("anthropic-beta", None)

    return httpx2.AsyncClient(
        trust_env=False,
        follow_redirects=False,
        timeout=httpx2.Timeout(READ_S, connect=CONNECT_S),
        limits=anthropic.DEFAULT_CONNECTION_LIMITS,
        event_hooks={"request": [pinned]},
    )


@lru_cache(maxsize=8)
def _tools(tools: tuple[ToolSpec, ...]) -> list[dict[str, Any]]:
    return [
        {
            "name": tool.name,
            "description": tool.description,
            "strict": True,
            "input_schema": _schema(tool.args),
        }
        for tool in tools
    ]


@lru_cache(maxsize=32)
def _schema(model: type[BaseModel]) -> dict[str, Any]:
    return transform_schema(model)


def failure(error: Exception) -> ModelFailed:
    """Return what an error of the SDK means to us; its text, which holds bodies and addresses, is left behind."""
    if isinstance(error, anthropic.APITimeoutError):
        return ModelFailed("timeout", "timeout", retryable=True)
    if isinstance(error, anthropic.APIStatusError):
        return _status(error)
    transient = isinstance(error, anthropic.APIConnectionError | httpx2.TransportError)
    return ModelFailed(type(error).__name__, "unavailable", retryable=transient)


def _status(error: anthropic.APIStatusError) -> ModelFailed:
    told = (error.type, error.error_code)
    code = " ".join([str(error.status_code), *filter(None, map(word, told))])
    if error.error_code in _SPEND:
        return ModelFailed(code, "spend_limit", retryable=False)
    wish = error.response.headers.get("x-should-retry")
    retryable = wish == "true" if wish in {"true", "false"} else _is_transient(error)
    ours = _SERVER > error.status_code >= _OK + 100 and error.status_code not in _AGAIN
    return ModelFailed(
        code,
        "rejected" if ours else "unavailable",
        retryable=retryable,
        wait=_wait(error.response.headers),
    )


def _is_transient(error: anthropic.APIStatusError) -> bool:
    if error.status_code == _OK:  # an `event: error` inside a stream keeps the stream's own 200
        return error.type in _TRANSIENT
    return error.status_code in _AGAIN or error.status_code >= _SERVER


def _wait(headers: httpx2.Headers) -> float | None:
    """Return the seconds that a server asks us to wait; None where it gives no number."""
    for name, scale in (("retry-after-ms", 1000.0), ("retry-after", 1.0)):
        try:
            asked = float(headers[name]) / scale
        except (KeyError, ValueError):
            continue
        if not isnan(asked):
            return asked
    return None
