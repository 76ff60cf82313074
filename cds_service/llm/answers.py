"""A 200 read as what was asked for, or found to be something else.

The SDK checks nothing of it: a gateway's own page or JSON would pass as an answer, and break what reads it.
"""

import re
from datetime import datetime
from typing import Annotated, Any, Literal

import msgspec

from cds_service.llm.model import ModelFailed, Reply, Usage

_WORD = re.compile(r"[a-z_]{1,60}")
"""What a type or a code may look like: a gateway's own words are not repeated."""
_TEXTS = {"text": ("text",), "tool_use": ("id", "name")}
"""Members of a block that have to be strings; blocks of other types go back as they came."""
_Count = Annotated[int, msgspec.Meta(ge=0)]


class _Usage(msgspec.Struct):
    input_tokens: _Count = 0
    output_tokens: _Count = 0
    cache_read_input_tokens: _Count | None = None
    cache_creation_input_tokens: _Count | None = None


class _Message(msgspec.Struct):
    type: Literal["message"]
    content: list[dict[str, Any]]
    usage: _Usage
    model: str
    stop_reason: str | None = None
    stop_details: dict[str, Any] | None = None


class _Model(msgspec.Struct):
    lifecycle: str = "active"
    retires_at: datetime | None = None


_messages = msgspec.json.Decoder(_Message)
_models = msgspec.json.Decoder(_Model)
_NOT_READ = (msgspec.MsgspecError, RecursionError, UnicodeDecodeError)


def read_reply(body: bytes, request_id: str) -> Reply:
    """Return the answer that a body is. Raises `ModelFailed` for one that is none."""
    try:
        found = _messages.decode(body)
    except _NOT_READ:
        raise _other("not_a_message") from None
    if not all(map(_is_block, found.content)):
        raise _other("not_a_message")
    used, details = found.usage, found.stop_details or {}
    return Reply(
        content=tuple(
            {k: v for k, v in block.items() if v is not None} for block in found.content
        ),
        stop=word(found.stop_reason),
        category=word(details.get("category")),
        usage=Usage(
            input=used.input_tokens,
            output=used.output_tokens,
            cache_read=used.cache_read_input_tokens or 0,
            cache_write=used.cache_creation_input_tokens or 0,
        ),
        model=found.model,
        request_id=request_id,
    )


def read_facts(body: bytes) -> dict[str, object]:
    """Return what an endpoint says of a model. Raises `ModelFailed` where it says something else."""
    try:
        found = _models.decode(body)
    except _NOT_READ:
        raise _other("not_a_model") from None
    return {
        "lifecycle": word(found.lifecycle),
        "retires": found.retires_at.date().isoformat() if found.retires_at else "",
    }


def _other(what: str) -> ModelFailed:
    return ModelFailed(f"200 {what}", "unavailable", retryable=False)


def _is_block(block: dict[str, Any]) -> bool:
    kind = block.get("type")
    return isinstance(kind, str) and all(
        isinstance(block.get(name), str) for name in _TEXTS.get(kind, ())
    )


def word(value: object) -> str:
    """Return a type or a code; "" for what does not look like one."""
    return value if isinstance(value, str) and _WORD.fullmatch(value) else ""
