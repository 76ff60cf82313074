"""Files one approved note exactly once, whatever the server, the network and our own processes do.

The rules that make it so:

* the row says `in_doubt` before a request leaves, and is cleared only by an answer that settles it;
* whoever is about to send changes the row as it was read, so that of two at work only one sends;
* while it is in doubt nothing is sent: the chart is searched, again and again, for longer than the server can
  still be working on the request, and only a conclusive "not there" allows another request;
* absence is believed only of a search that has found a note of ours at this site before: a vendor's search may
  leave out what we write;
* `If-None-Exist` goes along where the server honours it, and nothing rests on it: some servers race;
* 4xx is an answer. Nothing refused is sent again.

Sources: FHIR R4 3.1.0.8.1 (conditional create); none of the large EHRs honours it.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import chain, repeat
from typing import Protocol

from cds_service.domain.filing import ApprovedBrief, Filing
from cds_service.fhir.client import FhirServer
from cds_service.fhir.create import Posted, create
from cds_service.fhir.note import IDENTIFIER_SYSTEM
from cds_service.vendors.profile import Profile
from cds_service.writeback.find import Found, find_note
from cds_service.writeback.verdict import judge, reason

MAX_ATTEMPTS = 4
_OPEN = frozenset({"intended", "waiting", "sending"})
_PATIENCE = 1.5
"""We wait that much longer than the server may still be working."""
_POLLS = (0.05, 0.1, 0.2, 0.3)
"""Parts of that wait between one search and the next; the last one repeats."""
_BACK_OFF_S = (0.5, 2.0, 5.0)
_LONGEST_PAUSE_S = 60.0
_SKEW = timedelta(minutes=5)
_SEARCH_S = 20.0


class Overtaken(Exception):
    """Somebody else moved the row of the ledger: a process that was thought dead, or a person."""


class Tokens(Protocol):
    """The access token of the person who approved."""

    async def token(self) -> str | None:
        """Return it; None when the sign-in has ended."""

    async def renew(self, stale: str) -> str | None:
        """Return another one after a 401; None when there is none to be had."""


class Book(Protocol):
    """The row of the ledger. Each change is committed, with its audit entry, before it returns."""

    async def read(self) -> Filing:
        """Return the row as it stands."""

    async def change(self, row: Filing, state: str, **values: object) -> Filing:
        """Change the row, the brief's state with it, and return it.

        Raises `Overtaken`, and changes nothing, when it is no longer as it was read.
        """


@dataclass(frozen=True, slots=True, kw_only=True)
class Filer:
    """Files one note."""

    approved: ApprovedBrief
    server: FhirServer = field(repr=False)
    profile: Profile
    conditional: bool
    """Whether the server honours `If-None-Exist`."""
    searchable: bool
    """Whether this site's search has ever found a note of ours."""
    book: Book
    tokens: Tokens = field(repr=False)
    now: Callable[[], datetime]
    clock: Callable[[], float]
    sleep: Callable[[float], Awaitable[None]]
    post_timeout_s: float = 30.0

    async def __call__(self) -> Filing:
        """Send until the row says `filed`, `waiting`, `unknown` or `failed`; this will return it."""
        row = await self.book.read()
        token = await self.tokens.token()
        while row.state in _OPEN:
            try:
                if token is None:
                    return await self.book.change(row, "waiting", reason="token")
                row, token = await self._once(row, token)
            except Overtaken:
                row = await self.book.read()
        return row

    async def _once(self, row: Filing, token: str) -> tuple[Filing, str | None]:
        """Look, then send at most one request; this will return the row and the token to go on with."""
        found = await self._look(row, token)
        if found.state == "token":
            return row, await self.tokens.renew(token)
        if found.state != "none":
            return await self._looked(row, found), token
        if row.told_stored:
            return await self.book.change(row, "unknown", reason="gone"), token
        if row.in_doubt is not None and not (self.searchable or self.conditional):
            return await self.book.change(row, "unknown", reason="no_answer"), token
        if row.attempts >= MAX_ATTEMPTS:
            why = row.reason if row.reason in {"not_reached", "throttled"} else "gave_up"
            return await self.book.change(row, "failed", reason=why, in_doubt=None), token
        now = self.now()
        row = await self.book.change(
            row,
            "sending",
            in_doubt=now,
            first_sent=row.first_sent or now,
            attempts=row.attempts + 1,
        )
        return await self._answered(row, await self._post(token), token)

    async def _post(self, token: str) -> Posted:
        search = f"identifier={IDENTIFIER_SYSTEM}|{self.approved.identifier}"
        return await create(
            self.server,
            self.approved.document,
            token=token,
            timeout_s=self.post_timeout_s,
            if_none_exist=search if self.conditional else "",
        )

    async def _answered(
        self, row: Filing, posted: Posted, token: str
    ) -> tuple[Filing, str | None]:
        change = self.book.change
        match judge(posted):
            case "filed":
                filed = await change(
                    row, "filed", location=posted.location, in_doubt=None, reason=""
                )
                return filed, token
            case "refused":
                why = reason(posted, self.profile.note)
                return await change(row, "failed", reason=why, in_doubt=None), token
            case "token":
                row = await change(row, "sending", in_doubt=None, attempts=row.attempts - 1)
                return row, await self.tokens.renew(token)
            case "not_sent":
                row = await change(row, "sending", in_doubt=None, reason="not_reached")
                await self._pause(row, None)
            case "later":
                row = await change(row, "sending", in_doubt=None, reason="throttled")
                await self._pause(row, posted.retry_after)
            case "look":
                told = 200 <= posted.status < 300  # noqa: PLR2004
                row = await change(row, "sending", told_stored=told, reason="no_answer")
        return row, token

    async def _pause(self, row: Filing, asked: float | None) -> None:
        usual = _BACK_OFF_S[min(row.attempts, len(_BACK_OFF_S)) - 1]
        await self.sleep(min(usual if asked is None else asked, _LONGEST_PAUSE_S))

    async def _look(self, row: Filing, token: str) -> Found:
        """Search as often and as long as the row asks for: not at all where nothing can be there."""
        if row.in_doubt is None:
            return await self._look_for_card_draft(row, token)
        quarantine = self.profile.note.server_timeout_s * _PATIENCE
        over = row.in_doubt + timedelta(seconds=quarantine)
        for part in chain(_POLLS, repeat(_POLLS[-1])):
            left = (over - self.now()).total_seconds()
            found = await self._search(row, token)
            if left <= 0 or found.state in {"found", "several", "token", "denied"}:
                return found
            await self.sleep(min(part * quarantine, left))
        raise AssertionError("unreachable")

    async def _look_for_card_draft(self, row: Filing, token: str) -> Found:
        """Look once whether the draft that a card offered was accepted: it is the same note."""
        if row.attempts or not self.profile.card.draft_note:
            return Found(state="none")
        found = await self._search(row, token)
        for pause in _BACK_OFF_S:
            if found.state != "unclear":
                break
            await self.sleep(pause)
            found = await self._search(row, token)
        is_blind = found.state == "denied" and self.conditional
        return Found(state="none") if is_blind else found

    async def _search(self, row: Filing, token: str) -> Found:
        return await find_note(
            self.server,
            self.approved,
            profile=self.profile,
            token=token,
            since=(row.first_sent or self.approved.at) - _SKEW,
            deadline=self.clock() + _SEARCH_S,
        )

    async def _looked(self, row: Filing, found: Found) -> Filing:
        """Settle what a search settled: it is there, or a person has to look."""
        change = self.book.change
        if found.state == "found":
            return await change(row, "filed", location=found.location, in_doubt=None, reason="")
        if found.state == "several":
            return await change(row, "unknown", reason="several")
        if row.in_doubt is None:
            return await change(row, "failed", reason="cannot_search")
        why = "cannot_search" if found.state == "denied" else "no_answer"
        return await change(row, "unknown", reason=why)
