"""A model whose answers are written beforehand: what the loop does with each of them is the point."""

import asyncio
import json
import time
from dataclasses import dataclass, field

from cds_service.agent.limits import Limits
from cds_service.agent.prompts import system_prompt
from cds_service.agent.run import Agent
from cds_service.brief import rule_brief
from cds_service.llm import ModelFailed, Reply, Usage
from cds_service.llm.calls import Patience

QUICK = Limits(seconds=5.0, finalise_s=0.2, patience=Patience(min_call_s=0.05, base_s=0.01))


def says(*statements, **usage):
    """An answer with these statements: (kind, refs) or dictionaries."""
    made = [s if isinstance(s, dict) else {"kind": s[0], "refs": list(s[1:])} for s in statements]
    return text(json.dumps({"statements": made}), **usage)


def text(words, stop="end_turn", **usage):
    block = ({"type": "text", "text": words},) if words else ()
    return Reply(content=block, stop=stop, usage=Usage(**usage), model="scripted")


def calls(*asked, **usage):
    """A turn that calls tools: (name, arguments) each."""
    blocks = tuple(
        {"type": "tool_use", "id": f"t{n}", "name": name, "input": args}
        for n, (name, args) in enumerate(asked)
    )
    return Reply(content=blocks, stop="tool_use", usage=Usage(**usage), model="scripted")


@dataclass
class Scripted:
    """Answers with its steps in turn; a step may be a Reply, a failure, or a function of the request."""

    steps: list
    id: str = "scripted"
    asked: list = field(default_factory=list)
    repeat: bool = False
    delay: float = 0.0

    async def ask(self, ask, *, seconds):
        assert seconds > 0
        self.asked.append(ask)
        await asyncio.sleep(self.delay)
        place = len(self.asked) - 1
        step = self.steps[min(place, len(self.steps) - 1) if self.repeat else place]
        if callable(step):
            step = step(ask)
        if isinstance(step, Exception):
            raise step
        return step

    async def close(self):
        """Nothing is held."""

    @property
    def first(self):
        return self.asked[0].messages[0]["content"]

    def results(self, turn):
        """What the tools of a turn answered."""
        return self.asked[turn].messages[-1]["content"]


def failed(code="529 overloaded_error", kind="unavailable", **more):
    return ModelFailed(code, kind, **({"retryable": True} | more))


def agent_of(model, limits=QUICK):
    return Agent(
        model=model,
        prompt=system_prompt(("new",)),
        limits=limits,
        clock=time.monotonic,
    )


async def run(context, *steps, limits=QUICK, repeat=False, delay=0.0, **more):
    """Run the agent over a context; returns (outcome, model)."""
    model = Scripted(list(steps), repeat=repeat, delay=delay)
    return await agent_of(model, limits)(context, rule_brief(context), **more), model
