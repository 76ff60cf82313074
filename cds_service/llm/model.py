"""One question to a model and its answer, whoever serves it."""

from dataclasses import dataclass, field
from typing import Literal, Protocol

from pydantic import BaseModel

from cds_service.domain.json import JsonObject
from cds_service.domain.prices import Prices

FailedAs = Literal["rejected", "spend_limit", "unavailable", "timeout"]


@dataclass(frozen=True, slots=True)
class ToolSpec:
    """A tool as a model sees it. Equal for every patient: it is part of the cached prefix."""

    name: str
    description: str
    args: type[BaseModel]
    """Forbids extra arguments."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ask:
    """One request. `system`, `tools` and `answer` hold nothing about a patient; `messages` does."""

    system: str
    tools: tuple[ToolSpec, ...]
    answer: type[BaseModel]
    """The form of the answer."""
    messages: tuple[JsonObject, ...] = field(repr=False)
    """User and assistant turns in the form of the Messages API."""
    max_tokens: int
    final: bool
    """The answer is wanted now: tools stay offered, so that the cached prefix holds, but may not be called."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Usage:
    """Tokens of one answer, or of several added up."""

    input: int = 0
    """Not read from a cache and not written to one."""
    output: int = 0
    cache_read: int = 0
    cache_write: int = 0

    def __add__(self, other: "Usage") -> "Usage":
        """Return both together."""
        return Usage(
            input=self.input + other.input,
            output=self.output + other.output,
            cache_read=self.cache_read + other.cache_read,
            cache_write=self.cache_write + other.cache_write,
        )

    @property
    def total(self) -> int:
        """Return every token, cached or not."""
        return self.input + self.output + self.cache_read + self.cache_write

    def cost(self, prices: Prices) -> float:
        """Return what it costs, in the currency of the prices."""
        kinds = ("input", "output", "cache_read", "cache_write")
        return float(sum(getattr(self, kind) * getattr(prices, kind) for kind in kinds)) / 1e6


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """One answer."""

    content: tuple[JsonObject, ...] = field(repr=False)
    """Blocks of the Messages API, to be sent back as they came."""
    stop: str
    category: str = ""
    """Of a refusal."""
    usage: Usage
    model: str
    request_id: str = ""


class ModelFailed(Exception):
    """There is no answer. Holds a status and a type, never a word of request or response."""

    def __init__(
        self, code: str, kind: FailedAs, *, retryable: bool, wait: float | None = None
    ) -> None:
        super().__init__(code)
        self.code = code
        self.kind = kind
        self.retryable = retryable
        self.wait = wait
        """Seconds that the server asks us to wait."""


class OutOfTime(Exception):
    """Too little time is left to begin another call."""


class Model(Protocol):
    """A model that answers one request at a time and keeps nothing between them."""

    @property
    def id(self) -> str:
        """Return the id of the model, as it stands on every brief that it had a part in."""
        ...

    async def ask(self, ask: Ask, *, seconds: float) -> Reply:
        """Return the answer. Raises `ModelFailed`; `seconds` bounds each wait for the network, not the whole."""
        ...

    async def close(self) -> None:
        """Give connections back."""
        ...
