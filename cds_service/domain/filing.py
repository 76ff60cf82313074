"""What becomes of an approved note: from the hash of what was on screen to the receipt."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal

from cds_service.domain.json import JsonObject

FilingState = Literal[
    "intended",  # the row is there, nothing was sent
    "sending",  # a request may be under way, or its answer is lost: `in_doubt` says since when
    "waiting",  # nothing is under way; the clinician opens the app again and lends a token
    "filed",  # the server told or a search found where it is
    "verified",  # read back and equal to what was approved, as far as the vendor keeps it
    "differs",  # read back, and something that matters is not as approved
    "unknown",  # whether it is in the chart could not be found out: a person looks
    "failed",  # the server refused it; nothing was stored
    "withdrawn",  # marked entered-in-error, or given up before it was sent
]
"""The states of a row of the ledger of writes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ApprovedBrief:
    """A note that a person approved, byte for byte. Only `review/` makes one."""

    id: str
    """Of the approval."""
    site: str
    brief: str
    revision: int
    identifier: str
    """The stable identifier under which the note is filed."""
    patient: str = field(repr=False)
    encounter: str | None = field(repr=False)
    document: JsonObject = field(repr=False)
    """The DocumentReference as it was shown and as it is sent."""
    sources: tuple[str, ...] = field(default=(), repr=False)
    """What the kept lines cite, as `Type/id`."""
    digest: str
    """Hash of note, sources and versions as they stood on the screen."""
    approver: str
    """`Practitioner/<id>`."""
    session: str
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Filing:
    """One row of the ledger of writes: how far the filing of one approved note got."""

    id: str
    """Of its approval."""
    site: str
    brief: str
    state: FilingState
    attempts: int = 0
    first_sent: datetime | None = None
    in_doubt: datetime | None = None
    """When a request left whose answer is not known; None while nothing can be under way."""
    told_stored: bool = False
    """The server said that it stored the note, and not where: it is never sent again on a mere search."""
    location: str = ""
    reason: str = ""
    """Code of what stopped it (`writeback/verdict.py` has the sentences)."""

    @property
    def may_be_there(self) -> bool:
        """Return whether the note is in the chart, or may be: where it is, is known, or an answer is lost."""
        return bool(self.location) or self.in_doubt is not None


@dataclass(frozen=True, slots=True)
class Difference:
    """One element that is not as it was sent. Names only: no word of a chart."""

    element: str
    expected: bool
    """Whether this vendor's rendering explains it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Receipt:
    """Proof that the note is in the chart: read back and compared. Only `writeback/` makes one."""

    identifier: str
    location: str
    """`DocumentReference/<id>`."""
    read_at: datetime
    differences: tuple[Difference, ...] = ()
    is_searchable: bool = False
    """Whether the site's search found it: from then on that search proves absence, too."""

    @property
    def is_as_approved(self) -> bool:
        """Return whether whatever differs is explained by the vendor's rendering."""
        return all(each.expected for each in self.differences)
