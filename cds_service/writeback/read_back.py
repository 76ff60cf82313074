"""Reads a filed note back and compares it with what was approved."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from cds_service.domain.filing import ApprovedBrief, Receipt
from cds_service.fhir.client import FhirServer
from cds_service.vendors.profile import Profile
from cds_service.writeback.compare import attachment_url, compare
from cds_service.writeback.file import Tokens
from cds_service.writeback.find import find_note, with_text

_OK = 200
_GONE = frozenset({404, 410})
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

    async def __call__(self, location: str, *, alone: bool) -> Receipt | str:
        """Return the receipt, or the code of why there is none.

        `alone` is whether only one request ever left; otherwise the chart is searched for a second note.
        """
        token = await self.tokens.token()
        if token is None:
            return "token"
        receipt = await self._read(location, token)
        if receipt == "token":
            token = await self.tokens.renew(token)
            receipt = await self._read(location, token) if token else "token"
        if isinstance(receipt, Receipt) and not alone and token:
            found = await self._search(token)
            return "several" if found == "several" else receipt
        return receipt

    async def _read(self, location: str, token: str) -> Receipt | str:
        for pause in (*_PAUSES_S, None):
            answer = await self.server.get(
                f"{self.server.base_url}/{location}", token=token, deadline=self.clock() + _READ_S
            )
            if answer.status == _OK and isinstance(answer.body, dict):
                return await self._compared(location, answer.body, token)
            if answer.status in {401, 403}:
                return "token" if answer.status == 401 else "cannot_read_back"  # noqa: PLR2004
            if pause is None:
                return "gone" if answer.status in _GONE else "cannot_read_back"
            await self.sleep(pause)
        raise AssertionError("unreachable")

    async def _compared(self, location: str, stored: dict[str, object], token: str) -> Receipt:
        if attachment_url(stored):
            deadline = self.clock() + _READ_S
            stored = {**stored, **await with_text(self.server, stored, token, deadline)}
        return Receipt(
            identifier=self.approved.identifier,
            location=location,
            read_at=self.now(),
            differences=compare(self.approved.document, stored, self.profile.note),
        )

    async def _search(self, token: str) -> str:
        found = await find_note(
            self.server,
            self.approved,
            profile=self.profile,
            token=token,
            since=self.approved.at - timedelta(minutes=5),
            deadline=self.clock() + _READ_S,
        )
        return found.state
