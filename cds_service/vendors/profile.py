"""The vendor profile: every value named and typed here, every vendor's value in a data file beside it.

Precedence: the site's `[vendor_overrides]`, then the vendor's file, then the defaults of this module. Each
fact in a file carries its source, the date it was checked and how sure we are; `verify = true` marks a
value that a site has to confirm before production.
"""

import tomllib
from collections.abc import Mapping
from difflib import get_close_matches
from functools import cache
from importlib import resources
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from cds_service.domain.errors import Misconfigured
from cds_service.domain.needs import NeedName


class _Rules(BaseModel):
    model_config = ConfigDict(
        frozen=True, extra="forbid", hide_input_in_errors=True, use_attribute_docstrings=True
    )


class NeedRule(_Rules):
    """How one record need is asked for at this vendor."""

    available: bool = True
    """False: this vendor's FHIR API cannot be asked for it; the brief says so."""
    params: dict[str, str] = {}
    """Search parameters that this vendor demands beside `patient`."""
    without: tuple[str, ...] = ()
    """Parameters of the need that this vendor refuses."""
    split: dict[str, tuple[str, ...]] = {}
    """One query for each value of a parameter, where the vendor has one API for each."""
    date_required: bool = False
    """The search fails without a date window; it cannot then be a CDS Hooks 2.0.1 prefetch template."""
    date_param: str = ""
    """The vendor's own name of the date parameter."""


class SearchRules(_Rules):
    """How searches work."""

    page_size: Annotated[int, Field(ge=1, le=1000)] = 100
    max_pages: Annotated[int, Field(ge=1, le=50)] = 3
    """Pages read for one query inside a hook call; more is a named gap."""
    max_pages_ahead: Annotated[int, Field(ge=1, le=1000)] = 50
    """Pages read for one query ahead of a visit; more is a named gap."""
    count_param: str = "_count"
    """The vendor's name for the page size."""
    sort: bool = True
    """Whether `_sort` is understood."""
    extra_params: dict[str, str] = {}
    """Sent with every search (athenahealth's practice)."""
    required_extra_params: tuple[str, ...] = ()
    """Names in `extra_params` that a site has to give."""
    accept: str = "application/fhir+json"
    """The `Accept` header of reads."""
    empty_codes: tuple[str, ...] = ()
    """OperationOutcome codes that mean "nothing found"."""
    partial_codes: tuple[str, ...] = ()
    """OperationOutcome codes that mean "there may be more"."""
    denied_codes: tuple[str, ...] = ()
    """OperationOutcome codes that mean "not for you", break-the-glass among them: never retried."""
    restart_codes: tuple[str, ...] = ()
    """OperationOutcome codes that mean "the paging session is gone": the search begins anew, once."""
    stored_data_codes: tuple[str, ...] = ()
    """OperationOutcome codes of a stored record that cannot be sent: left out and named, never retried."""
    daily_limit_codes: tuple[str, ...] = ()
    """OperationOutcome codes that mean "enough for today": nothing is asked before the site's next day."""


class HookRules(_Rules):
    """How this vendor calls us."""

    hooks: tuple[str, ...] = ()
    """The standard hooks that the vendor is known to fire; empty when unknown."""
    discovery: bool = True
    """Whether the EHR reads our discovery document."""
    trigger_extension: str = ""
    """The request extension that tells what really happened."""
    triggers: tuple[str, ...] = ()
    """Values of it that count as the hook's moment, unless the site says otherwise."""
    scope_format: Literal["smart", "api_names"] = "smart"
    """`api_names`: the hook token's scopes are the vendor's own names and are not read."""
    token_s: Annotated[int, Field(ge=0)] = 0
    """How long the token of a hook call lives, in seconds; 0 when the vendor does not say."""
    feedback: bool = False
    """Whether the vendor is known to send feedback about cards."""


class JwtRules(_Rules):
    """How this vendor signs."""

    algorithms: tuple[str, ...] = ("ES384", "RS384")
    """Accepted, unless the site says otherwise; never none or HMAC."""
    max_lifetime_s: Annotated[int, Field(ge=30, le=3600)] = 300
    """Longest `exp - iat`."""
    skew_s: Annotated[int, Field(ge=0, le=300)] = 60
    """Clock difference forgiven."""


