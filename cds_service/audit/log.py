"""Audit entries: opened before a flow's first step, closed whatever happens, written off the request path."""

from base64 import b64encode
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime

from cds_service.domain.call import Call
from cds_service.domain.errors import CdsError
from cds_service.storage import Writer

_MAX_SERVICE = 63
Fact = str | int | float | bool


@dataclass(slots=True)
class Entry:
    """What one call is known by. Facts are ids, counts and codes: never chart content."""

    facts: dict[str, Fact] = field(default_factory=dict)

    def note(self, **facts: Fact | None) -> None:
        """Add facts; one that is None is left out."""
        self.facts |= {name: value for name, value in facts.items() if value is not None}


@dataclass(frozen=True, slots=True, kw_only=True)
class Audit:
    """Opens entries and hands them to storage. One for each process."""

    writer: Writer
    now: Callable[[], datetime]

    def sealed(self, value: str, *, site: str) -> str:
        """Return a value that only who holds the key ring can read: whose chart it was."""
        seal = self.writer.database.seal
        return b64encode(seal(value.encode(), place=f"audit|patient|{site}")).decode()

    @asynccontextmanager
    async def entry(self, action: str, call: Call) -> AsyncIterator[Entry]:
        """Keep one entry for what happens inside: `ok`, or the code of the error that stopped it."""
        entry, outcome = Entry(), "crashed"
        entry.note(service=call.service_id[:_MAX_SERVICE])
        try:
            yield entry
            outcome = "ok"
        except CdsError as stop:
            outcome = stop.code
            entry.note(reason=stop.detail or None)
            raise
        finally:
            took = (self.now() - call.received).total_seconds() * 1000
            entry.note(took_ms=round(took, 1))
            self.writer.audit(
                site=call.site, action=action, outcome=outcome, at=call.received, facts=entry.facts
            )
