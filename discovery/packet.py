"""The registration packet: what an EHR's admins type in for one site, screen by screen, in the vendor's own words.

It is derived from the site file, the vendor's registration data, its profile and the services; a change to any of
them shows in the golden copies under `deploy/sites/`.
"""

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from cds_service.hook import NEEDS, HookService
from cds_service.sites import Site, Smart, is_left, unfilled
from cds_service.vendors import Part, Registration, Screen, applying, facts, registration_for
from discovery.document import prefetch
from discovery.page import Block, Fields, Items, Page, Section, Text, table
from discovery.plan import fires, grants

_PLACEHOLDER = re.compile(r"\{(\w+)\}")
_LEFT = re.compile(r"(?:https?://)?\bREPLACE\b\S*")
_OPEN = "(still open: to be settled between us)"
_NONE = "not wanted at this site"


@dataclass(frozen=True, slots=True, kw_only=True)
class Ours:
    """What is true of this installation."""

    public_url: str
    override_reasons: tuple[tuple[str, str, str], ...] = ()
    """(code, system, display) of the reasons that cards carry."""
    intents: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """Clinical intent, limits and owner of each service, by id: paragraphs as its author wrote them."""


def packet(site: Site, services: Iterable[HookService], ours: Ours) -> Page:
    """Return the packet of a site."""
    enabled = [service for service in services if service.id in site.file.services]
    left = f" What is {_OPEN} is not typed yet." if unfilled(site.file) else ""
    return Page(
        title=f"Registration of the CDS service at {_title(site)}",
        lead=(
            f"For the admins of {site.profile.title} ({site.file.environment}), site `{site.name}`."
            f" Type every value exactly as it stands here: a slash or a letter more is another address.{left}"
        ),
        sections=tuple(_sections(site, enabled, ours)),
    )


def _title(site: Site) -> str:
    return site.name if is_left(site.file.title) else site.file.title


def wanted(site: Site) -> frozenset[Part]:
    """Return what a site file asks of the EHR."""
    return frozenset(_wanted(site))


def _wanted(site: Site) -> Iterator[Part]:
    if site.file.services:
        yield "hooks"
    if site.file.backend:
        yield "read"
    if site.file.smart:
        yield "launch"
    if site.file.write.route != "none":
        yield "write"
    if site.file.network.allow:
        yield "on-premise"
    if "appointment-book" not in site.profile.hook.hooks and site.profile.visits.poll != "fhir":
        yield "feed"


def values(site: Site, services: Iterable[HookService], ours: Ours) -> dict[str, tuple[str, ...]]:
    """Return what each placeholder stands for at a site; several lines for a list, and words for what is open."""
    base = f"{ours.public_url.rstrip('/')}/{site.name}"
    trust = site.file.trust[0]
    parts = wanted(site)
    services = tuple(services)
    lists = {grant.title: tuple(grant.entries) for grant in grants(site.profile, services, parts)}
    backend, smart = site.file.backend, site.file.smart
    algorithms = trust.algorithms or site.profile.jwt.algorithms
    listed = {
        "endpoints": tuple(
            f"{base}/cds-services/{service.id}" for service in _fired(services, site)
        ),
        "apis": lists.get("APIs on the client's record", ()),
        "hook_scopes": lists.get("Scopes of a hook call's token", ()),
        "backend_scopes": _asked(backend.scopes if backend else (), lists, "our backend client"),
        "launch_scopes": _asked(smart.scopes if smart else (), lists, "the SMART app"),
        "override_reasons": tuple(" | ".join(reason) for reason in ours.override_reasons),
        "triggers": site.triggers,
        "extra_params": tuple(f"{k}={v}" for k, v in site.profile.search.extra_params.items()),
        "iss": tuple(each.iss for each in site.file.trust),
        "jku": tuple(str(each.jwks_url or each.jwks_file) for each in site.file.trust),
    }
    single = {
        "site": site.name,
        "title": _title(site),
        "public_url": ours.public_url,
        "origin": "/".join(ours.public_url.split("/")[:3]),
        "discovery": f"{base}/cds-services",
        "jwks": f"{ours.public_url.rstrip('/')}/.well-known/jwks.json",
        "launch": f"{base}/smart/launch",
        "redirect": f"{base}/smart/callback",
        "fhir_base": site.file.fhir.base_url,
        "client_id": trust.client_id or "send us yours: it stands in no [[trust]] yet",
        "backend_client_id": backend.client_id if backend else _NONE,
        "smart_client_id": smart.client_id if smart else _NONE,
        "smart_client_type": _client_type(smart) if smart else _NONE,
        "algorithms": ", ".join(algorithms),
        "assertion_algorithms": ", ".join(site.profile.oauth.assertion_algorithms),
        "scope_syntax": site.profile.oauth.scope_syntax,
    }
    told = {name: (value,) for name, value in single.items()} | listed
    return {name: _settled(lines) for name, lines in told.items()}


def _settled(lines: Iterable[str]) -> tuple[str, ...]:
    """Return lines with words for what nobody has filled in: an admin would type a placeholder as it stands."""
    return tuple(_LEFT.sub(_OPEN, line) for line in lines)


def _client_type(smart: Smart) -> str:
    """Return in the words of SMART App Launch how our app proves itself: a registration form asks for it."""
    how = smart.client_auth or ("secret" if smart.secret else "public")
    return {
        "public": "public: no secret, no key",
        "secret": "confidential, symmetric: a client secret, which you give us",
        "private_key_jwt": "confidential, asymmetric: private_key_jwt with our key set",
    }[how]


