"""What a look at a site brought: plain values, without any content of a chart. The verdicts stand in `discovery/`."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from cds_service.domain.json import EMPTY, JsonObject
from cds_service.domain.needs import NeedName


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """One HTTP answer; `status` 0 and a `fault` when there was none."""

    url: str
    """Never one that names a patient."""
    status: int = 0
    fault: str = ""
    """`dns`, `connection`, `tls`, `timeout`, `too_large`."""
    location: str = ""
    """Where a redirect leads."""
    content_type: str = ""
    body: JsonObject = field(default_factory=lambda: EMPTY, repr=False)
    """Empty when it was no JSON object."""
    is_json: bool = False
    headers: Mapping[str, str] = field(default_factory=dict)
    """Lower-case names."""
    skew_s: float | None = None
    """Their `Date` minus our time."""
    took_ms: float = 0.0

    @property
    def is_good(self) -> bool:
        """Return whether this is a JSON object with status 200."""
        return self.status == 200 and self.is_json  # noqa: PLR2004  # RFC 9110 section 15.3.1


@dataclass(frozen=True, slots=True, kw_only=True)
class Tls:
    """One TLS handshake."""

    host: str
    version: str = ""
    """`TLSv1.2`; empty when there was none."""
    expires: datetime | None = None
    fault: str = ""
    old_version: str = ""
    """The oldest version below 1.2 that was accepted too; empty when none was."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Token:
    """What a request for a token of ours brought; the token itself is not here."""

    granted: tuple[str, ...] = ()
    lifetime_s: int = 0
    error: str = ""
    """The registered name of an OAuth error, or our own word for why there was no token."""
    advice: str = ""
    """What can be done about it, where it is known."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Searched:
    """How one query of a need went with a test patient."""

    need: NeedName
    type: str
    status: int = 0
    fault: str = ""
    codes: tuple[str, ...] = ()
    """Codes of an OperationOutcome, never its words."""
    found: int = 0
    total: int | None = None
    pages: int = 0
    page_size: int = 0
    foreign_next: bool = False
    repeated: int = 0
    """Ids that came on more than one page."""
    others: int = 0
    """Resources that name another patient."""
    systems: tuple[str, ...] = ()
    """Identifier systems, of the Patient only."""
    types: tuple[str, ...] = ()
    """`system|code` of documents, for the type of notes."""
    took_ms: float = 0.0
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Differs:
    """A claim of refused calls, as it was sent last."""

    reason: str
    """Our word for the refusal."""
    claim: str
    """`aud`, `iss`, `jku`, `kid`, `alg`."""
    theirs: str
    count: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Calls:
    """What the audit knows of the calls that were seen."""

    answered: int = 0
    refused: Mapping[str, int] = field(default_factory=dict)
    """By reason."""
    differs: tuple[Differs, ...] = ()
    past: frozenset[str] = frozenset()
    """Reasons of `refused`, and `stripped`, that were met only before the newest good call."""
    stripped: int = 0
    """Calls that came without context, or with neither token nor prefetch."""
    prefetch: Mapping[str, Mapping[str, int]] = field(default_factory=dict)
    """By service: how many calls carried each key."""
    by_service: Mapping[str, int] = field(default_factory=dict)
    access: Mapping[str, int] = field(default_factory=dict)
    """Why a call's token could be used or not."""
    token_s: tuple[int, ...] = ()
    """Lifetimes of the tokens that calls brought, as told."""
    triggers: Mapping[str, int] = field(default_factory=dict)
    """Values of the vendor's trigger that were not answered."""
    took_ms: tuple[float, ...] = ()
    cards: int = 0
    links: int = 0
    launches: int = 0
    """Times that a clinician opened the app."""
    ungranted: Mapping[str, int] = field(default_factory=dict)
    """Scopes that a sign-in asked for and did not get, and how often."""
    feedback: int = 0
    issues: Mapping[str, int] = field(default_factory=dict)
    """Why a call got an empty list or an error after it was verified."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Observed:
    """Everything that the checks judge."""

    now: datetime
    discovery: Answer | None = None
    expected_discovery: bytes = b""
    post: Answer | None = None
    """A call without a token to the first service's address."""
    jwks: Answer | None = None
    ours_tls: Tls | None = None
    key_sets: tuple[Answer, ...] = ()
    """In the order of [[trust]]."""
    ehr_tls: Tls | None = None
    metadata: Answer | None = None
    smart: Answer | None = None
    token: Token | None = None
    searches: tuple[Searched, ...] = ()
    test_patient: bool = False
    calls: Calls | None = None
    off: tuple[str, ...] = ()
    """What is switched off at this moment."""
