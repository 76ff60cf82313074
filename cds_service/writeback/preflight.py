"""What would stop a note, found before anything is sent; each finding is one sentence that can be acted on."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from cds_service.domain.json import EMPTY, JsonObject
from cds_service.domain.note import Note
from cds_service.fhir.elements import code, objs, type_and_id
from cds_service.fhir.note import content
from cds_service.sites import Site
from cds_service.smart.scopes import grants


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that a clinician or an admin can act on."""

    code: str
    sentence: str
    who: Literal["clinician", "admin"]
    stops: bool = True
    """False: the note is filed, and something about it cannot be had."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Capability:
    """What a server's CapabilityStatement says of DocumentReference; all None where it could not be read."""

    create: bool | None = None
    search: bool | None = None
    conditional_create: bool | None = None


def capability(statement: JsonObject) -> Capability:
    """Return what a CapabilityStatement says of DocumentReference; anything else says nothing."""
    if type_and_id(statement)[0] != "CapabilityStatement":
        return Capability()
    servers = [rest for rest in objs(statement, "rest") if code(rest, "mode") == "server"]
    kinds = [kind for rest in servers for kind in objs(rest, "resource")]
    ours = next((kind for kind in kinds if code(kind, "type") == "DocumentReference"), EMPTY)
    codes = {code(each, "code") for each in objs(ours, "interaction")}
    return Capability(
        create="create" in codes,
        search="search-type" in codes,
        conditional_create=ours.get("conditionalCreate") is True,
    )


def preflight(note: Note, site: Site, *, scope: str, server: Capability) -> tuple[Finding, ...]:
    """Return what is wrong with filing this note at this site with these scopes."""
    return (*_site(site, server), *_note(note, site), *_scopes(scope))


def _site(site: Site, server: Capability) -> Iterator[Finding]:
    if site.file.write.route == "none":
        yield Finding(
            "no_route",
            "Filing notes is not switched on for this site: an administrator sets [write] route.",
            "admin",
        )
    elif server.create is False:
        yield Finding(
            "no_create",
            "The EHR's metadata lists no create of DocumentReference: an administrator asks the EHR for it.",
            "admin",
        )


def _note(note: Note, site: Site) -> Iterator[Finding]:
    rules = site.profile.note
    if rules.encounter_required and note.encounter is None:
        yield Finding(
            "no_encounter",
            "This EHR files notes only within an encounter: open the app from the visit, then approve.",
            "clinician",
        )
    size = len(content(note, rules).encode())
    if size > rules.max_bytes:
        yield Finding(
            "too_long",
            f"The note has {size:,} bytes and this EHR takes {rules.max_bytes:,}: drop some lines.",
            "clinician",
        )


def _scopes(scope: str) -> Iterator[Finding]:
    if grants(scope, "DocumentReference", "c") == []:
        yield Finding(
            "no_scope",
            "The app was not granted writing of notes (DocumentReference.c): an administrator adds it"
            " to the app's registration and to [smart] scopes.",
            "admin",
        )
    if grants(scope, "DocumentReference", "r") == []:
        yield Finding(
            "no_read_back",
            "The app may not read notes (DocumentReference.r), so that what is filed is not read back.",
            "admin",
            stops=False,
        )