def _fired(services: Iterable[HookService], site: Site) -> tuple[HookService, ...]:
    """Return the services whose hooks are known to fire here: what is never called is not registered."""
    return tuple(service for service in services if fires(service, site.profile))


def _asked(
    scopes: tuple[str, ...], lists: Mapping[str, tuple[str, ...]], who: str
) -> tuple[str, ...]:
    """Return the scopes that the site file names, else those that the services need."""
    return scopes or lists.get(f"Scopes of {who}", ())


def of_service(service: HookService, site: Site, ours: Ours) -> dict[str, tuple[str, ...]]:
    """Return what the placeholders of one service stand for."""
    endpoint = f"{ours.public_url.rstrip('/')}/{site.name}/cds-services/{service.id}"
    return {
        "endpoint": (endpoint,),
        "feedback": (f"{endpoint}/feedback",),
        "hook": (service.hook,),
        "service_title": (service.title,),
        "prefetch": _settled(f"{key}: {line}" for key, line in prefetch(service, site).items()),
    }


def _sections(site: Site, services: list[HookService], ours: Ours) -> Iterator[Section]:
    told, parts = values(site, services, ours), wanted(site)
    known = registration_for(site.profile.vendor)
    steps = tuple(
        f"{_filled(step.what, told)[0]} ({step.who}{f'; {step.lead}' if step.lead else ''})"
        for step in applying(known.step, parts)
    )
    yield Section("To be done, in this order", (Items(steps, boxes=True),))
    for screen in applying(known.screen, parts):
        yield from _screen(screen, site, services, ours)
    if idle := tuple(_idle(services, site)):
        yield Section("Not registered yet", (Items(idle),))
    for grant in grants(site.profile, services, parts):
        entries = ((f"`{name}`", ", ".join(why)) for name, why in grant.entries.items())
        yield from table(f"{grant.title}, and what for", ("Exactly", "For"), entries)
    blocks = tuple(block for service in services for block in _service(service, ours))
    yield Section("What the services do", blocks)
    yield Section("How cards look here", (Items(tuple(_cards(site))),))
    yield from _warnings(site, known, told)


def _idle(services: list[HookService], site: Site) -> Iterator[str]:
    for service in services:
        if not fires(service, site.profile):
            hooks = json.dumps(sorted({*site.profile.hook.hooks, service.hook}))
            yield (
                f"`{service.id}`: {service.hook} is not known to fire here. When the vendor has confirmed that it does,"
                f" we write `hooks = {hooks}` under `[vendor_overrides.hook]` into the site file, and print its screen"
            )


def _warnings(
    site: Site, known: Registration, told: Mapping[str, tuple[str, ...]]
) -> Iterator[Section]:
    parts = wanted(site)
    limits = ((each.what, each.instead) for each in applying(known.limit, parts))
    yield from table("Not possible here, and what is instead", ("Not possible", "Instead"), limits)
    risks = ((each.what, _filled(each.do, told)[0]) for each in applying(known.risk, parts))
    yield from table("What goes wrong", ("Risk", "What is done"), risks)
    confirm = tuple(
        f"`{fact.name}` = `{json.dumps(fact.value)}`: {fact.source}"
        for fact in facts(site.profile.vendor)
        if fact.verify
    )
    if confirm:
        yield Section("Confirm before production", (Items(confirm, boxes=True),))
    off = (
        f"Our operator: `cds-service site off {site.name}`; every call is then answered at once with a correct,"
        " empty list of cards. You: disable the client or the criteria record. Both can be done at any time."
    )
    yield Section("How to turn us off", (Text(off),))


def _screen(
    screen: Screen, site: Site, services: list[HookService], ours: Ours
) -> Iterator[Section]:
    told = values(site, services, ours)
    for service in _fired(services, site) if screen.each == "service" else (None,):
        mine = told | of_service(service, site, ours) if service else told
        rows = tuple(
            (row.field, lines, _filled(row.note, mine)[0] if row.note else "")
            for row in screen.rows
            if (lines := _filled(row.value, mine))
        )
        title = f"{screen.title}: {service.id}" if service else screen.title
        who = f"{screen.where}. Who: {screen.who}. Known from: {screen.source}."
        yield Section(title, (Text(who), Fields(rows)))


def _filled(template: str, told: Mapping[str, tuple[str, ...]]) -> tuple[str, ...]:
    """Fill placeholders; a field that is one placeholder takes all its lines, none of them when there are none."""
    whole = _PLACEHOLDER.fullmatch(template)
    if whole and whole[1] in told:
        return told[whole[1]]
    return (
        _PLACEHOLDER.sub(
            lambda found: ", ".join(told[found[1]]) if found[1] in told else found[0], template
        ),
    )


def _service(service: HookService, ours: Ours) -> Iterator[Block]:
    needs = ", ".join(NEEDS[need].title.lower() for need in service.needs)
    yield Text(f"`{service.id}` ({service.hook}). {service.description} It reads: {needs}.")
    yield from (Text(paragraph) for paragraph in ours.intents.get(service.id, ()))


def _cards(site: Site) -> Iterator[str]:
    rules = site.profile.card
    yield f"`selectionBehavior` is `{rules.selection_behavior}`"
    yield f"a suggestion may carry {rules.actions_per_suggestion} action(s); ours carry one"
    yield (
        "a suggestion files the brief as an unsigned draft note"
        if rules.draft_note
        else "no suggestion files a note: the link leads to the app where a clinician approves"
    )
    if not rules.labels_shown:
        yield "labels of links and suggestions are not shown, so the detail says what they do"
    if site.file.smart:
        yield "a link of type `smart` opens the brief in the app"
    yield f"a call's budget is {site.file.hook_budget_ms} ms; what is not read by then is named on the card"
