"""One run of the agent: a Context and the rules' brief become a Draft, or a reason why there is none."""

import asyncio
import secrets
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from cds_service.agent.limits import Limits
from cds_service.agent.loop import Ended, Loop
from cds_service.agent.notes import Notes
from cds_service.agent.output import draft_of
from cds_service.agent.prompts import Prompt
from cds_service.agent.record import RunRecord
from cds_service.agent.tools import TOOLS_VERSION, Toolbox
from cds_service.agent.view import MaySend, View, first_sections, is_open, view
from cds_service.agent.watch import Watch
from cds_service.domain.brief import Brief, Line
from cds_service.domain.draft import Draft, Ending
from cds_service.domain.evidence import Context
from cds_service.llm import Model

_COMPLETE = {"complete": "read in full", "partial": "read in part"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """How a run ended."""

    status: Ending
    detail: str = ""
    """A status or a category; never words of the model or of the chart."""
    draft: Draft | None = field(default=None, repr=False)
    record: RunRecord


@dataclass(frozen=True, slots=True, kw_only=True)
class Agent:
    """Runs a model over a record. One for each process; runs share nothing."""

    model: Model
    prompt: Prompt
    clock: Callable[[], float]
    """Monotonic seconds."""
    limits: Limits = field(default_factory=Limits)
    watch: Watch = field(default_factory=Watch, repr=False)

    @property
    def versions(self) -> dict[str, str]:
        """Return what a brief says of who had a part in it."""
        return {"model": self.model.id, "prompt": self.prompt.hash, "tools": TOOLS_VERSION}

    async def __call__(
        self,
        context: Context,
        rules: Brief,
        *,
        note_text: bool = False,
        may_send: MaySend = is_open,
    ) -> Outcome:
        """Return a Draft, or the reason why there is none. Raises nothing that a model can cause."""
        record = RunRecord(
            run=secrets.token_hex(8),
            versions={**self.versions, "rules": rules.rules_version},
            prices=self.limits.prices,
        )
        seen, first = await asyncio.to_thread(self._begin, context, rules, may_send)
        notes = Notes(f"^{secrets.token_hex(1)}^") if note_text else None
        loop = Loop(
            model=self.model,
            system=self.prompt.text,
            tools=Toolbox(seen, notes),
            limits=self.limits,
            record=record,
            watch=self.watch,
            clock=self.clock,
        )
        with self.watch.run() as span:
            outcome = await self._run(loop, first, seen, notes)
            self.watch.ended(span, record, outcome.status)
        return outcome

    def _begin(self, context: Context, rules: Brief, may_send: MaySend) -> tuple[View, str]:
        """Make what the model sees at first; tens of milliseconds, so not on the loop that answers calls."""
        seen = view(context, may_send=may_send)
        return seen, first_message(context, rules, seen, self.limits)

    async def _run(self, loop: Loop, first: str, seen: View, notes: Notes | None) -> Outcome:
        record = loop.record
        record.withheld, record.unread = seen.withheld, seen.unread
        try:
            answer = await loop.run(first)
        except Ended as ended:
            return Outcome(status=ended.status, detail=ended.detail, record=record)
        finally:
            record.shown, record.restricted = len(seen.shown), seen.restricted
            record.notes_kept_back = len(notes.kept_back) if notes else 0
        if not answer.statements:
            return Outcome(status="empty", record=record)
        return Outcome(status="ok", draft=draft_of(answer, seen, notes), record=record)


def first_message(context: Context, rules: Brief, seen: View, limits: Limits) -> str:
    """Return what the model is told at first: the day, the record by sections, what was read, what rules choose."""
    today = context.now.astimezone(context.zone).date()
    parts = [f"Today is {today.isoformat()}.", *first_sections(seen, limits.first_chars)]
    parts.append("\n".join(["## searches", *_searches(context)]))
    chosen = "\n".join(_rules(rules, seen))
    cut = "" if len(chosen) <= limits.rules_chars else "\n(and more)"
    parts.append(f"## rules would show\n{chosen[: limits.rules_chars]}{cut}")
    return "\n\n".join(parts)


def _searches(context: Context) -> Iterator[str]:
    """Yield how far each need was read, so that absence is claimed only where it is known."""
    states: dict[str, set[str]] = {}
    found: dict[str, int] = {}
    for search in context.ledger.searches:
        states.setdefault(search.need, set()).add(search.state)
        found[search.need] = found.get(search.need, 0) + search.found
    for need, kinds in states.items():
        said = _COMPLETE.get(next(iter(kinds)), "not read") if len(kinds) == 1 else "read in part"
        yield f"{need}: {'what a bundle holds' if kinds == {'bundle'} else said}, {found[need]} found"


def _rules(rules: Brief, seen: View) -> Iterator[str]:
    """Yield each section of the rules' brief as kinds and aliases."""
    aliases = {each.ref: alias for alias, each in seen.entries.items()}
    for section in rules.sections:
        told = [_call(line, aliases) for line in section.lines]
        yield f"{section.id}: {' '.join(each for each in told if each)}"


def _call(line: Line, aliases: dict[str, str]) -> str:
    said = line.statement
    refs = [aliases[ref] for ref in said.refs if ref in aliases]
    return f"{said.kind}({','.join(refs or said.needs)})" if refs or said.needs else ""
