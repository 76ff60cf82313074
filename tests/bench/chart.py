"""One synthetic chart as a patient-view call: about 150 resources and 260 KiB of prefetch, every key filled."""

import re
from collections.abc import Iterator
from datetime import date

import orjson

from cds_service.catalog import load_catalog
from cds_service.simulator import patients
from cds_service.simulator.wire import dumps
from cds_service.vendors import Query, load_profile, queries

PATIENT = "harold-lindqvist"
SERVICE = "patient-view-brief"
BODY_BYTES = 260 * 1024
RESOURCES = {
    "appointment": 1,
    "problems": 13,
    "allergies": 2,
    "medications": 26,
    "medication_statements": 2,
    "results": 40,
    "vitals": 20,
    "encounters": 12,
    "orders": 2,
    "reports": 15,
    "immunizations": 11,
    "procedures": 2,
    "flags": 2,
}
"""How many of each search's newest results are sent; with the Patient and the encounter they are 150."""
_DATE = re.compile(rb'"(20\d\d)-(\d\d)-(\d\d)')
_WORDS = "Synthetic narrative, as an EHR adds it to each resource. "

Resource = dict[str, object]


def plan() -> list[Query]:
    """Return every query of the service, as a generic EHR is asked."""
    service = load_catalog(("hooks",)).by_id[SERVICE]
    return [q for need in service.needs for q in queries(need, load_profile("generic-r4"))]


def call(
    *, anchor: date, fhir_server: str, prefetched: bool = True, times: int = 1
) -> tuple[bytes, dict[str, object]]:
    """Return the body of one call, and the prefetch by key.

    `times` repeats the searched part of the record with other ids and earlier years. With `prefetched` false the body
    offers access only.
    """
    chart = patients.resources(PATIENT, anchor=anchor)
    newest = max((r for r in chart if r["resourceType"] == "Encounter"), key=_when)
    prefetch = {q.key: _answer(q, chart, newest, times) for q in plan()}
    _pad(prefetch, BODY_BYTES * times)
    body = {
        "hook": "patient-view",
        "hookInstance": "d1577c69-dfbe-44ad-ba6d-3e05e953b2ea",
        "fhirServer": fhir_server,
        "fhirAuthorization": {
            "access_token": "bench",
            "token_type": "Bearer",
            "expires_in": 300,
            "scope": "user/*.rs",
            "subject": "bench",
        },
        "context": {
            "userId": "Practitioner/adler",
            "patientId": PATIENT,
            "encounterId": newest["id"],
        },
    }
    return dumps(body | {"prefetch": prefetch} if prefetched else body), prefetch


def resources(prefetch: dict[str, object]) -> Iterator[Resource]:
    """Yield every resource of a prefetch."""
    for answer in prefetch.values():
        if answer["resourceType"] == "Bundle":
            yield from (entry["resource"] for entry in answer["entry"])
        else:
            yield answer


def _answer(query: Query, chart: list[Resource], encounter: Resource, times: int) -> Resource:
    if query.read:
        wanted = PATIENT if query.type == "Patient" else encounter["id"]
        return dict(next(r for r in chart if (r["resourceType"], r["id"]) == (query.type, wanted)))
    category = dict(query.params).get("category")
    found = [
        r
        for r in chart
        if r["resourceType"] == query.type and (category is None or category in str(r["category"]))
    ]
    chosen = sorted(found, key=_when, reverse=True)[: RESOURCES[query.key]]
    if len(chosen) < RESOURCES[query.key]:
        raise ValueError(f"the chart has too few for {query.key}")
    entries = [{"resource": _copy(r, n)} for n in range(times) for r in chosen]
    return {
        "resourceType": "Bundle",
        "type": "searchset",
        "total": len(entries),
        "entry": entries,
    }


def _when(resource: Resource) -> str:
    period = resource.get("period", {})
    names = ("effectiveDateTime", "authoredOn", "occurrenceDateTime", "recordedDate")
    return str(next((resource[n] for n in names if n in resource), period.get("start", "")))


def _copy(resource: Resource, number: int) -> Resource:
    """Return the same entry `number` years earlier, under another id."""
    if number == 0:
        return dict(resource)
    earlier = _DATE.sub(
        lambda m: b'"%d-%s-%s' % (int(m[1]) - number, m[2], min(m[3], b"28")), dumps(resource)
    )
    return orjson.loads(earlier) | {"id": f"{resource['id']}-{number}"}


def _pad(prefetch: dict[str, object], size: int) -> None:
    """Give every resource a narrative of equal length, so that the prefetch has this many bytes."""
    everything = list(resources(prefetch))
    missing = size - len(dumps(prefetch))
    frame = {"status": "generated", "div": '<div xmlns="http://www.w3.org/1999/xhtml"></div>'}
    each = missing // len(everything) - len(dumps({"text": frame}))
    for resource in everything:
        words = (_WORDS * (each // len(_WORDS) + 1))[:each]
        div = f'<div xmlns="http://www.w3.org/1999/xhtml">{words}</div>'
        resource["text"] = {"status": "generated", "div": div}
