"""One record for each EHR tenant, read from `<CDS_SITES>/<site>.toml`.

An unknown key is an error that names the key and the nearest known one; a secret is referenced
(`env:NAME`, `file:PATH`), never written in the file.

Two sites may share an issuer when they are one EHR (the same `fhir.base_url`), or when each names a tenant of
its own: otherwise another organisation's token could be taken for this one's.
"""

import re
import tomllib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from ipaddress import IPv4Network, IPv6Network, ip_network
from itertools import combinations, product
from pathlib import Path
from typing import Annotated, Any, Generic, Literal, Self, TypeVar
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    ValidationError,
    model_validator,
)

from cds_service.domain.errors import Misconfigured, UnknownSite
from cds_service.domain.mistakes import sentence
from cds_service.domain.tables import Tables
from cds_service.pasted import check_secrets
from cds_service.rulebook import DEFAULT, Changes, load_tables
from cds_service.sensitive import DEFAULT as MARKS
from cds_service.sensitive import Marks, MoreCodes, Sensitive, load_marks
from cds_service.vendors import Profile, load_profile

SITE_NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,62}")


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
    secret: Secret | None = None
    frame_ancestors: tuple[Url, ...] = ()
    approvers: tuple[str, ...] = ("Practitioner",)


class Write(_Table):
    """How an approved note gets into the chart."""

    route: Literal["fhir", "none"] = "none"
    doc_status: Literal["preliminary", "final", "amended"] | None = None
    approval_minutes: Annotated[int, Field(ge=1, le=24 * 60)] = 30
    """How long what stands on a page may be approved; then the page is loaded again."""


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


_LATER = ("prepare", "agent", "write")


@dataclass(frozen=True, slots=True)
class Site:
    """One EHR tenant, ready to serve: its file, its vendor's profile and its time zone."""

    name: str
    file: SiteFile
    profile: Profile
    zone: ZoneInfo
    tables: Tables = DEFAULT
    """What the rules of the brief look up, with this site's changes."""
    marks: Marks = MARKS
    """How sensitive categories are recognised here, and what is done with them."""

    @property
    def unused(self) -> tuple[str, ...]:
        """Return the tables that are given and that this version does not act on."""
        return tuple(name for name in _LATER if name in self.file.model_fields_set)

    @property
    def doc_status(self) -> str:
        """Return the `docStatus` that approved notes of this site get; `final` means signed."""
        return self.file.write.doc_status or self.profile.note.draft_status

    @property
    def servers(self) -> tuple[str, ...]:
        """Return every URL whose origin we may call for this site."""
        return servers(self.file)

    @property
    def triggers(self) -> tuple[str, ...]:
        """Return the trigger values that this site answers."""
        return self.profile.hook.triggers if self.file.triggers is None else self.file.triggers


T = TypeVar("T")


@dataclass(slots=True)
class Sites:
    """All sites by name, in the newest set that was accepted: `reload.py` replaces it as a whole."""

    by_name: Mapping[str, Site]
    refused: Mapping[str, str] = field(default_factory=dict)
    """Why the newest form of a site file is not in force, by site; readiness tells it."""

    def find(self, name: str) -> Site:
        """Return a site. Raises `UnknownSite`."""
        site = self.by_name.get(name)
        if site is None:
            raise UnknownSite
        return site


@dataclass(slots=True)
class OfSite(Generic[T]):
    """What is derived from a site, made once and made again when the site's file has changed."""

    make: Callable[[Site], T]
    _made: dict[str, tuple[Site, T]] = field(default_factory=dict)

    def __call__(self, site: Site) -> T:
        """Return what belongs to this very site."""
        known = self._made.get(site.name)
        if known is None or known[0] is not site:
            known = self._made[site.name] = (site, self.make(site))
        return known[1]


def load_sites(folder: Path, *, services: frozenset[str], demo: bool = False) -> Sites:
    """Read every site file of a folder. Raises `Misconfigured` with the file, the key and what to do."""
    files = sorted(folder.glob("*.toml")) if folder.is_dir() else []
    if not files:
        raise Misconfigured(
            f"No site file in {folder}: write one (docs/how-to/add-a-site.md), or set CDS_SITES."
        )
    sites = [load_site(file, services=services, demo=demo) for file in files]
    check_apart(sites)
    return Sites({site.name: site for site in sites})


