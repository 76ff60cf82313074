"""What an EHR sends: the call before anything of it is believed, and the request once it is read."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import datetime

from cds_service.domain.json import EMPTY, JsonObject
from cds_service.domain.prefetch import Prefetch


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """One HTTP request as it arrived: nothing in it has been verified."""

    site: str
    service_id: str
    url: str
    """The address called, below our configured public URL; never taken from the `Host` header."""
    bearer: str = field(repr=False)
    body: Callable[[], Awaitable[bytes]] = field(repr=False)
    """Reads the body: nothing of it is read before the token has been verified."""
    received: datetime
    deadline: float
    """On the event loop's clock: when the answer has to leave."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Caller:
    """An EHR that proved who it is. Only `verify/` makes one."""

    site: str
    issuer: str
    tenant: str | None
    jti: str
    client_id: str | None
    """Our client id at that EHR, when the site file gives one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FhirAuthorization:
    """The token that a hook call lends us: used inside this request, never kept or shown."""

    access_token: str = field(repr=False)
    expires_in: int
    scope: str
    subject: str
    patient: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class HookRequest:
    """A hook call, read leniently: CDS Hooks 1.0 to 2.0.1 habits all end up here."""

    hook: str
    hook_instance: str
    patient_id: str
    encounter_id: str | None
    user: str
    """`Type/id` as sent, or empty."""
    fhir_server: str | None
    authorization: FhirAuthorization | None = field(repr=False)
    context: JsonObject = field(repr=False)
    prefetch: Prefetch = field(repr=False)
    extension: JsonObject = field(repr=False, default_factory=lambda: EMPTY)
