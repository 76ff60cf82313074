"""The ledger: every resource that a brief may cite, and every search with its completeness.

Absent, null, empty, failed and paged are five different answers to a query; the ledger keeps which.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from typing import Literal
from zoneinfo import ZoneInfo

import msgspec
from typing_extensions import override

from cds_service.domain.json import JsonObject
from cds_service.domain.needs import NeedName
from cds_service.domain.tables import Tables

Source = Literal["prefetch", "read", "context", "bundle"]

SearchState = Literal[
    "complete",  # all of it was read; `found` may be 0, and then it is an answer
    "partial",  # some of it was read: more pages, a cut, or a warning from the server
    "failed",  # the server answered with an error or an OperationOutcome
    "denied",  # 401, 403 or a missing scope
    "timeout",  # the budget ended first
    "no_access",  # not sent to us, and we have no access to ask
    "unavailable",  # this vendor or site cannot be asked
    "withheld",  # hidden by policy
    "bundle",  # a Bundle is what it holds: what it lacks is not known to be absent
]

GapReason = Literal[
    "not_requested",  # nobody asked: not sent, and no access to ask
    "partial",
    "failed",
    "denied",
    "timeout",
    "unavailable",
    "withheld",
    "other_patient",  # resources of another patient were dropped
    "unusable",  # resources without identity, or that could not be read
    "not_given",  # the EHR knows it and did not say: why a visit is being booked
    "unresolved",  # a reference that leads nowhere, or to more than one resource
]

Truth = Literal["yes", "none", "unknown"]
"""Three-valued: there is some; there is none, on evidence; we do not know."""


class Evidence(msgspec.Struct, frozen=True, kw_only=True):
    """One resource that was really returned for this patient: a struct, because a record has thousands."""

    ref: str
    """`Type/id`."""
    resource: JsonObject
    version: str
    """`meta.versionId`, or a hash of the content where the server keeps none."""
    source: Source
    need: NeedName | None
    """The need whose query brought it first; None when it came in a Bundle."""
    at: datetime

    @override
    def __repr__(self) -> str:
        """Show nothing of what it holds."""
        return f"Evidence({self.ref}, {self.version}, {self.source})"


@dataclass(frozen=True, slots=True, kw_only=True)
class Search:
    """One query of a need and how far it got."""

    need: NeedName
    key: str
    state: SearchState
    found: int = 0
    source: Source
    at: datetime
    code: str = ""
    """A status or issue code (`429`, `4101`, `forbidden`): never a server's prose."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Gap:
    """What a reader of the brief must know is not in it."""

    need: str
    reason: GapReason
    count: int = 0


@dataclass(frozen=True, kw_only=True)
class Ledger:
    """All evidence of one patient by `Type/id`, all searches, and what was dropped."""

    patient: str
    evidence: Mapping[str, Evidence] = field(repr=False)
    base_url: str = ""
    """Where absolute references lead here; those to other servers lead nowhere."""
    searches: tuple[Search, ...] = ()
    dropped: tuple[Gap, ...] = ()

    @cached_property
    def _by_type(self) -> Mapping[str, tuple[Evidence, ...]]:
        found: dict[str, list[Evidence]] = {}
        for item in self.evidence.values():
            found.setdefault(item.ref.partition("/")[0], []).append(item)
        return {kind: tuple(items) for kind, items in found.items()}

    @cached_property
    def _states(self) -> Mapping[str, frozenset[SearchState]]:
        found: dict[str, set[SearchState]] = {}
        for search in self.searches:
            found.setdefault(search.need, set()).add(search.state)
        return {need: frozenset(states) for need, states in found.items()}

    def of_type(self, resource_type: str) -> tuple[Evidence, ...]:
        """Return the evidence of one resource type, in the order in which it was found."""
        return self._by_type.get(resource_type, ())

    def get(self, reference: str) -> Evidence | None:
        """Return what a reference leads to: `Type/id`, or absolute on this record's own server; or None."""
        local = reference.partition("/_history/")[0]
        if self.base_url:
            local = local.removeprefix(f"{self.base_url}/")
        return self.evidence.get(local)

    def states(self, need: NeedName) -> frozenset[SearchState]:
        """Return how the queries of a need ended; empty when it was never part of this service."""
        return self._states.get(need, frozenset())

    def is_complete(self, need: NeedName) -> bool:
        """Return whether every query of this need was answered in full."""
        return self.states(need) == {"complete"}

    def gaps(self) -> Iterator[Gap]:
        """Yield one gap for each need that is not complete, then what was dropped."""
        seen: set[tuple[str, GapReason]] = set()
        for search in self.searches:
            reason = _REASONS.get(search.state)
            if reason and (search.need, reason) not in seen:
                seen.add((search.need, reason))
                yield Gap(need=search.need, reason=reason)
        yield from self.dropped


_REASONS: Mapping[SearchState, GapReason] = {
    "partial": "partial",
    "failed": "failed",
    "denied": "denied",
    "timeout": "timeout",
    "no_access": "not_requested",
    "unavailable": "unavailable",
}
"""What is withheld is told once for the whole record: which search lost something would tell its kind."""
SEARCH_GAPS: frozenset[GapReason] = frozenset(_REASONS.values())
"""Gaps of a need that was not read, or not whole; the others count what was dropped of it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Context:
    """One patient's gathered record at one moment. Only `context/` makes one."""

    site: str
    hook: str
    patient: str
    """The bare id; `Patient/<id>` is in the ledger."""
    encounter: str | None
    now: datetime
    zone: ZoneInfo
    """The site's: "today" and shown local dates follow it."""
    tables: Tables = field(repr=False)
    """The site's: windows, limits and lists of the rules."""
    ledger: Ledger
    proposed: tuple[JsonObject, ...] = field(default=(), repr=False)
    """Appointments that are being booked (`appointment-book`): drafts that exist nowhere else."""
