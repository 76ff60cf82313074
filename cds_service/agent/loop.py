"""The bounded loop: a model asks its tools and answers, within one deadline, and every ending has a name."""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from pydantic import ValidationError

from cds_service.agent.limits import Limits
from cds_service.agent.output import Answer
from cds_service.agent.record import RunRecord
from cds_service.agent.tools import Toolbox
from cds_service.agent.watch import Watch
from cds_service.domain.draft import Ending
from cds_service.domain.json import JsonObject
from cds_service.llm import Ask, Model, ModelFailed, OutOfTime, Reply, ToolSpec, ask_in_time

_ERRORS_TOLD = 10


class Ended(Exception):
    """The run is over without an answer."""

    def __init__(self, status: Ending, detail: str = "") -> None:
        super().__init__(status)
        self.status: Ending = status
        self.detail = detail


@dataclass(slots=True)
class Loop:
    """One run."""

    model: Model
    system: str = field(repr=False)
    tools: Toolbox
    limits: Limits
    record: RunRecord
    watch: Watch
    clock: Callable[[], float]
    ends: float = 0.0
    rounds: int = 0
    pauses: int = 0
    repairs: int = 0
    tool_chars: int = 0
    max_tokens: int = 0
    final: bool = False

    async def run(self, first: str) -> Answer:
        """Return the answer. Raises `Ended` for every other ending, the deadline included."""
        began = self.clock()
        self.ends = began + self.limits.seconds
        self.max_tokens = self.limits.answer_tokens
        try:
            async with asyncio.timeout(self.limits.seconds):
                return await self._turns(({"role": "user", "content": first},))
        except (TimeoutError, OutOfTime):
            raise Ended("deadline") from None
        except ModelFailed as failed:
            status: Ending = "deadline" if failed.kind == "timeout" else failed.kind
            raise Ended(status, failed.code) from None
        finally:
            self.record.seconds = self.clock() - began

    def left(self) -> float:
        """Return the seconds that are left."""
        return self.ends - self.clock()

    async def _turns(self, messages: tuple[JsonObject, ...]) -> Answer:
        while True:
            self.record.messages = messages
            reply = await self._ask(messages)
            if reply.stop in _ENDS:
                raise Ended(_ENDS[reply.stop], reply.category)
            match reply.stop:
                case "max_tokens":
                    self._again_larger()
                case "pause_turn":
                    self._pause()
                    messages = (*messages, _said(reply))
                case "tool_use":
                    results = await asyncio.to_thread(self._results, reply)
                    messages = (*messages, _said(reply), {"role": "user", "content": results})
                case _:  # end_turn, or a reason that is not known yet
                    try:
                        return self._answer(reply)
                    except ValidationError as problem:
                        messages = (*messages, _said(reply), self._repair(problem))

    async def _ask(self, messages: tuple[JsonObject, ...]) -> Reply:
        limits, record = self.limits, self.record
        if record.usage.total >= limits.tokens or record.cost >= limits.cost:
            raise Ended("budget")
        self.final = (
            self.final
            or self.rounds >= limits.rounds
            or record.tool_calls >= limits.tool_calls
            or self.tool_chars >= limits.all_tool_chars
            or self.left() < limits.finalise_s
        )
        ask = Ask(
            system=self.system,
            tools=self.tools.specs,
            answer=Answer,
            messages=messages,
            max_tokens=self.max_tokens,
            final=self.final,
        )
        began = self.clock()
        reply, retries = await ask_in_time(
            self.model, ask, left=self.left, patience=limits.patience
        )
        record.retries += retries
        record.usage += reply.usage
        if reply.request_id:
            record.requests.append(reply.request_id)
        record.step(
            "model",
            stop=reply.stop,
            model=reply.model,
            retries=retries,
            ms=round((self.clock() - began) * 1000),
            tokens_in=reply.usage.total - reply.usage.output,
            tokens_out=reply.usage.output,
        )
        return reply

    def _again_larger(self) -> None:
        """Ask again for what was cut, with more room: half a document or half a call is of no use."""
        if self.max_tokens >= self.limits.answer_tokens_again:
            raise Ended("max_tokens")
        self.max_tokens = self.limits.answer_tokens_again

    def _pause(self) -> None:
        self.pauses += 1
        if self.pauses > self.limits.pauses:
            raise Ended("rounds_exhausted")

    def _results(self, reply: Reply) -> list[JsonObject]:
        """Answer every call of a turn, also those that go too far: an unanswered one would be a 400."""
        calls = [block for block in reply.content if block.get("type") == "tool_use"]
        if self.final or not calls:
            raise Ended("rounds_exhausted")
        self.rounds += 1
        return [self._result(block) for block in calls]

    def _result(self, block: JsonObject) -> JsonObject:
        name = str(block.get("name"))
        spec = next((each for each in self.tools.specs if each.name == name), None)
        known = spec.name if spec else "unknown"
        self.record.tool_calls += 1
        with self.watch.tool(known) as span:
            told, wrong = self._call(spec, block)
            if wrong:
                span.set_attribute("error.type", wrong)
        self.record.step("tool", name=known, chars=len(told), error=wrong)
        result = {"type": "tool_result", "tool_use_id": block.get("id"), "content": told}
        return {**result, "is_error": True} if wrong else result

    def _call(self, spec: ToolSpec | None, block: JsonObject) -> tuple[str, str]:
        """Return what is told, and a word for what was wrong; a tool's own error text goes nowhere."""
        limits = self.limits
        if self.record.tool_calls > limits.tool_calls:
            return "the number of calls is used up", "too_many_calls"
        if spec is None:
            return "there is no such tool", "unknown_tool"
        try:
            args = spec.args.model_validate(block.get("input"))
        except ValidationError as problem:
            return f"wrong arguments: {_places(problem)}", "wrong_arguments"
        room = min(limits.tool_chars, limits.all_tool_chars - self.tool_chars)
        told = self.tools.run(args, max(room, 0))  # type: ignore[arg-type]  # each spec has its own
        self.tool_chars += len(told)
        return told, ""

    def _answer(self, reply: Reply) -> Answer:
        said = "".join(str(b.get("text")) for b in reply.content if b.get("type") == "text")
        self.record.answer = said
        return Answer.model_validate_json(said)

    def _repair(self, problem: ValidationError) -> JsonObject:
        """Say once where an answer does not have its form: places and rules, none of its words."""
        if self.repairs >= self.limits.repairs or not self.record.answer.strip():
            raise Ended("invalid_output", f"{problem.error_count()} errors of form")
        self.repairs += 1
        self.final = True
        words = f"The answer does not have its form: {_places(problem)}. Send the whole answer again, corrected."
        return {"role": "user", "content": words}


_ENDS: dict[str, Ending] = {
    "refusal": "refused",
    "model_context_window_exceeded": "context_exceeded",
}


def _said(reply: Reply) -> JsonObject:
    return {"role": "assistant", "content": list(reply.content)}


def _places(problem: ValidationError) -> str:
    """Return where something is wrong and by which rule, without what stands there."""
    errors: Sequence[object] = problem.errors(
        include_input=False, include_url=False, include_context=False
    )
    told = [f"{'.'.join(map(str, e['loc']))}: {e['type']}" for e in errors[:_ERRORS_TOLD]]  # type: ignore[index]
    return "; ".join(told)
