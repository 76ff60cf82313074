"""A filed note is taken back with the sign-in of the person who asks for it."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Protocol

from cds_service.domain.errors import Conflict
from cds_service.domain.note import note_identifier
from cds_service.domain.session import LaunchSession
from cds_service.fhir.client import FhirServer
from cds_service.sites import Site
from cds_service.smart.scopes import grants
from cds_service.storage.reviews import StoredApproval
from cds_service.writeback.file import Tokens
from cds_service.writeback.verdict import sentence
from cds_service.writeback.withdraw import TakeBack


class Filed(Protocol):
    """A brief whose note is in the chart, for one person."""

    @property
    def site(self) -> Site:
        """Return its site."""

    @property
    def session(self) -> LaunchSession:
        """Return the person's sign-in."""

    @property
    def approval(self) -> StoredApproval | None:
        """Return what was approved, and where it is."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Withdraw:
    """Takes notes back. One for each process."""

    server_of: Callable[[Site], FhirServer]
    tokens_of: Callable[[Site, str], Tokens] = field(repr=False)
    clock: Callable[[], float]

    async def __call__(self, filed: Filed) -> None:
        """Take the note back. Raises `Conflict` with a sentence where it stays in the chart."""
        held, rules = filed.approval, filed.site.profile.note
        if held is None or not held.filing.location:
            raise Conflict("Nothing of this brief is known to be in the chart.")
        scope = " ".join(sorted(filed.session.scopes))
        if not rules.withdraw:
            why = "no_withdrawal"
        elif grants(scope, "DocumentReference", "u") == []:
            why = "no_update_scope"
        else:
            take_back = TakeBack(
                server=self.server_of(filed.site),
                rules=rules,
                tokens=self.tokens_of(filed.site, filed.session.id),
                clock=self.clock,
            )
            identifier = note_identifier(held.filing.brief, held.note)
            why = await take_back(held.filing.location, identifier)
        if why:
            raise Conflict(f"The note is still in the chart. {sentence(why, rules)}")