class OAuthRules(_Rules):
    """How we get tokens of our own."""

    scope_syntax: Literal["v1", "v2"] = "v2"
    """`v1`: `system/Patient.read`; `v2`: `system/Patient.rs`."""
    backend: Literal["yes", "unconfirmed", "no"] = "yes"
    """Whether SMART backend services are granted, not only advertised."""
    backend_scope: Literal["send", "omit"] = "send"
    """`omit`: the grant is the list of APIs on the client's record, and no scope is sent."""
    discovery_headers: dict[str, str] = {}
    """Sent when discovery is read; `{client_id}` is ours."""
    access_token_s: Annotated[int, Field(ge=0)] = 3600
    """How long a token of ours lives, in seconds; 0 when unknown. What the server says wins."""
    token_calls_per_minute: Annotated[int, Field(ge=0)] = 0
    """Token requests that the server takes in a minute; 0 when unknown."""
    jwks_cache_h: Annotated[int, Field(ge=1)] = 24
    """How long the EHR may keep our key set, in hours: a new key is shown for longer before it signs."""
    assertion_algorithms: tuple[Literal["ES384", "RS384"], ...] = ("ES384", "RS384")
    """With which our assertions may be signed; the first that the server says it supports is taken."""
    assertion_lifetime_s: Annotated[int, Field(ge=30, le=300)] = 240
    """`exp` of an assertion, from now; SMART allows 300, and clocks differ."""
    assertion_audience: str = ""
    """`aud` of an assertion where the server wants another than its token URL."""
    authorize_post: bool = False
    """The authorization request is sent as a form."""
    refresh_min_interval_s: Annotated[int, Field(ge=0, le=3600)] = 0
    """A refresh token is not used more often."""


class VisitRules(_Rules):
    """How we can learn of a visit before its chart is opened."""

    poll: Literal["fhir", "v1", "no"] = "fhir"
    """Where booked visits are read: the FHIR Appointment search, the vendor's own API, or nowhere."""
    poll_by: tuple[str, ...] = ("patient", "practitioner", "location")
    """What an Appointment search may be asked by; the site gives the ids."""
    feed: bool = True
    """Whether sites of this vendor can send bookings as HL7 v2 SIU messages."""


class CardRules(_Rules):
    """What this vendor does with a card."""

    draft_note: bool = False
    """Whether accepting a suggestion that creates a DocumentReference works."""
    selection_behavior: Literal["at-most-one", "any"] = "at-most-one"
    """The `selectionBehavior` of a card with suggestions; Epic knows only `any`."""
    actions_per_suggestion: Annotated[int, Field(ge=1)] = 10
    """Actions that one suggestion may carry; ours carry one."""
    labels_shown: bool = True
    """False: suggestion and link labels are required but never seen, so the detail must say what they do."""
    app_context: bool = True
    """False: `appContext` does not reach the app, which then works from the launch context alone."""
    links: bool = True
    """False: links are stripped unless the site listed them."""
    override_reasons: bool = True
    """Whether cards carry reasons for dismissing them."""


class NoteRules(_Rules):
    """What a note must look like and which way it goes into the chart."""

    route: Literal["fhir", "v1", "v2", "none"] = "fhir"
    """`fhir`: DocumentReference create; `v1`: the vendor's own API; `v2`: an HL7 v2 MDM message."""
    content_type: str = "text/plain;charset=utf-8"
    """Of the one attachment; a text type carries its charset where the vendor wants one."""
    stored_as: Literal["as_sent", "rich_text"] = "as_sent"
    """`rich_text`: every note is converted, and layout, colour and links are lost."""
    max_bytes: Annotated[int, Field(ge=1_000)] = 1_000_000
    """Largest text of a note."""
    draft_status: str = "preliminary"
    """The `docStatus` of an approved note, unless the site says otherwise."""
    doc_statuses: tuple[str, ...] = ("preliminary", "final", "amended")
    """The `docStatus` values that the vendor takes; another one stops the site from loading."""
    encounter_required: bool = False
    """Without an encounter in the call no draft is offered."""
    period_end_required: bool = False
    """`context.period.end` with a time."""
    author_allowed: bool = True
    """Whether a writer may name an author; a card's draft names none."""
    category_allowed: bool = True
    """Whether `category` is a field that may be written."""
    type_system: str = "http://loinc.org"
    """Code system of the note type, agreed with the site."""
    type_code: str = "11506-3"
    """Note type, agreed with the site."""
    type_display: str = "Progress note"
    """Its words."""
    conditional_create: bool | None = None
    """Whether `If-None-Exist` is honoured; not given: as the CapabilityStatement says."""
    server_timeout_s: Annotated[float, Field(gt=0, le=3600)] = 120.0
    """How long the server may still work on a request whose answer was lost; we wait half as long again."""
    find: dict[str, str] = {"patient": "{patient}", "identifier": "{identifier}"}
    """Search that finds a note of ours; `{patient}`, `{identifier}`, `{encounter}`, `{since}` are filled in."""
    correction: Literal["relates_to", "new_note"] = "relates_to"
    """`new_note`: the vendor knows no `relatesTo`; a correction says in its text what it corrects."""
    withdraw: bool = True
    """Whether a filed note may be marked `entered-in-error` by an update."""
    errors: dict[str, str] = {}
    """What a refusal's code means to a clinician or admin: one sentence for each."""


