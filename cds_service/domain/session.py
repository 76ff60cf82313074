"""Who opened the app, and for what: the facts of one SMART EHR launch, without its tokens."""

from dataclasses import dataclass, field
from datetime import datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Clinician:
    """The person who signed in at the EHR, proven by a verified id_token."""

    fhir_user: str
    """`Type/id` on the site's FHIR server, e.g. `Practitioner/p1`."""
    name: str = field(default="", repr=False)
    """For the page's head, where the EHR tells it."""
    roles: frozenset[str] = frozenset()
    """The codes of the person's PractitionerRole, where the site grants reading it."""
    may_approve: bool = False
    """Whether the site's `[smart] approvers` name this person by type, role or id, as it stood at sign-in."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LaunchSession:
    """One launch of the app: one person, one patient, one visit. Only `smart/` makes one.

    Several stand side by side in one browser; nothing of one is seen by another. The access token lies sealed
    in storage and is fetched when it is needed.
    """

    id: str = field(repr=False)
    site: str
    clinician: Clinician
    patient: str = field(repr=False)
    """Logical id on the site's FHIR server."""
    encounter: str | None = field(repr=False)
    brief: str | None
    """The brief that this launch may see, or None while there is none for this visit."""
    of_other_visit: bool = False
    """Whether the brief was prepared for another visit than the one it was opened from, as far as the EHR tells."""
    scopes: frozenset[str]
    """Granted, not asked for."""
    started: datetime
    seen: datetime
    """The last request; idle log-off counts from here."""
    ends: datetime
    """When the person has to sign in again, however busy."""
    csrf: str = field(repr=False)
    """What a form of this session must carry."""
