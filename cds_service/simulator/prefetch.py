"""Resolves prefetch templates the way an EHR does: literally, against its own records."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal
from urllib.parse import parse_qsl, unquote

from httpx import codes

from cds_service.simulator.fhir import FhirRecords, RefusedError
from cds_service.simulator.outcomes import outcome
from cds_service.simulator.wire import Json

if TYPE_CHECKING:
    from collections.abc import Mapping

    from cds_service.simulator.faults import Faults

_TOKEN = re.compile(r"\{\{\s*([^}]*?)\s*\}\}")
_USER_TOKENS = {
    "userPractitionerId": "Practitioner",
    "userPractitionerRoleId": "PractitionerRole",
    "userPatientId": "Patient",
    "userRelatedPersonId": "RelatedPerson",
}


@dataclass(frozen=True, slots=True)
class Offer:
    """What one call offers the service. The default offers everything.

    `only` keeps these prefetch keys, `drop` leaves keys out, `outcomes` answers keys with an
    OperationOutcome, `page_size` cuts searches into pages, `empty` says how an empty search
    looks (default: the EHR's habit).
    """

    prefetch: Literal["full", "none"] = "full"
    only: frozenset[str] | None = None
    drop: frozenset[str] = frozenset()
    outcomes: frozenset[str] = frozenset()
    page_size: int | None = None
    empty: Literal["bundle", "null"] | None = None
    fhir_server: bool = True
    authorization: bool = True
    scope: str | None = None
    trigger: str = "60"
    extension: Mapping[str, object] | None = None


def fill(template: str, context: Json) -> str | None:
    """Put the context's values into a template; None when a token cannot be resolved."""
    missing = False

    def value(match: re.Match[str]) -> str:
        nonlocal missing
        found = _value(match.group(1), context)
        missing = missing or found is None
        return found or ""

    filled = _TOKEN.sub(value, template)
    return None if missing else filled


def _value(token: str, context: Json) -> str | None:
    kind, _, key = str(context.get("userId", "")).partition("/")
    if token in _USER_TOKENS:
        return key if kind == _USER_TOKENS[token] else None
    root, _, name = token.partition(".")
    found = context.get(name) if root == "context" else None
    return found if isinstance(found, str) else None


def run(
    records: FhirRecords, query: str, *, patient: str | None = None, page_size: int | None = None
) -> Json | None:
    """Run a filled template: `Type/id` reads, `Type?...` searches; None for an empty read.

    `patient` is whose token comes with the call: a next link is good for that token only.

    Raises RefusedError when the EHR refuses the search.
    """
    kind, mark, text = query.partition("?")
    if mark:
        asked = parse_qsl(text, keep_blank_values=True)
        return records.search(kind, asked, patient=patient, page_size=page_size)
    name, _, key = kind.partition("/")
    try:
        return records.read(name, unquote(key))
    except RefusedError as error:
        if error.status == codes.NOT_FOUND:
            return None
        raise


def resolve(
    records: FhirRecords,
    templates: Mapping[str, str],
    context: Json,
    offer: Offer,
    *,
    faults: Faults,
) -> dict[str, Json | None]:
    """Give the prefetch object of one call; a key that is left out was not honoured."""
    found: dict[str, Json | None] = {}
    if offer.prefetch == "none":
        return found
    owner = context.get("patientId") if offer.authorization else None
    for key, template in templates.items():
        query = fill(template, context)
        wanted = offer.only is None or key in offer.only
        if query is None or not wanted or key in offer.drop:
            continue
        fault = faults.take("cds", key, {"outcome", "refused", "null"})
        kind = "outcome" if key in offer.outcomes else fault.kind if fault is not None else ""
        if kind == "outcome":
            found[key] = outcome("exception", "this query failed")
        elif kind == "null":
            found[key] = None
        elif kind != "refused":
            _answer(records, key, (query, owner), offer, found)
    return found


def _answer(
    records: FhirRecords,
    key: str,
    asked: tuple[str, str | None],
    offer: Offer,
    found: dict[str, Json | None],
) -> None:
    query, patient = asked
    style = records.personality.hooks
    try:
        answer = run(records, query, patient=patient, page_size=offer.page_size)
    except RefusedError as error:
        if style.failed_template == "outcome":
            found[key] = error.outcome
    else:
        found[key] = _emptied(answer, offer.empty or style.empty_search)


def _emptied(answer: Json | None, style: str) -> Json | None:
    if answer is None or answer["resourceType"] != "Bundle" or style == "bundle":
        return answer
    hits = [one for one in answer.get("entry", []) if one["search"]["mode"] == "match"]
    return answer if hits else None
