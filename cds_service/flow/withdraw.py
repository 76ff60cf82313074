"""Filed notes are taken back with the sign-in of the person who asks for it."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from cds_service.domain.note import note_identifier
from cds_service.domain.session import LaunchSession
from cds_service.fhir.client import FhirServer
from cds_service.sites import Site
from cds_service.smart.scopes import grants
from cds_service.storage.reviews import StoredApproval
from cds_service.writeback.file import Tokens
from cds_service.writeback.withdraw import TakeBack


class Asked(Protocol):
    """Who asks for it, and where."""

    @property
    def site(self) -> Site:
        """Return the site."""

    @property
    def session(self) -> LaunchSession:
        """Return the person's sign-in."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Withdraw:
    """Takes notes back. One for each process."""

    server_of: Callable[[Site], FhirServer]
    tokens_of: Callable[[Site, str], Tokens] = field(repr=False)
    clock: Callable[[], float]

    async def __call__(self, asked: Asked, notes: Sequence[StoredApproval]) -> str:
        """Take notes back in this order; this will return the code of why one still stands, or "".

        The oldest comes first: where it ends half way, what stands is the correction and not what it corrected.
        """
        rules = asked.site.profile.note
        scope = " ".join(sorted(asked.session.scopes))
        if not rules.withdraw:
            return "no_withdrawal"
        if grants(scope, "DocumentReference", "u") == []:
            return "no_update_scope"
        take_back = TakeBack(
            server=self.server_of(asked.site),
            rules=rules,
            tokens=self.tokens_of(asked.site, asked.session.id),
            clock=self.clock,
        )
        for note in notes:
            identifier = note_identifier(note.filing.brief, note.note)
            if why := await take_back(note.filing.location, identifier):
                return why
        return ""
