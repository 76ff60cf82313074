"""Takes a filed note back: marks it `entered-in-error` in the chart, and believes only what the chart then says.

An update says the same however often it is sent, so that a lost answer is settled by reading and sending again.
"""

from collections.abc import Callable
from dataclasses import dataclass, field

from cds_service.domain.json import JsonObject
from cds_service.fhir.client import FhirServer
from cds_service.fhir.create import update
from cds_service.fhir.elements import code, obj
from cds_service.vendors.profile import NoteRules
from cds_service.writeback.compare import holds
from cds_service.writeback.file import Tokens
from cds_service.writeback.find import with_text
from cds_service.writeback.verdict import judge, reason

ERROR = "entered-in-error"
_TRIES = 3
_OK = 200
_GONE = 410
"""Says that a note was there and is no more. A 404 says neither: it may not show yet, or not to this person."""
_TIMEOUT_S = 20.0


@dataclass(frozen=True, slots=True, kw_only=True)
class TakeBack:
    """Takes one note back."""

    server: FhirServer = field(repr=False)
    rules: NoteRules
    tokens: Tokens = field(repr=False)
    clock: Callable[[], float]

    async def __call__(self, location: str, identifier: str) -> str:
        """Return "" once the chart says that the note is in error, or has it no more; else the code of why not."""
        token = await self.tokens.token()
        for left in range(_TRIES, -1, -1):
            if token is None:
                return "token"
            held = await self._read(location, token)
            if isinstance(held, str):
                return "" if held == "gone" else held
            if code(held, "status") == ERROR:
                return ""
            if not holds(await with_text(self.server, held, token, self._deadline()), identifier):
                return "another_note"
            if not left:
                break
            refusal, token = await self._update(held, token)
            if refusal:
                return refusal
        return "not_withdrawn"

    async def _read(self, location: str, token: str) -> JsonObject | str:
        url = f"{self.server.base_url}/{location}"
        answer = await self.server.get(url, token=token, deadline=self._deadline())
        if answer.status == _OK and isinstance(answer.body, dict):
            return answer.body
        return "gone" if answer.status == _GONE else "cannot_read_back"

    async def _update(self, held: JsonObject, token: str) -> tuple[str, str | None]:
        """Send the update once; this will return the code of a refusal, and the token to go on with.

        Whatever else is answered is left to the next reading: it may be lost, or promise too much.
        """
        posted = await update(
            self.server,
            {**held, "status": ERROR},
            token=token,
            timeout_s=_TIMEOUT_S,
            if_match=code(obj(held, "meta"), "versionId"),
        )
        verdict = judge(posted)
        if verdict == "token":
            return "", await self.tokens.renew(token)
        if verdict == "refused":
            return reason(posted, self.rules), token
        return "", token

    def _deadline(self) -> float:
        return self.clock() + _TIMEOUT_S
