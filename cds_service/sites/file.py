"""A site file, `<CDS_SITES>/<site>.toml`, as it may be written: every table and key, with its type and default.

A secret is referenced (`env:NAME`, `file:PATH`), never written in the file.
"""

import re
from ipaddress import IPv4Network, IPv6Network, ip_network
from pathlib import Path
from typing import Annotated, Any, Literal, Self
from urllib.parse import urlsplit

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    model_validator,
)

from cds_service.rulebook import Changes
from cds_service.sensitive import MoreCodes, Sensitive


def _is_url(value: str) -> str:
    parts = urlsplit(value)
    if parts.scheme not in {"https", "http"} or not parts.hostname or parts.username:
        msg = "give an absolute URL such as https://ehr.example.org/r4, without user name or password"
        raise ValueError(msg)
    if parts.query or parts.fragment:
        msg = "give the URL without a query or fragment"
        raise ValueError(msg)
    return value.rstrip("/")


def _is_secret(value: str) -> str:
    if not value.startswith(("env:", "file:")):
        msg = "a secret is never written here: use 'env:NAME' or 'file:PATH'"
        raise ValueError(msg)
    return value


def _is_replay(value: str) -> str:
    if not re.fullmatch(r"strict|off|window:[1-9][0-9]{0,3}", value):
        msg = "use 'strict', 'window:30' (seconds) or, at a test site, 'off'"
        raise ValueError(msg)
    return value


_WIDEST_PREFIX = 8


def _range(value: object) -> "Range":
    """Read an address range; one that allows nearly everything is refused."""
    try:
        found = ip_network(value) if isinstance(value, str) else None
    except ValueError:
        found = None
    if found is None or found.prefixlen < _WIDEST_PREFIX:
        msg = "name the EHR's own address range, such as 10.20.0.0/16"
        raise ValueError(msg)
    return found


Range = IPv4Network | IPv6Network
Url = Annotated[str, AfterValidator(_is_url)]
Secret = Annotated[str, AfterValidator(_is_secret)]
Algorithm = Literal["ES384", "RS384", "ES256", "RS256", "ES512", "RS512", "PS384"]


class _Table(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)


class Network(_Table):
    """How we reach this EHR: nothing is called that this file does not name."""

    allow: tuple[Annotated[Range, BeforeValidator(_range)], ...] = ()
    """Address ranges that are not public and may be called all the same."""
    servers: tuple[Url, ...] = ()
    """Where its other servers stand: an authorization server that is not below `fhir.base_url`'s origin."""
    ca_file: Path | None = None
    client_cert: Secret | None = None
    """One PEM with our certificate and its key."""
    proxy: Url | None = None
    """The proxy that every request goes through; it then resolves the names, and guards what they lead to."""


class Fhir(_Table):
    """The one FHIR server of this site."""

    base_url: Url


class Trust(_Table):
    """Who may call: an issuer and its key set, as a pair."""

    iss: str
    jwks_url: Url | None = None
    jwks_file: Path | None = None
    algorithms: tuple[Algorithm, ...] | None = None
    tenant: str | None = None
    client_id: str | None = None
    max_lifetime_s: Annotated[int, Field(ge=30, le=3600)] | None = None
    skew_s: Annotated[int, Field(ge=0, le=300)] | None = None
    replay: Annotated[str, AfterValidator(_is_replay)] = "strict"

    @model_validator(mode="after")
    def _has_one_key_set(self) -> Self:
        if (self.jwks_url is None) == (self.jwks_file is None):
            msg = "give exactly one of jwks_url and jwks_file"
            raise ValueError(msg)
        return self


class Backend(_Table):
    """Our SMART backend-services client at this EHR."""

    client_id: str
    scopes: tuple[str, ...] = ()
    """Asked for, in SMART v2 syntax; left out, what the needs of all services ask for."""
    token_url: Url | None = None
    """Where discovery does not tell it."""


