"""A plan for one EHR: which way to take for what and why, the exact scopes, who approves, what is not possible there.

Every statement is derived from the vendor's profile, its registration data and the services' needs. Nothing is
known here that is not written there with its source.
"""

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from cds_service.hook import HookService, NeedName
from cds_service.vendors import (
    LAUNCH,
    Limit,
    Part,
    Profile,
    Registration,
    Risk,
    Step,
    apis,
    applying,
    facts,
    load_profile,
    registration_for,
    scopes_for,
    write_scope,
)

_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_MONTH = re.compile(rf"\b({'|'.join(_MONTHS)})[a-z]*", re.IGNORECASE)
_YEAR = re.compile(r"\b20\d\d\b")
_NUMERIC = re.compile(r"\b(20\d\d)-(0[1-9]|1[0-2])\b")


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """What a site wants, and what it runs."""

    vendor: str
    version: str = ""
    """The product's version as the vendor names it (`May 2024`) or as year and month (`2024-05`); "" if unknown."""
    write: bool = False
    """Whether approved notes go into the chart."""
    on_premise: bool = False
    services: tuple[str, ...] = ()
    """The CDS services wanted."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """The way to take for one purpose."""

    purpose: str
    way: str
    why: str
    """Where we know it from."""
    confirm: bool = False
    """Whether the site has to confirm it before production."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Grant:
    """One list of what the EHR has to grant, each entry with what it is for."""

    title: str
    entries: Mapping[str, tuple[str, ...]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What `site plan` prints and `site new` writes down."""

    wish: Wish
    profile: Profile
    parts: frozenset[Part]
    overrides: Mapping[str, Any]
    """Values of the profile that this version of the product has otherwise."""
    routes: tuple[Route, ...]
    grants: tuple[Grant, ...]
    steps: tuple[Step, ...]
    limits: tuple[Limit, ...]
    risks: tuple[Risk, ...]
    confirm: tuple[str, ...]
    """Values that the site has to confirm before production."""


def make_plan(wish: Wish, services: Iterable[HookService]) -> Plan:
    """Derive the plan. Raises `Misconfigured` for an unknown vendor."""
    known = registration_of(wish.vendor)
    overrides = dict(_of_version(wish.version, known))
    profile = load_profile(wish.vendor, overrides | _placeholders(wish.vendor))
    wanted = [service for service in services if service.id in wish.services]
    parts = frozenset(_parts(wish, profile, wanted))
    return Plan(
        wish=wish,
        profile=profile,
        parts=parts,
        overrides=overrides,
        routes=tuple(_routes(wish, profile, wanted)),
        grants=tuple(grants(profile, wanted, parts)),
        steps=tuple(
            step.model_copy(update={"what": _worded(step.what)})
            for step in applying(known.step, parts)
        ),
        limits=tuple(_limits(known, profile, wanted, parts)),
        risks=tuple(
            risk.model_copy(update={"do": _worded(risk.do)})
            for risk in applying(known.risk, parts)
        ),
        confirm=tuple(
            f"{fact.name} = {json.dumps(fact.value)}: {fact.source}"
            for fact in facts(wish.vendor)
            if fact.verify
        ),
    )


def _worded(template: str) -> str:
    """Fill the placeholders of a sentence before there is a site."""
    known = {
        "{site}": "SITE",
        "{public_url}": "our public address",
        "{client_id}": "OUR-CLIENT-ID",
    }
    for placeholder, words in known.items():
        template = template.replace(placeholder, words)
    return template


def served_by(profile: Profile, services: Iterable[HookService]) -> tuple[str, ...]:
    """Return the services whose hooks fire at an EHR; where none does, all: their needs are what is read there."""
    known = sorted(services, key=lambda service: service.id)
    return tuple(each.id for each in known if fires(each, profile)) or tuple(
        each.id for each in known
    )


def fires(service: HookService, profile: Profile) -> bool:
    """Return whether the hook of a service is known to fire at an EHR."""
    return service.hook in profile.hook.hooks


def registration_of(vendor: str) -> Registration:
    """Return a vendor's registration data. Raises `Misconfigured` for an unknown vendor."""
    facts(vendor)
    return registration_for(vendor)


def _placeholders(vendor: str) -> dict[str, Any]:
    """Give the values that only a site can give a name, so that a plan can be made before they are known."""
    names = load_profile(vendor).search.required_extra_params
    return {"search": {"extra_params": dict.fromkeys(names, "")}} if names else {}


def _of_version(version: str, known: Registration) -> Iterator[tuple[str, Any]]:
    month = year_and_month(version)
    for each in known.version:
        if month and month < each.before:
            yield each.name, each.value


def year_and_month(version: str) -> str:
    """Return `2024-05` for `May 2024` or `2024-05`; "" when no month of a year is said."""
    if numeric := _NUMERIC.search(version):
        return f"{numeric[1]}-{numeric[2]}"
    year, named = _YEAR.search(version), _MONTH.search(version)
    if not (year and named):
        return ""
    return f"{year[0]}-{_MONTHS.index(named[1].lower()) + 1:02}"


def _parts(wish: Wish, profile: Profile, services: list[HookService]) -> Iterator[Part]:
    if services:
        yield "hooks"
    if profile.oauth.backend != "no":
        yield "read"
    yield "launch"
    if wish.write:
        yield "write"
    if wish.on_premise:
        yield "on-premise"
    if not _has_visits(profile):
        yield "feed"


_FILES: Mapping[bool, str] = {
    False: "file an approved note, and read it back",
    True: "file an approved note, read it back, and take it back",
}


def _has_visits(profile: Profile) -> bool:
    return "appointment-book" in profile.hook.hooks or profile.visits.poll == "fhir"


def _limits(
    known: Registration, profile: Profile, services: list[HookService], parts: frozenset[Part]
) -> Iterator[Limit]:
    yield from applying(known.limit, parts)
    needs = dict.fromkeys(need for service in services for need in service.needs)
    missing = [need for need in needs if not profile.rule(need).available]
    for need in missing:
        yield Limit(
            what=f"The need `{need}` cannot be read through FHIR",
            instead="The brief says that it is not available from this EHR",
            source=source_of(profile, f"need.{need}.available"),
        )


def _routes(wish: Wish, profile: Profile, services: list[HookService]) -> Iterator[Route]:
    for service in services:
        yield _hook_route(service, profile)
    yield _record_route(profile, services)
    yield _visit_route(profile)
    yield _backend_route(profile)
    yield Route(
        purpose="Review by a clinician",
        way="SMART EHR launch, with PKCE S256",
        why="SMART App Launch 2.2, 'EHR Launch'",
    )
    yield (
        _note_route(profile)
        if wish.write
        else Route(
            purpose="Notes in the chart",
            way='None: read-only, [write] route = "none"',
            why="asked for",
        )
    )


def _hook_route(service: HookService, profile: Profile) -> Route:
    way = (
        f"The hook {service.hook}, answered by {service.id}"
        if fires(service, profile)
        else f"No hook: {service.hook} is not known to fire here; {service.id} waits until it does"
    )
    return _route(f"{service.title} ({service.id})", way, profile, "hook.hooks")


def _record_route(profile: Profile, services: list[HookService]) -> Route:
    if not any(fires(service, profile) for service in services):
        way = "Read with our own tokens: no hook brings it"
        return _route("The record at chart-open", way, profile, "hook.hooks")
    way = (
        "Prefetch as our discovery document says it"
        if profile.hook.discovery
        else "Prefetch typed by hand, character by character, from the registration packet"
    )
    return _route("The record at chart-open", way, profile, "hook.discovery")


_BY_HAND = "`cds-service prepare` has the brief of a patient prepared"
_READ_ONLY = 'the brief is read in the app, and [write] route stays "none"'
_VISITS = {
    "fhir": "Read the booked appointments by FHIR, ahead of the visit",
    "v1": f"Not in this version: FHIR cannot tell, and the vendor's own appointments API is not read; {_BY_HAND}",
    "no": f"Not in this version: FHIR cannot tell, and no HL7 v2 messages are received; {_BY_HAND}",
}
_BACKEND = {
    "yes": "SMART backend services with our key set",
    "unconfirmed": "SMART backend services, once the vendor has granted them: advertised is not granted",
    "no": "None: work ahead of the visit is not possible",
}
_NOTES = {
    "fhir": "DocumentReference create, after a clinician approved, read back afterwards",
    "v1": f"Not in this version: FHIR takes no note, and the vendor's own note API is not used; {_READ_ONLY}",
    "v2": f"Not in this version: FHIR takes no note, and no HL7 v2 messages are sent; {_READ_ONLY}",
    "none": "None: no way is known",
}


def _visit_route(profile: Profile) -> Route:
    if "appointment-book" in profile.hook.hooks:
        way = f"The hook appointment-book; besides: {_VISITS[profile.visits.poll]}"
        return _route("Visits to come", way, profile, "hook.hooks")
    way = _VISITS[profile.visits.poll]
    if profile.visits.poll == "fhir":
        way += f" (searched by {', '.join(profile.visits.poll_by)})"
    return _route("Visits to come", way, profile, "visits.poll")


def _backend_route(profile: Profile) -> Route:
    return _route("Work ahead", _BACKEND[profile.oauth.backend], profile, "oauth.backend")


def _note_route(profile: Profile) -> Route:
    return _route("Notes in the chart", _NOTES[profile.note.route], profile, "note.route")


def _route(purpose: str, way: str, profile: Profile, fact: str) -> Route:
    known = next((each for each in facts(profile.vendor) if each.name == fact), None)
    return Route(
        purpose=purpose,
        way=way,
        why=source_of(profile, fact),
        confirm=known is not None and known.verify,
    )


def source_of(profile: Profile, name: str) -> str:
    """Return where a value of the profile comes from."""
    for fact in facts(profile.vendor):
        if fact.name == name:
            return f"{fact.source} ({fact.confidence})"
    return "our default; this vendor is not known to differ"


_NOTE_APIS = {
    "DocumentReference.Create (Clinical Notes) (R4)": ("file an approved note",),
    "DocumentReference.Read (Clinical Notes) (R4)": ("read it back",),
    "DocumentReference.Search (Clinical Notes) (R4)": ("find it after a lost answer",),
}


def grants(
    profile: Profile, services: Iterable[HookService], parts: frozenset[Part]
) -> Iterator[Grant]:
    """Yield what the EHR has to grant: to a hook's token, to our backend client, to the app."""
    needs = tuple(dict.fromkeys(need for service in services for need in service.needs))
    if profile.oauth.backend_scope == "omit":
        entries = dict(apis(needs, profile))
        if "write" in parts and profile.note.route == "fhir":
            entries |= _NOTE_APIS
        yield Grant(title="APIs on the client's record", entries=entries)
    if "hooks" in parts and profile.hook.scope_format == "smart":
        yield Grant(
            title="Scopes of a hook call's token",
            entries=scopes_for(needs, profile, level="patient"),
        )
    if "read" in parts and profile.oauth.backend_scope == "send":
        yield Grant(
            title="Scopes of our backend client",
            entries=scopes_for(needs, profile, level="system"),
        )
    if "launch" in parts:
        yield Grant(title="Scopes of the SMART app", entries=_launch(needs, profile, parts))


def _launch(
    needs: Iterable[NeedName], profile: Profile, parts: frozenset[Part]
) -> Mapping[str, tuple[str, ...]]:
    entries: dict[str, tuple[str, ...]] = dict.fromkeys(LAUNCH, ("sign in from the chart",))
    entries |= scopes_for(needs, profile, level="user")
    if "write" in parts and profile.note.route == "fhir":
        entries.pop("user/DocumentReference.rs", None)  # the scope that writes reads too
        for scope in write_scope(profile, level="user").split():
            entries[scope] = (_FILES[profile.note.withdraw],)
    return entries
