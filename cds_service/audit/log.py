"""Audit entries: of calls, opened before a flow's first step; of changes, written in their transaction."""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime

from opentelemetry import trace

from cds_service.audit.refusals import Refusals
from cds_service.domain.call import Call
from cds_service.domain.errors import CdsError, NotTrusted
from cds_service.storage import Connection, Writer
from cds_service.storage.chain import ADMINISTRATION, TREATMENT, append, entry, new_entry_id
from cds_service.storage.seal import SHARED

_MAX_SERVICE = 63
_TALLY_S = 5.0
Fact = str | int | float | bool | Sequence[str]


@dataclass(slots=True)
class Entry:
    """What one call is known by. Facts are ids, counts and codes: never chart content."""

    facts: dict[str, Fact] = field(default_factory=dict)
    actor: str = ""
    """`Type/id` of who acts, as the EHR names the person."""
    patient: str = field(default="", repr=False)
    """`Type/id` of whose chart it is; sealed when it is stored."""
    brief: str = ""

    _lap: float = field(default_factory=lambda: asyncio.get_running_loop().time(), repr=False)

    def lap(self, stage: str) -> None:
        """Note the milliseconds since the stage before."""
        before, self._lap = self._lap, asyncio.get_running_loop().time()
        self.facts[f"{stage}_ms"] = round((self._lap - before) * 1000, 1)

    def note(self, **facts: Fact | None) -> None:
        """Add facts; one that is None is left out."""
        self.facts |= {name: value for name, value in facts.items() if value is not None}


@dataclass(frozen=True, slots=True, kw_only=True)
class Audit:
    """Makes entries and hands them to storage. One for each process."""

    writer: Writer
    now: Callable[[], datetime]
    refusals: Refusals = field(default_factory=Refusals)

    async def append(  # noqa: PLR0913  # each argument is a column
        self,
        connection: Connection,
        *,
        site: str,
        action: str,
        outcome: str = "ok",
        at: datetime | None = None,
        facts: Mapping[str, Fact] | None = None,
        actor: str = "",
        patient: str = "",
        purpose: str = TREATMENT,
        brief: str = "",
    ) -> None:
        """Append one entry in the transaction of the change that it records.

        `patient` is `Type/id` and is sealed here; facts are ids, counts, codes and versions. Raises what the
        database raises, so that nothing changes that the audit does not know of.
        """
        made = self._made(
            site=site,
            action=action,
            outcome=outcome,
            at=at or self.now(),
            said=Entry(dict(facts or {}), actor=actor, patient=patient, brief=brief),
            purpose=purpose,
        )
        await append(self.writer.database.seals, connection, [made])

    @asynccontextmanager
    async def entry(self, action: str, call: Call) -> AsyncIterator[Entry]:
        """Keep one entry for what happens inside: `ok`, or the code of the error that stopped it.

        Callers that prove nobody are told once, and then counted: see `Refusals`.
        """
        said, outcome, is_told = Entry(), "crashed", True
        said.note(service=call.service_id[:_MAX_SERVICE])
        try:
            yield said
            outcome = "ok"
        except CdsError as stop:
            outcome = stop.code
            said.note(reason=stop.detail or None)
            if isinstance(stop, NotTrusted):
                said.note(theirs=stop.theirs or None)
                key = (call.site, action, stop.code, stop.detail)
                is_told = self.refusals.take(key, call.received)
            raise
        finally:
            took = (self.now() - call.received).total_seconds() * 1000
            said.note(took_ms=round(took, 1))
            if is_told:
                self._queue(call.site, action, outcome, call.received, said)

    def tell(  # noqa: PLR0913  # each argument is a column
        self,
        *,
        site: str,
        action: str,
        outcome: str,
        facts: Mapping[str, Fact],
        actor: str,
        patient: str,
        brief: str,
    ) -> None:
        """Queue an entry of what has been done and is one with no change: a database that is away is waited for."""
        said = Entry(dict(facts), actor=actor, patient=patient, brief=brief)
        self._queue(site, action, outcome, self.now(), said)

    def refused(self, site: str, action: str, stop: CdsError) -> None:
        """Tell, or count, a call of a known site that was turned away before anything of it was read."""
        at = self.now()
        if self.refusals.take((site, action, stop.code, stop.detail), at):
            said = Entry({"reason": stop.detail} if stop.detail else {})
            self._queue(site, action, stop.code, at, said)

    def tell_refusals(self, *, everything: bool = False) -> None:
        """Queue one entry for each kind of refusal that was counted."""
        for (site, action, outcome, reason), tally in self.refusals.due(
            self.now(), everything=everything
        ):
            facts: dict[str, Fact] = {"count": tally.count, "until": tally.until.isoformat()}
            said = Entry(facts | ({"reason": reason} if reason else {}))
            self._queue(site, action, outcome, tally.since, said)

    def key_made(self, facts: Mapping[str, Fact]) -> None:
        """Queue an entry about keys of ours that were made beside no other change."""
        said = Entry(dict(facts))
        self._queue(SHARED, "key", "made", self.now(), said, purpose=ADMINISTRATION)

    async def run(self) -> None:
        """Tell what was counted, each minute, until cancelled."""
        while True:
            await asyncio.sleep(_TALLY_S)
            self.tell_refusals()

    def _queue(  # each argument is a column
        self,
        site: str,
        action: str,
        outcome: str,
        at: datetime,
        said: Entry,
        *,
        purpose: str = TREATMENT,
    ) -> None:
        self.writer.audit(
            self._made(
                site=site, action=action, outcome=outcome, at=at, said=said, purpose=purpose
            )
        )

    def _made(
        self, *, site: str, action: str, outcome: str, at: datetime, said: Entry, purpose: str
    ) -> dict[str, object]:
        identity = new_entry_id()
        patient = None
        if said.patient:
            place = f"audit|patient|{identity}|{site}"
            patient = self.writer.database.seal(said.patient.encode(), place=place)
        return entry(
            id=identity,
            site=site,
            action=action,
            outcome=outcome,
            at=at,
            facts=said.facts,
            actor=said.actor,
            patient=patient,
            purpose=purpose,
            trace=_trace_id(),
            brief=said.brief,
        )


def _trace_id() -> str:
    context = trace.get_current_span().get_span_context()
    return trace.format_trace_id(context.trace_id) if context.is_valid else ""
