"""Small hand-written charts: resources of patient p1 on 23 November 2026 in Chicago."""

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime
from decimal import Decimal
from zoneinfo import ZoneInfo

from cds_service.brief import rule_brief
from cds_service.context.bundle import bundle_context
from cds_service.domain.brief import Brief
from cds_service.domain.evidence import Context, Gap, Ledger, Search
from cds_service.domain.needs import NEEDS

ZONE = ZoneInfo("America/Chicago")
NOW = datetime(2026, 11, 23, 9, 0, tzinfo=ZONE)
SUBJECT = {"reference": "Patient/p1"}
PATIENT = {
    "resourceType": "Patient",
    "id": "p1",
    "meta": {"versionId": "1"},
    "gender": "female",
    "birthDate": "1960-06-01",
}
LOINC = "http://loinc.org"
RXNORM = "http://www.nlm.nih.gov/research/umls/rxnorm"


def bundle(*resources, kind="collection"):
    return {
        "resourceType": "Bundle",
        "type": kind,
        "entry": [{"resource": each} for each in (PATIENT, *resources)],
    }


def context(*resources, **more) -> Context:
    """A Context over a Bundle; `proposed` and `encounter` as in Context."""
    made = bundle_context(bundle(*resources), patient="p1", now=NOW, zone=ZONE)
    return replace(made, **more)


def searched(
    *resources, states: dict[str, str] | None = None, dropped: Iterable[Gap] = ()
) -> Context:
    """A Context as searches bring it: every need complete but those in `states`."""
    made = context(*resources)
    searches = tuple(
        Search(need=n, key=n, state=(states or {}).get(n, "complete"), source="prefetch", at=NOW)
        for n in NEEDS
    )
    ledger = Ledger(
        patient="Patient/p1",
        evidence=made.ledger.evidence,
        searches=searches,
        dropped=tuple(dropped),
    )
    return replace(made, ledger=ledger)


def brief(*resources, **more) -> Brief:
    return rule_brief(context(*resources, **more))


def texts(made: Brief, section: str) -> list[str]:
    return [line.text for line in made.section(section)]


def flags(made: Brief, section: str) -> list[tuple[str, ...]]:
    return [line.statement.flags for line in made.section(section)]


def concept(text="", *codings):
    found = {
        "coding": [dict(zip(("system", "code", "display"), c, strict=False)) for c in codings]
    }
    return {**found, "text": text} if text else found


def coded(code):
    return {"coding": [{"code": code}]}


def condition(name, identity="c1", *, status="active", verified="confirmed", **more):
    return {
        "resourceType": "Condition",
        "id": identity,
        "subject": SUBJECT,
        "code": {"text": name},
        **({"clinicalStatus": coded(status)} if status else {}),
        **({"verificationStatus": coded(verified)} if verified else {}),
        "category": [coded("problem-list-item")],
        "onsetDateTime": "2020-01-02",
        **more,
    }


def allergy(name, identity="a1", *, status="active", verified="confirmed", **more):
    return {
        "resourceType": "AllergyIntolerance",
        "id": identity,
        "patient": SUBJECT,
        "code": {"text": name},
        "clinicalStatus": coded(status),
        "verificationStatus": coded(verified),
        "recordedDate": "2019-04-02",
        **more,
    }


def order(name, identity="m1", *, status="active", dose="Take 1 tablet daily", **more):
    return {
        "resourceType": "MedicationRequest",
        "id": identity,
        "subject": SUBJECT,
        "status": status,
        "intent": "order",
        "medicationCodeableConcept": {"text": name},
        "authoredOn": "2026-05-04",
        "dosageInstruction": [{"text": dose}],
        **more,
    }


def report(name, identity="s1", *, status="active", dose="Take 1 tablet daily", **more):
    return {
        "resourceType": "MedicationStatement",
        "id": identity,
        "subject": SUBJECT,
        "status": status,
        "medicationCodeableConcept": {"text": name},
        "dateAsserted": "2026-10-01",
        "dosage": [{"text": dose}],
        **more,
    }


def lab(value, when="2026-10-02", identity="o1", *, loinc="4548-4", unit="%", **more):
    return {
        "resourceType": "Observation",
        "id": identity,
        "subject": SUBJECT,
        "status": "final",
        "category": [coded("laboratory")],
        "code": {"coding": [{"system": LOINC, "code": loinc}]},
        **({"effectiveDateTime": when} if when else {}),
        **({"valueQuantity": {"value": Decimal(value), "unit": unit}} if value else {}),
        **more,
    }


def limits(low=None, high=None):
    sides = {"low": low, "high": high}
    return {"referenceRange": [{k: {"value": Decimal(v)} for k, v in sides.items() if v}]}


def flagged(code):
    return {"interpretation": [coded(code)]}


def seen(when="2026-09-01T10:00:00-05:00", identity="e1", *, kind="AMB", **more):
    return {
        "resourceType": "Encounter",
        "id": identity,
        "subject": SUBJECT,
        "status": "finished",
        "class": {"code": kind},
        "type": [{"text": "Office visit"}],
        "period": {"start": when},
        **more,
    }


def booked(start="2026-11-24T09:00:00-06:00", identity="ap1", **more):
    return {
        "resourceType": "Appointment",
        "id": identity,
        "status": "booked",
        "start": start,
        "participant": [{"actor": SUBJECT}],
        "reasonCode": [{"text": "Diabetes follow-up"}],
        **more,
    }


def plain(kind, identity, **more):
    return {"resourceType": kind, "id": identity, "subject": SUBJECT, **more}
