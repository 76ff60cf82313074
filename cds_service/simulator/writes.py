"""Takes creates and updates into the store, by the rules of the EHR's personality."""

from __future__ import annotations

import re
from base64 import b64decode, b64encode
from dataclasses import dataclass
from html import unescape
from typing import TYPE_CHECKING
from urllib.parse import parse_qsl

from cds_service.simulator import parameters, search
from cds_service.simulator.fhir import FhirRecords, RefusedError
from cds_service.simulator.store import owner
from cds_service.simulator.wire import Json, listed

if TYPE_CHECKING:
    from collections.abc import Callable

    from cds_service.simulator.personalities import CreateStyle

WRITABLE = frozenset(parameters.TYPES) - {"Patient", "Practitioner", "Organization"}


@dataclass(frozen=True, slots=True)
class Written:
    """The result of a write; `created` is false when If-None-Exist found the resource."""

    resource: Json
    created: bool


def create(
    records: FhirRecords,
    resource: Json,
    *,
    ids: Callable[[], str],
    patient: str | None = None,
    if_none_exist: str | None = None,
) -> Written:
    """Create a resource under a new id. Raises RefusedError for what the EHR will not take."""
    kind = resource["resourceType"]
    _check_subject(records, resource, patient)
    if kind == "DocumentReference":
        resource = _checked_note(records, resource)
    if if_none_exist and records.personality.create.if_none_exist:
        query = parse_qsl(if_none_exist, keep_blank_values=True)
        found = search.select(records.store.all(kind), query)
        if len(found) > 1:
            raise RefusedError(412, "multiple-matches", "If-None-Exist matches several")
        if found:
            return Written(found[0], created=False)
    return Written(records.store.put({**resource, "id": ids()}), created=True)


def update(
    records: FhirRecords,
    resource: Json,
    *,
    patient: str | None = None,
    if_match: str | None = None,
) -> Written:
    """Replace a resource. Raises RefusedError: 412 when `if_match` is not the stored version."""
    kind, key = resource["resourceType"], resource["id"]
    _check_subject(records, resource, patient)
    held = records.store.read(kind, key)
    if held is None:
        raise RefusedError(405, "not-supported", "a create with a chosen id is not supported")
    if patient is not None and held.patient != patient:
        raise RefusedError(403, "forbidden", "the token is for another patient")
    if if_match is not None and if_match.removeprefix("W/").strip('"') != held.version:
        raise RefusedError(412, "conflict", "this is not the current version")
    return Written(records.store.put(resource), created=False)


def altered(note: Json) -> Json:
    """Give the note as an EHR that rewrites notes would keep it: cut off, and signed."""
    contents = []
    for content in listed(note.get("content")):
        held = content["attachment"]
        text = b64decode(held.get("data", ""))
        data = b64encode(text[: len(text) // 2]).decode()
        contents.append({**content, "attachment": {**held, "data": data}})
    return {**note, "docStatus": "final", "content": contents}


def _check_subject(records: FhirRecords, resource: Json, patient: str | None) -> None:
    kind = resource["resourceType"]
    if kind not in WRITABLE:
        raise RefusedError(405, "not-supported", f"{kind} cannot be written here")
    about = owner(resource)
    if about is not None and records.store.read("Patient", about) is None:
        raise RefusedError(400, "59100", "Invalid subject received.")
    if patient is not None and about != patient:
        raise RefusedError(403, "forbidden", "the token is for another patient")


def _checked_note(records: FhirRecords, note: Json) -> Json:
    style = records.personality.create
    contents = [c for c in listed(note.get("content")) if c.get("attachment")]
    if owner(note) is None or note.get("status") != "current" or not contents:
        raise RefusedError(400, "required", "subject, status and content are required")
    if style.modifier_extension_code is not None and note.get("modifierExtension"):
        raise RefusedError(422, style.modifier_extension_code, "unknown modifier extension")
    if style.encounter_required and not _has_encounter(records, note):
        raise RefusedError(400, "59101", "Valid encounter required.")
    media, _, parameter = str(contents[0]["attachment"].get("contentType", "")).partition(";")
    wants_charset = style.charset_required and "charset=" not in parameter
    if style.content_types and (media not in style.content_types or wants_charset):
        raise RefusedError(400, "59102", "this content type is not supported")
    _check_elements(style, note)
    kept = [_as_kept(style, c) for c in contents[: style.attachments_kept]]
    return {k: v for k, v in note.items() if k not in style.ignored} | {"content": kept}


def _check_elements(style: CreateStyle, note: Json) -> None:
    missing = [path for path in style.required if not search.values_at(note, path)]
    wrong = style.doc_statuses and note.get("docStatus") not in style.doc_statuses
    if missing or wrong or style.refused & note.keys():
        raise RefusedError(
            422, "business-rule", "an element is missing, unknown or has no good value"
        )


def _as_kept(style: CreateStyle, content: Json) -> Json:
    """Give a content as this EHR keeps it: what is converted loses its layout."""
    if style.kept_as == "as_sent":
        return content
    held = content["attachment"]
    text = b64decode(held.get("data", "")).decode()
    if held["contentType"].startswith(("text/html", "application/xhtml")):
        text = unescape(re.sub(r"<[^>]*>", "\n", re.sub(r"<head>.*?</head>", "", text)))
    escaped = re.sub(r"([\\{}])", r"\\\1", " ".join(text.split()))
    told = "".join(c if c.isascii() else f"\\u{ord(c)}?" for c in escaped)
    data = b64encode(("{\\rtf1\\ansi " + told + "\\par}").encode()).decode()
    return {**content, "attachment": {**held, "contentType": "text/rtf", "data": data}}


def _has_encounter(records: FhirRecords, note: Json) -> bool:
    for value in search.values_at(note, "context.encounter"):
        kind, _, key = (search.reference_of(value) or "").partition("/")
        held = records.store.read(kind, key)
        if kind == "Encounter" and held is not None and held.patient == owner(note):
            return True
    return False
