"""A site file written from a plan: commented, and with only what differs from the vendor's profile."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from discovery.plan import Plan

_HERE = "REPLACE"


@dataclass(frozen=True, slots=True, kw_only=True)
class Given:
    """What is known of the site already; the rest stands in the file to be replaced."""

    title: str = ""
    timezone: str = ""
    fhir_base: str = ""
    iss: str = ""
    jwks_url: str = ""
    client_id: str = ""
    params: Mapping[str, str] = field(default_factory=dict)
    """Values of search parameters that the vendor demands of a site."""
    allow: tuple[str, ...] = ()
    """Private ranges of an on-premise EHR."""


def site_file(plan: Plan, given: Given) -> str:
    """Return the text. It loads as soon as nothing in it has to be replaced."""
    return "\n".join(_lines(plan, given)) + "\n"


def _lines(plan: Plan, given: Given) -> Iterator[str]:
    yield f"# {plan.profile.title}. Written by `cds-service site new`; what is not here has the vendor's value."
    yield '# A secret never stands in this file: write "env:NAME" or "file:PATH" where one is wanted.'
    yield f"title = {_text(given.title or f'{_HERE}: the name that stands on every card')}"
    yield f"vendor = {_text(plan.wish.vendor)}"
    yield 'environment = "test"      # "production" when the test site has gone through `cds-service site check`'
    yield 'mode = "shadow"           # runs and reports everything and shows no card; then "live"'
    yield f"timezone = {_text(given.timezone or f'{_HERE}: such as America/New_York')}"
    yield f"services = {_text(list(plan.wish.services))}"
    yield from _overrides(plan, given)
    yield from _trust(plan, given)
    yield from _access(plan, given)


def _overrides(plan: Plan, given: Given) -> Iterator[str]:
    params = plan.profile.search.extra_params
    if plan.overrides or params:
        yield "\n[vendor_overrides]"
    for name, value in plan.overrides.items():
        yield f'"{name}" = {_text(value)}      # of this version of the product'
    for name, value in params.items():
        told = given.params.get(name) or value or _HERE
        yield f'"search.extra_params" = {{ {name} = {_text(told)} }}'
    if plan.wish.on_premise:
        yield "\n[network]"
        yield f"allow = {_text(list(given.allow))}      # private ranges of the EHR, such as 10.20.0.0/16"


def _trust(plan: Plan, given: Given) -> Iterator[str]:
    yield "\n[fhir]"
    yield f"base_url = {_text(given.fhir_base or f'https://{_HERE}/fhir')}   # the only server that is ever read"
    yield "\n[[trust]]                 # who may call: an issuer and its key set, as a pair"
    yield f"iss = {_text(given.iss or f'https://{_HERE}')}"
    yield f"jwks_url = {_text(given.jwks_url or f'https://{_HERE}/jwks.json')}"
    yield f"# algorithms: {', '.join(plan.profile.jwt.algorithms)} unless you say otherwise"
    yield f"client_id = {_text(given.client_id or f'{_HERE}')}      # ours at this EHR"


def _access(plan: Plan, given: Given) -> Iterator[str]:
    entries = {grant.title: grant.entries for grant in plan.grants}
    if "read" in plan.parts:
        yield "\n[backend]                 # work ahead of the visit, with our key set"
        yield f"client_id = {_text(given.client_id or _HERE)}"
        backend = entries.get("Scopes of our backend client")
        yield from (
            _list("scopes", backend) if backend else ["# no scopes: the grant is the list of APIs"]
        )
        yield from _prepare(plan)
    if "launch" in plan.parts:
        yield "\n[smart]                   # EHR launch, for review"
        yield f"client_id = {_text(given.client_id or _HERE)}"
        yield from _list("scopes", entries["Scopes of the SMART app"])
    if "write" in plan.parts and plan.profile.note.route == "fhir":
        yield "\n[write]"
        yield 'route = "fhir"'


def _prepare(plan: Plan) -> Iterator[str]:
    rules = plan.profile.visits
    yield "\n[prepare]                 # have briefs ready before the chart opens"
    yield 'refresh = ["booking", "evening-before", "1h-before"]'
    if rules.poll != "fhir":
        yield "# poll: this schedule cannot be polled; visits come with calls, or by `cds-service prepare`"
        return
    yield f"poll = true               # ask for booked visits, by {', '.join(rules.poll_by)}"
    if "date" not in rules.poll_by and "location" in rules.poll_by:
        yield '# locations = ["..."]     # whose schedules are asked for; or practitioners = ["..."]'


def _list(name: str, entries: object) -> Iterator[str]:
    yield f"{name} = ["
    yield from (f"  {_text(each)}," for each in dict.fromkeys(entries))  # type: ignore[call-overload]
    yield "]"


def _text(value: object) -> str:
    """Return a value as TOML: JSON's strings, lists and numbers are TOML's too."""
    return json.dumps(value, ensure_ascii=False)
