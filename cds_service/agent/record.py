"""The record of a run: what was asked, what came back, what it cost. Chart content: it is kept sealed."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from cds_service.domain.json import JsonObject, encode
from cds_service.domain.prices import Prices
from cds_service.llm import Usage


@dataclass(slots=True, kw_only=True)
class RunRecord:
    """Grows while a run goes on."""

    run: str
    """Random: it tells nothing about the patient."""
    versions: Mapping[str, str]
    steps: list[JsonObject] = field(default_factory=list, repr=False)
    messages: tuple[JsonObject, ...] = field(default=(), repr=False)
    answer: str = field(default="", repr=False)
    usage: Usage = field(default_factory=Usage)
    prices: Prices | None = None
    requests: list[str] = field(default_factory=list)
    """Ids that the model's operator knows the requests by."""
    retries: int = 0
    tool_calls: int = 0
    seconds: float = 0.0
    shown: int = 0
    restricted: int = 0
    """Of what was shown: entries that not everybody who may open the chart may read."""
    withheld: int = 0
    unread: int = 0
    notes_kept_back: int = 0

    def step(self, what: str, **facts: object) -> None:
        """Add one step: names and numbers only."""
        self.steps.append({"step": what, **facts})

    @property
    def cost(self) -> float:
        """Return what it has cost so far; 0 where no prices are known."""
        return self.usage.cost(self.prices) if self.prices else 0.0

    def facts(self) -> dict[str, object]:
        """Return numbers for the audit and for telemetry."""
        return {
            "run": self.run,
            "turns": sum(each["step"] == "model" for each in self.steps),
            "tool_calls": self.tool_calls,
            "tools_used": counted(str(e["name"]) for e in self.steps if e["step"] == "tool"),
            "retries": self.retries,
            "seconds": round(self.seconds, 3),
            "tokens_in": self.usage.input + self.usage.cache_read + self.usage.cache_write,
            "tokens_out": self.usage.output,
            "tokens_cached": self.usage.cache_read,
            **({"cost": round(self.cost, 4)} if self.prices else {}),
            "shown": self.shown,
            "restricted": self.restricted,
            "withheld": self.withheld,
            "unread": self.unread,
            "notes_kept_back": self.notes_kept_back,
        }

    def to_bytes(self, **ending: object) -> bytes:
        """Return the whole record as JSON, to be sealed."""
        return encode(
            {
                "versions": dict(self.versions),
                "facts": self.facts(),
                "requests": self.requests,
                "steps": self.steps,
                "messages": self.messages,
                "answer": self.answer,
                **ending,
            }
        )


def counted(words: Iterable[str]) -> list[str]:
    """Return words with how often each came, as an audit tells it: `find_results: 2`."""
    return [f"{word}: {times}" for word, times in sorted(Counter(words).items())]
