"""Who writes the briefs that are judged: the rules, the scripted agent, and a real model where a key is set."""

import asyncio
import time
from dataclasses import dataclass

from cds_service.agent.limits import Limits
from cds_service.agent.prompts import system_prompt
from cds_service.agent.run import Agent
from cds_service.brief import rule_brief
from cds_service.brief.verify import verify
from cds_service.brief.why import WORDS
from cds_service.llm import Reply, Usage
from cds_service.simulator.scripted_model import NAME, answer


@dataclass
class Scripted:
    """The demo's stand-in as a model in this process; it keeps what it was sent."""

    id: str = NAME

    def __post_init__(self):
        self.sent = []

    async def ask(self, ask, *, seconds):
        assert seconds > 0
        body = {
            "messages": list(ask.messages),
            "system": ask.system,
            "tools": [[t.name, t.description, t.args.model_json_schema()] for t in ask.tools],
            "tool_choice": {"type": "none" if ask.final else "auto"},
        }
        self.sent.append(body)
        made = answer(body)
        usage = Usage(input=made["usage"]["input_tokens"], output=made["usage"]["output_tokens"])
        return Reply(
            content=tuple(made["content"]), stop=made["stop_reason"], usage=usage, model=self.id
        )

    async def close(self):
        """Nothing is held."""


@dataclass
class Judged:
    """One brief with what it took."""

    brief: object
    status: str
    dropped: int = 0
    tokens: int = 0
    cpu_s: float = 0.0
    wall_s: float = 0.0
    cost: float | None = None
    """In the currency of the prices; None where nobody gave any."""
    sent: str = ""


class Watch:
    """Starts when it is made."""

    def __init__(self):
        self._cpu, self._wall = time.process_time(), time.monotonic()

    def taken(self):
        """Return the processor's time and the clock's since then, in seconds."""
        return {
            "cpu_s": time.process_time() - self._cpu,
            "wall_s": time.monotonic() - self._wall,
        }


def by_rules(chart):
    watch = Watch()
    brief = rule_brief(chart.context)
    return Judged(brief=brief, status="rules", cost=0.0, **watch.taken())


def by_agent(model, limits=None):
    """Return a writer: agent, verifier, and the rules' brief where that comes to nothing."""

    def write(chart):
        rules = rule_brief(chart.context)
        agent = Agent(
            model=model,
            prompt=system_prompt(WORDS),
            clock=time.monotonic,
            limits=limits or Limits(),
        )
        watch = Watch()
        outcome = asyncio.run(agent(chart.context, rules))
        checked = verify(outcome.draft, chart.context, rules) if outcome.draft else None
        taken = watch.taken()
        record = outcome.record
        return Judged(
            brief=(checked and checked.brief) or rules,
            status=checked.status if checked else outcome.status,
            dropped=checked.dropped if checked else 0,
            tokens=record.usage.total,
            cost=record.cost if record.prices else None,
            sent=str(record.messages),
            **taken,
        )

    return write
