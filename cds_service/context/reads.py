"""Runs queries against a site's FHIR server: at once, page by page, on its base only, until the deadline."""

import asyncio
from dataclasses import dataclass, field
from datetime import datetime
from http import HTTPStatus
from typing import Literal

from cds_service.context.access import Access
from cds_service.context.ledger import Collected
from cds_service.context.results import Results, told_code, unpack
from cds_service.domain.evidence import SearchState, Source
from cds_service.fhir.client import Answer, FhirServer
from cds_service.vendors import Profile, Query


@dataclass(slots=True, kw_only=True)
class Reading:
    """One query under way: pages are kept as they come, so that a deadline loses only what was not read."""

    query: Query
    source: Source
    path: str | None
    pages: list[Results] = field(default_factory=list)
    ended: SearchState = "timeout"
    code: str = ""
    at: datetime
    max_pages: int = 0
    """Pages to read at most; 0: as many as the profile allows inside a hook call."""
    wait: float = 0.0
    """Seconds for which the server wants to be left alone, as it said to this query."""

    @property
    def codes(self) -> frozenset[str]:
        """Return what the server said of it, of the whole and of each page."""
        return frozenset({self.code, *(page.code for page in self.pages)})

    def collected(self) -> Collected:
        """Return what this query brought and how far it got."""
        states = {page.state for page in self.pages} - {"complete"}
        found = tuple(r for page in self.pages for r in page.resources)
        state = self.ended if self.ended != "complete" or not states else min(states)
        if (
            state == "complete"
            and self.pages
            and self.pages[0].total > sum(page.matches for page in self.pages)
        ):
            state = "partial"  # the server found more than it sent
        if found and state in {"timeout", "failed", "denied"}:
            state = "partial"
        return Collected(
            query=self.query,
            source=self.source,
            state=state,
            resources=found,
            unusable=sum(page.unusable for page in self.pages),
            code=self.code or next((p.code for p in self.pages if p.code), ""),
            at=self.at,
        )


async def read_all(
    readings: list[Reading], server: FhirServer, granted: Access, profile: Profile, deadline: float
) -> None:
    """Run the reads at once until all are back or the deadline has come."""
    loop = asyncio.get_running_loop()
    tasks = [loop.create_task(_read(r, server, granted, profile, deadline)) for r in readings]
    if not tasks:
        return
    try:
        await asyncio.wait(tasks, timeout=max(0.0, deadline - loop.time()))
    finally:  # also when this call is cancelled: no read outlives it
        for task in tasks:
            task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    for task in tasks:
        if not task.cancelled():
            task.result()


async def _read(
    reading: Reading, server: FhirServer, granted: Access, profile: Profile, deadline: float
) -> None:
    """Read one query, page by page, on this server's base only."""
    verb: Literal["r", "s"] = "r" if reading.query.read else "s"
    if not granted.covers(reading.query.type, profile, verb=verb):
        reading.ended, reading.code = "denied", "scope"
        return
    reading.ended, reading.code = await _pages(reading, server, granted, profile, deadline)
    if (
        verb == "s"
        and reading.ended == "complete"
        and not granted.covers_all(reading.query, profile)
    ):
        reading.ended, reading.code = "partial", "scope"


async def _pages(
    reading: Reading, server: FhirServer, granted: Access, profile: Profile, deadline: float
) -> tuple[SearchState, str]:
    """Read pages into the reading; return how it ended. A cancelled read stays a time-out."""
    path = reading.path
    for _ in range((reading.max_pages or profile.search.max_pages) - len(reading.pages)):
        url = server.on_base(path) if path else None
        if url is None:
            return ("partial", "foreign_next") if path else ("complete", "")
        answer = await server.get(url, token=granted.token, deadline=deadline)
        page = _page(answer, reading.query, profile)
        reading.wait = answer.wait
        if page is None:
            return _failure(answer, reading.query, profile)
        reading.pages.append(page)
        path = page.next
    return ("partial", "more_pages") if path else ("complete", "")


def _page(answer: Answer, query: Query, profile: Profile) -> Results | None:
    """Read a body; an error status still counts when the vendor means "nothing found" by it."""
    page = unpack(answer.body, query, profile) if isinstance(answer.body, dict) else None
    told_empty = page is not None and page.state == "complete" and page.code != ""
    return page if answer.status == HTTPStatus.OK or told_empty else None


def _failure(answer: Answer, query: Query, profile: Profile) -> tuple[SearchState, str]:
    """Say why an answer is none; a vendor's code for "not for you" counts at any status."""
    if answer.fault == "timeout":
        return "timeout", ""
    if named := told_code(answer.body, profile):
        return "failed", named
    told = unpack(answer.body, query, profile) if isinstance(answer.body, dict) else None
    if told is not None and told.state == "denied":
        return "denied", told.code
    if answer.status in {401, 403}:
        return "denied", str(answer.status)
    if answer.status not in {0, HTTPStatus.OK}:
        return "failed", str(answer.status)
    return "failed", answer.fault or "not_fhir"