class Prepare(_Table):
    """Work ahead of the visit."""

    poll: bool = False
    poll_every_minutes: Annotated[int, Field(ge=1, le=1440)] = 15
    locations: tuple[str, ...] = ()
    """Ids of the Locations whose schedules are polled, where the vendor's search is by location."""
    practitioners: tuple[str, ...] = ()
    """Ids of the Practitioners whose schedules are polled, where it is by practitioner."""
    look_ahead_days: Annotated[int, Field(ge=1, le=30)] = 3
    refresh: tuple[Literal["booking", "evening-before", "1h-before"], ...] = ()
    concurrency: Annotated[int, Field(ge=1, le=64)] = 4
    requests_per_second: Annotated[float, Field(gt=0, le=1000)] = 5


class Agent(_Table):
    """Whether a model may be asked."""

    enabled: bool = False
    note_text: bool = False


class Smart(_Table):
    """Our SMART app client at this EHR."""

    client_id: str
    scopes: tuple[str, ...] = ("launch", "openid", "fhirUser")
    client_auth: Literal["public", "secret", "private_key_jwt"] | None = None
    """How we prove ourselves; left out, by the secret where there is one, else not at all."""
    secret: Secret | None = None
    frame_ancestors: tuple[Url, ...] = ()
    """The EHR's origins that may show our pages in a frame."""
    approvers: tuple[str, ...] = ("Practitioner",)
    """Who may approve: a fhirUser's type, its `Type/id`, or a role code of its PractitionerRole."""
    idle_minutes: Annotated[int, Field(ge=1, le=240)] = 15
    """Signed out after so long without a request."""
    session_hours: Annotated[int, Field(ge=1, le=24)] = 8
    """Signed out after so long in any case."""

    @model_validator(mode="after")
    def _has_its_secret(self) -> Self:
        if self.client_auth is not None and (self.client_auth == "secret") != bool(self.secret):
            msg = 'client_auth = "secret" and secret go together'
            raise ValueError(msg)
        return self


class Write(_Table):
    """How an approved note gets into the chart."""

    route: Literal["fhir", "none"] = "none"
    doc_status: Literal["preliminary", "final", "amended"] | None = None
    approval_minutes: Annotated[int, Field(ge=1, le=24 * 60)] = 30
    """How long what stands on a page may be approved; then the page is loaded again."""
    beside: tuple[Literal["Provenance", "AuditEvent"], ...] = ()
    """What is stored in the EHR beside a filed note, where it takes that."""


class Cors(_Table):
    """Browser origins that may call us."""

    origins: tuple[Url, ...] = ()


class Policy(_Table):
    """Limits towards this EHR, and what is done with sensitive categories."""

    concurrent_reads: Annotated[int, Field(ge=1, le=512)] = 64
    """FHIR reads towards this site under way at once, over all calls of this process."""
    reads_per_second: Annotated[float, Field(gt=0, le=10_000)] = 200
    """FHIR reads a second towards this site, over all calls of this process."""
    sensitive: Sensitive = Sensitive()
    codes: MoreCodes = MoreCodes()


class SiteFile(_Table):
    """A site file, as it may be written."""

    title: str
    vendor: str
    environment: Literal["production", "test"] = "production"
    mode: Literal["live", "shadow", "off"] = "live"
    timezone: str = "UTC"
    services: tuple[str, ...]
    hook_budget_ms: Annotated[int, Field(ge=50, le=10_000)] = 450
    discovery_auth: bool = False
    triggers: tuple[str, ...] | None = None
    vendor_overrides: dict[str, Any] = {}
    network: Network = Network()
    fhir: Fhir
    trust: Annotated[tuple[Trust, ...], Field(min_length=1)]
    backend: Backend | None = None
    prepare: Prepare | None = None
    agent: Agent = Agent()
    smart: Smart | None = None
    write: Write = Write()
    cors: Cors = Cors()
    policy: Policy = Policy()
    brief: Changes = Changes()


def servers(file: SiteFile) -> tuple[str, ...]:
    """Return every URL that a site file names."""
    keys = (trust.jwks_url for trust in file.trust if trust.jwks_url is not None)
    tokens = (file.backend.token_url,) if file.backend and file.backend.token_url else ()
    return (file.fhir.base_url, *keys, *tokens, *file.network.servers)