def check_apart(sites: Iterable[Site]) -> None:
    """Check that no token is good at two sites, unless they are one EHR. Raises `Misconfigured`."""
    for one, other in combinations(sites, 2):
        _check_apart(one, other)


def _check_apart(one: Site, other: Site) -> None:
    """Check that no token is good at both sites, unless both are one EHR. Raises `Misconfigured`."""
    if one.file.fhir.base_url == other.file.fhir.base_url:
        return
    for mine, theirs in product(one.file.trust, other.file.trust):
        if mine.iss == theirs.iss and (
            None in {mine.tenant, theirs.tenant} or mine.tenant == theirs.tenant
        ):
            raise Misconfigured(
                f"{one.name}.toml, {other.name}.toml: trust.iss is the same: give each a tenant of its own."
            )


def load_site(file: Path, *, services: frozenset[str], demo: bool = False) -> Site:
    """Read and check one site file. Raises `Misconfigured` with the file, the key and what to do."""
    if not SITE_NAME.fullmatch(file.stem):
        raise Misconfigured(
            f"{file.name}: a site's name is lower-case letters, digits and '-', as it stands in the URL."
        )
    try:
        data = tomllib.loads(file.read_text(encoding="utf-8"))
        check_secrets(data)
        return _checked(file.stem, SiteFile.model_validate(data), services, demo=demo)
    except ValidationError as problem:
        raise Misconfigured(f"{file.name}: {sentence(problem, SiteFile)}") from None
    except Misconfigured as problem:
        raise Misconfigured(f"{file.name}: {problem.detail}") from None
    except (OSError, ValueError) as problem:
        raise Misconfigured(f"{file.name}: not TOML: {problem}.") from None


def _checked(name: str, parsed: SiteFile, services: frozenset[str], *, demo: bool) -> Site:
    for service in parsed.services:
        if service not in services:
            known = ", ".join(sorted(services))
            raise Misconfigured(f"services: {service!r} does not exist; there are {known}.")
    profile = load_profile(parsed.vendor, parsed.vendor_overrides)
    for param in profile.search.required_extra_params:
        if not profile.search.extra_params.get(param):
            raise Misconfigured(
                f'vendor {parsed.vendor} needs [vendor_overrides.search.extra_params] {param} = "...".'
            )
    try:
        zone = ZoneInfo(parsed.timezone)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise Misconfigured(f"timezone: {parsed.timezone!r} is in no time zone table.") from None
    _check_write(parsed, profile)
    _check_production(parsed, demo=demo)
    marks = load_marks(parsed.policy.sensitive, parsed.policy.codes)
    return Site(name, parsed, profile, zone, load_tables(parsed.brief), marks)


def _check_write(parsed: SiteFile, profile: Profile) -> None:
    """Refuse a way of filing notes that this vendor does not have."""
    rules, asked = profile.note, parsed.write
    if asked.route == "fhir" and rules.route != "fhir":
        raise Misconfigured(f"write.route: {parsed.vendor} takes no note by FHIR; leave it out.")
    if asked.doc_status is not None and asked.doc_status not in rules.doc_statuses:
        taken = ", ".join(rules.doc_statuses)
        raise Misconfigured(
            f"write.doc_status: {parsed.vendor} takes {taken}, not {asked.doc_status}."
        )


def _check_production(parsed: SiteFile, *, demo: bool) -> None:
    if not demo and any(url.startswith("http://") for url in servers(parsed)):
        raise Misconfigured(
            "fhir.base_url, jwks_url, token_url and network.servers must be https:// in production."
        )
    for number, trust in enumerate(parsed.trust):
        if trust.replay == "off" and parsed.environment != "test":
            raise Misconfigured(f'trust.{number}.replay: "off" needs environment = "test".')
    if len({t.iss for t in parsed.trust}) < len(parsed.trust):
        raise Misconfigured("trust: an issuer stands there twice.")
