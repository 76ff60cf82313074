"""Reads a filed note back and compares it with what was approved."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from cds_service.domain.filing import ApprovedBrief, Receipt
from cds_service.domain.json import JsonObject
from cds_service.fhir.client import FhirServer
from cds_service.vendors.profile import Profile
from cds_service.writeback.compare import compare
from cds_service.writeback.file import Tokens
from cds_service.writeback.find import Found, find_note, with_text

_OK = 200
_GONE = frozenset({404, 410})
_REFUSED = {401: "token", 403: "cannot_read_back"}
_PAUSES_S = (0.2, 1.0, 5.0)
"""A server may show what it stored a moment later."""
_READ_S = 20.0


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadBack:
    """Reads one note back."""

    approved: ApprovedBrief
    server: FhirServer = field(repr=False)
    profile: Profile
    tokens: Tokens = field(repr=False)
    now: Callable[[], datetime]
    clock: Callable[[], float]
    sleep: Callable[[float], Awaitable[None]]

    async def __call__(self, location: str, *, search: bool) -> Receipt | str:
        """Return the receipt, or the code of why there is none; `not_shown` may pass.

        `search` asks for the note by search as well: to see that there is one alone, and that it is found.
        """
        token = await self.tokens.token()
        stored = "token" if token is None else await self._read(location, token)
        if stored == "token" and token is not None:
            token = await self.tokens.renew(token)
            stored = "token" if token is None else await self._read(location, token)
        if isinstance(stored, str) or token is None:
            return str(stored)
        found = await self._search(token) if search else None
        if found is not None and found.state == "several":
            return "several"
        return Receipt(
            identifier=self.approved.identifier,
            location=location,
            read_at=self.now(),
            differences=compare(self.approved.document, stored, self.profile.note),
            is_searchable=found is not None and found.location == location,
        )

    async def _read(self, location: str, token: str) -> JsonObject | str:
        """Return the note as the chart holds it, or the code of why it could not be read."""
        url = f"{self.server.base_url}/{location}"
        for pause in (*_PAUSES_S, None):
            deadline = self.clock() + _READ_S
            answer = await self.server.get(url, token=token, deadline=deadline)
            if answer.status == _OK and isinstance(answer.body, dict):
                return await with_text(self.server, answer.body, token, deadline)
            if answer.status in _REFUSED:
                return _REFUSED[answer.status]
            if pause is None:
                return "gone" if answer.status in _GONE else "not_shown"
            await self.sleep(pause)
        raise AssertionError("unreachable")

    async def _search(self, token: str) -> Found:
        return await find_note(
            self.server,
            self.approved,
            profile=self.profile,
            token=token,
            since=self.approved.at - timedelta(minutes=5),
            deadline=self.clock() + _READ_S,
        )
