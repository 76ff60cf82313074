"""Looks for a note of ours in the chart, by the search that this vendor allows."""

from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Literal
from urllib.parse import urlencode

from cds_service.domain.filing import ApprovedBrief
from cds_service.domain.json import EMPTY, JsonObject
from cds_service.fhir.client import Answer, FhirServer, next_link
from cds_service.fhir.elements import code, codes, obj, objs, type_and_id
from cds_service.fhir.note import IDENTIFIER_SYSTEM
from cds_service.vendors.profile import Profile
from cds_service.writeback.compare import attachment_url, holds

_MAX_PAGES = 20
_OK = 200
_UNAUTHORIZED = 401
_FORBIDDEN = 403


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """How a search for one note ended."""

    state: Literal["found", "none", "several", "unclear", "denied", "token"]
    """`unclear`: no conclusive answer, so that nothing may be sent on the strength of it."""
    location: str = ""
    resource: JsonObject = field(repr=False, default_factory=lambda: EMPTY)


async def find_note(
    server: FhirServer,
    approved: ApprovedBrief,
    *,
    profile: Profile,
    token: str,
    since: datetime,
    deadline: float,
) -> Found:
    """Search the patient's notes for ours. `since` is when it can have been stored at the earliest."""
    url = _address(server, approved, profile, since)
    matches: dict[str, JsonObject] = {}
    for _ in range(_MAX_PAGES):
        answer = await server.get(url, token=token, deadline=deadline)
        page = answer.body if isinstance(answer.body, dict) else EMPTY
        failed = _failure(answer, page, profile)
        if failed is not None:
            return failed
        for resource in _notes(page):
            if await _is_ours(server, resource, approved.identifier, token, deadline):
                matches["/".join(type_and_id(resource))] = resource
        link = next_link(page)
        if link is None:
            return _of(matches)
        below = server.on_base(link)
        if below is None:
            break
        url = below
    return Found(state="unclear")


def _of(matches: dict[str, JsonObject]) -> Found:
    """Return what a complete search found."""
    if len(matches) > 1:
        return Found(state="several")
    for location, resource in matches.items():
        return Found(state="found", location=location, resource=resource)
    return Found(state="none")


def _address(
    server: FhirServer, approved: ApprovedBrief, profile: Profile, since: datetime
) -> str:
    known = {
        "patient": approved.patient,
        "encounter": approved.encounter or "",
        "identifier": f"{IDENTIFIER_SYSTEM}|{approved.identifier}",
        "since": since.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z"),
    }
    asked = {name: value.format_map(known) for name, value in profile.note.find.items()}
    asked |= {profile.search.count_param: str(profile.search.page_size)}
    return f"{server.base_url}/DocumentReference?{urlencode(asked | profile.search.extra_params)}"


def _failure(answer: Answer, page: JsonObject, profile: Profile) -> Found | None:
    """Return why a page proves nothing, or None when it does."""
    if answer.status == _OK and page and not _is_cut(page, profile):
        return None
    if answer.status == _UNAUTHORIZED:
        return Found(state="token")
    return Found(state="denied" if answer.status == _FORBIDDEN else "unclear")


def _is_cut(page: JsonObject, profile: Profile) -> bool:
    """Return whether the server says that this is not all, or not for us: such a page proves no absence."""
    telling = {*profile.search.partial_codes, *profile.search.denied_codes}
    outcomes = [obj(each, "resource") for each in objs(page, "entry")]
    issues = [issue for each in outcomes for issue in objs(each, "issue")]
    said = {value for issue in issues for value in codes(obj(issue, "details"))}
    wrong = any(code(issue, "severity") in {"error", "fatal"} for issue in issues)
    return wrong or bool(telling & said)


def _notes(page: JsonObject) -> list[JsonObject]:
    found = [each.get("resource") for each in objs(page, "entry")]
    return [r for r in found if isinstance(r, dict) and type_and_id(r)[0] == "DocumentReference"]


async def _is_ours(
    server: FhirServer, resource: JsonObject, identifier: str, token: str, deadline: float
) -> bool:
    """Return whether a note is ours; where it carries no identifier, by the last line of its text."""
    if code(resource, "status") == "entered-in-error":
        return False
    if holds(resource, identifier):
        return True
    if objs(resource, "identifier"):
        return False
    return holds(await with_text(server, resource, token, deadline), identifier)


async def with_text(
    server: FhirServer, resource: JsonObject, token: str, deadline: float
) -> JsonObject:
    """Return the resource with the text that its attachment only points to; as it is where that fails."""
    address = attachment_url(resource)
    url = server.on_base(address) if address else None
    if url is None:
        return resource
    answer = await server.get(url, token=token, deadline=deadline)
    data = code(answer.body, "data") if isinstance(answer.body, dict) else ""
    if not data:
        return resource
    content = [{"attachment": {"data": data}}]
    return {**resource, "content": content}