class Profile(_Rules):
    """One vendor's values, complete: what a file leaves out has the default."""

    vendor: str
    title: str
    search: SearchRules = SearchRules()
    hook: HookRules = HookRules()
    jwt: JwtRules = JwtRules()
    oauth: OAuthRules = OAuthRules()
    visits: VisitRules = VisitRules()
    card: CardRules = CardRules()
    note: NoteRules = NoteRules()
    need: dict[NeedName, NeedRule] = {}

    def rule(self, name: NeedName) -> NeedRule:
        """Return the rule of one need; the default rule where the vendor has none."""
        return self.need.get(name, _DEFAULT_RULE)


_DEFAULT_RULE = NeedRule()


class Fact(_Rules):
    """One value of a vendor file and where it comes from."""

    name: str
    value: Any
    source: str
    as_of: str
    confidence: Literal["high", "medium", "low", "none found", "our choice"]
    verify: bool = False


@cache
def vendor_names() -> tuple[str, ...]:
    """Return the names of the vendor files, sorted."""
    files = resources.files(__package__).iterdir()
    return tuple(sorted(f.name.removesuffix(".toml") for f in files if f.name.endswith(".toml")))


@cache
def _file(vendor: str) -> tuple[str, tuple[Fact, ...]]:
    text = resources.files(__package__).joinpath(f"{vendor}.toml").read_text(encoding="utf-8")
    data = tomllib.loads(text)
    return data["title"], tuple(Fact.model_validate(fact) for fact in data.get("fact", ()))


def facts(vendor: str) -> tuple[Fact, ...]:
    """Return a vendor's facts with their sources. Raises `Misconfigured` for an unknown vendor."""
    if vendor not in vendor_names():
        raise Misconfigured(
            f"vendor: {vendor!r} is unknown; it is one of {', '.join(vendor_names())}."
        )
    return _file(vendor)[1]


def load_profile(vendor: str, overrides: Mapping[str, object] | None = None) -> Profile:
    """Load a vendor's profile with a site's overrides on top.

    `overrides` are nested tables (`{"card": {"draft_note": True}}`) or dotted names. Raises `Misconfigured`,
    naming the key, when a vendor or key is unknown or a value has the wrong type.
    """
    tree: dict[str, Any] = {"vendor": vendor}
    for fact in facts(vendor):
        _put(tree, fact.name, fact.value)
    tree["title"] = _file(vendor)[0]
    for name, value in (overrides or {}).items():
        _put(tree, name, value)
    try:
        return Profile.model_validate(tree)
    except ValidationError as problem:
        first = problem.errors(include_input=False, include_url=False)[0]
        path = [str(part) for part in first["loc"]]
        what = f"{first['msg']}."
        if first["type"] == "extra_forbidden":
            near = get_close_matches(path[-1], _known_keys(path[:-1]), n=1, cutoff=0.5)
            what = "unknown key" + (f"; did you mean {near[0]!r}?" if near else ".")
        raise Misconfigured(f"vendor_overrides.{'.'.join(path)}: {what}") from None


def _known_keys(path: list[str]) -> list[str]:
    """Return the names that may stand below a table of the overrides."""
    model: type[BaseModel] = Profile
    for name in path:
        found = model.model_fields.get(name)
        kind = found.annotation if found else None
        model = kind if isinstance(kind, type) and issubclass(kind, BaseModel) else NeedRule
    return list(model.model_fields)


def _put(tree: dict[str, Any], name: str, value: object) -> None:
    """Put a value below a dotted name, merging tables."""
    first, _, rest = name.partition(".")
    if rest:
        _put(tree.setdefault(first, {}), rest, value)
    elif isinstance(value, Mapping) and isinstance(tree.get(first), dict):
        for inner, inner_value in value.items():
            _put(tree[first], str(inner), inner_value)
    else:
        tree[first] = dict(value) if isinstance(value, Mapping) else value
