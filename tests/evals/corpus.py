"""The charts that briefs are judged on, and what is true of them: from the generator and from charts read by hand.

Nothing here asks the product's rules. What must be shown is worked out anew, simply, from the raw resources, and
what a clinician wrote down before any brief was seen is taken as it stands (`tests/brief/charts`).
"""

import tomllib
from dataclasses import dataclass, replace
from datetime import date, datetime
from functools import cache
from pathlib import Path
from zoneinfo import ZoneInfo

from cds_service.context.bundle import bundle_context
from cds_service.domain.evidence import Context, Search
from cds_service.domain.json import decode
from cds_service.domain.needs import NEEDS
from cds_service.simulator import patients

NOW = datetime.fromisoformat("2026-11-23T15:00:00Z")
ZONE = ZoneInfo("America/Chicago")
ANCHOR = date(2026, 11, 23)
HAND_READ = Path(__file__).parents[1] / "brief" / "charts"
TWO_YEARS, WAITING = 730, (31, 365)
HIGH_ALERT = (
    "warfarin",
    "apixaban",
    "rivaroxaban",
    "insulin",
    "methotrexate",
    "oxycodone",
    "morphine",
    "tacrolimus",
    "lamotrigine",
    "carbamazepine",
)
"""Names that a pharmacist would underline; shorter than the product's own list, and written without it."""


@dataclass(frozen=True)
class Fact:
    """One thing that is true of a chart: a line of the brief has to cite one of these."""

    what: str
    refs: frozenset


@dataclass(frozen=True)
class Chart:
    """One patient, as gathered, with the raw resources and what must be shown."""

    patient: str
    context: Context
    raw: dict
    must_show: tuple
    expected: tuple
    never: tuple


@cache
def charts():
    """Every synthetic patient who has a chart."""
    return tuple(_chart(each) for each in patients.patient_ids())


def _chart(patient):
    made = patients.resources(patient, anchor=ANCHOR)
    resources = decode(patients.to_json(made))
    raw = {f"{each['resourceType']}/{each['id']}": each for each in resources}
    hand = HAND_READ / f"{patient}.toml"
    read = (
        tomllib.loads(hand.read_text("utf-8")) if hand.exists() else {"expected": [], "never": []}
    )
    return Chart(
        patient=patient,
        context=searched(resources, patient),
        raw=raw,
        must_show=tuple(_must_show(raw)),
        expected=tuple(read["expected"]),
        never=tuple(read["never"]),
    )


def searched(resources, patient, states=None):
    """The Context as complete searches bring it; `states` say otherwise for some needs."""
    bundle = {
        "resourceType": "Bundle",
        "type": "collection",
        "entry": [{"resource": each} for each in resources],
    }
    made = bundle_context(bundle, patient=patient, now=NOW, zone=ZONE)
    found = {each.need: each.found for each in made.ledger.searches}
    searches = tuple(
        Search(
            need=need,
            key=need,
            state=(states or {}).get(need, "complete"),
            found=found.get(need, 0),
            source="read",
            at=NOW,
        )
        for need in NEEDS
    )
    return replace(made, ledger=replace(made.ledger, searches=searches))


def day_of(resource):
    """Return the first date that a resource gives, as text; "" for none."""
    period = resource.get("period") or {}
    names = ("effectiveDateTime", "authoredOn", "onsetDateTime", "recordedDate", "start", "issued")
    return str(next((resource[n] for n in names if n in resource), period.get("start", "")))[:10]


def _days_ago(resource):
    day = day_of(resource)
    return (ANCHOR - date.fromisoformat(day)).days if len(day) == 10 else None


def _codes(concept):
    return {each.get("code") for each in (concept or {}).get("coding", [])}


def _status(resource):
    return _codes(resource.get("clinicalStatus")) | {resource.get("status")}


def _name(resource):
    concept = resource.get("code") or resource.get("medicationCodeableConcept") or {}
    displays = [each.get("display", "") for each in concept.get("coding", [])]
    return " ".join([concept.get("text", ""), *displays]).lower()


def _must_show(raw):
    """Yield what no brief may leave out, by plain reading of the resources."""
    right = {
        ref: each
        for ref, each in raw.items()
        if each.get("status") != "entered-in-error"
        and not _codes(each.get("verificationStatus")) & {"entered-in-error", "refuted"}
    }
    yield from _allergies(right)
    yield from _criticals(right)
    yield from _orders(right)
    for ref, each in right.items():
        kind = ref.partition("/")[0]
        ended = (each.get("period") or {}).get("end", "9999")[:10] < ANCHOR.isoformat()
        if kind == "Flag" and each.get("status") == "active" and not ended:
            yield Fact("active flag", frozenset({ref}))
        active = (
            kind in {"MedicationRequest", "MedicationStatement"} and each.get("status") == "active"
        )
        if active and any(word in _name(each) for word in HIGH_ALERT):
            yield Fact("high-alert medicine", frozenset({ref}))
        if (
            kind == "Appointment"
            and each.get("status") == "booked"
            and each["start"][:10] >= ANCHOR.isoformat()
        ):
            yield Fact("booked visit", frozenset({ref}))


def _allergies(right):
    for ref, each in right.items():
        if not ref.startswith("AllergyIntolerance/") or _status(each) & {"inactive", "resolved"}:
            continue
        severe = any(r.get("severity") == "severe" for r in each.get("reaction", []))
        if severe or each.get("criticality") == "high":
            yield Fact("severe allergy", frozenset({ref}))
        elif "no known" not in _name(each):
            yield Fact("allergy", frozenset({ref}))


def _criticals(right):
    newest = {}
    for ref, each in right.items():
        if ref.startswith("Observation/") and each.get("status") in {
            "final",
            "amended",
            "corrected",
        }:
            key = frozenset(_codes(each.get("code"))) or _name(each)
            if key not in newest or day_time(each) > day_time(right[newest[key]]):
                newest[key] = ref
    for ref in newest.values():
        flags = {c for i in right[ref].get("interpretation", []) for c in _codes(i)}
        ago = _days_ago(right[ref])
        if flags & {"HH", "LL", "AA"} and ago is not None and ago <= TWO_YEARS:
            yield Fact("critical result", frozenset({ref}))


def day_time(resource):
    return str(resource.get("effectiveDateTime", ""))


def _orders(right):
    answered = {
        based["reference"]
        for each in right.values()
        if each["resourceType"] in {"Observation", "DiagnosticReport", "Procedure"}
        for based in each.get("basedOn", [])
    }
    answered |= {
        each["focus"]["reference"]
        for each in right.values()
        if each["resourceType"] == "Task" and each.get("status") == "completed" and "focus" in each
    }
    later = [
        (day_of(each), _codes(each.get("code")))
        for each in right.values()
        if each["resourceType"] in {"Observation", "DiagnosticReport", "Procedure"}
    ]
    for ref, each in right.items():
        if (
            not ref.startswith("ServiceRequest/")
            or each.get("status") != "active"
            or ref in answered
        ):
            continue
        ago = _days_ago(each)
        same = any(day > day_of(each) and codes & _codes(each.get("code")) for day, codes in later)
        if each.get("intent") == "order" and ago and WAITING[0] <= ago <= WAITING[1] and not same:
            yield Fact("open order", frozenset({ref}))
