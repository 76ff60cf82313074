"""Record the parts of a chart that outlive a visit: problems, allergies, vaccines, plans, orders."""

import datetime as dt

from . import clock
from .chart import Chart
from .directory import organization, practitioner
from .labs import PANELS
from .terms import LOINC, SNOMED, Json, concept, hl7, reference
from .vocabulary import (
    ALLERGENS,
    PROCEDURES,
    REACTIONS,
    REFERRALS,
    STUDIES,
    VACCINES,
    diagnosis_code,
    reason,
)


def problem(chart: Chart, key: str, since: dt.date, **more: object) -> str:
    """Record a Condition and return its reference.

    `more` may hold `until` (day of resolution), `category` (default problem-list-item), and
    further elements.
    """
    until = more.pop("until", None)
    category = str(more.pop("category", "problem-list-item"))
    at = clock.instant(until if isinstance(until, dt.date) else since, 16, 20)
    body: Json = {
        "clinicalStatus": hl7("condition-clinical", "resolved" if until else "active"),
        "verificationStatus": hl7("condition-ver-status", "confirmed"),
        "category": [hl7("condition-category", category)],
        "code": diagnosis_code(key),
        "subject": chart.patient(),
        **chart.encounter(since),
        "onsetDateTime": since.isoformat(),
        **({"abatementDateTime": until.isoformat()} if isinstance(until, dt.date) else {}),
        "recordedDate": since.isoformat(),
        "recorder": practitioner(chart.clinician(since)),
        **more,
    }
    return chart.add("Condition", key, body, at=at, version=2 if until else 1)


def diagnosis(chart: Chart, key: str, day: dt.date, **more: object) -> str:
    """Record an encounter diagnosis, resolved two weeks later where that is before the anchor."""
    over = day + dt.timedelta(days=14)
    more.setdefault("until", over if over < chart.anchor else None)
    return problem(chart, key, day, category="encounter-diagnosis", **more)


def allergy(
    chart: Chart, key: str, since: dt.date, reaction: str = "", severity: str = "", **more: object
) -> str:
    """Record an active AllergyIntolerance, severe reactions with high criticality; return its reference."""
    substance = ALLERGENS[key]
    seen: Json = {"manifestation": [REACTIONS[reaction].concept()]} if reaction else {}
    if severity:
        seen["severity"] = severity
    body: Json = {
        "clinicalStatus": hl7("allergyintolerance-clinical", "active"),
        "verificationStatus": hl7("allergyintolerance-verification", "confirmed"),
        "type": "allergy",
        "category": [substance.note],
        "criticality": "high" if severity == "severe" else "low",
        "code": substance.concept(),
        "patient": chart.patient(),
        "recordedDate": since.isoformat(),
        "recorder": practitioner(chart.clinician(since)),
        **({"reaction": [seen]} if reaction else {}),
        **more,
    }
    return chart.add("AllergyIntolerance", f"allergy-{key}", body, at=clock.instant(since, 9, 30))


def no_known_allergies(chart: Chart, since: dt.date, **more: object) -> str:
    """Record the explicit statement that no allergy is known and return its reference."""
    body: Json = {
        "clinicalStatus": hl7("allergyintolerance-clinical", "active"),
        "verificationStatus": hl7("allergyintolerance-verification", "confirmed"),
        "code": ALLERGENS["none-known"].concept("No known allergies"),
        "patient": chart.patient(),
        "recordedDate": since.isoformat(),
        **more,
    }
    return chart.add(
        "AllergyIntolerance", "no-known-allergies", body, at=clock.instant(since, 9, 30)
    )


def immunize(chart: Chart, key: str, *days: dt.date) -> None:
    """Record that vaccine on each of those days that lies before the anchor."""
    for dose, day in enumerate(sorted(days), 1):
        if not chart.birth < day < chart.anchor:
            continue
        body: Json = {
            "status": "completed",
            "vaccineCode": VACCINES[key].concept(),
            "patient": chart.patient(),
            **chart.encounter(day),
            "occurrenceDateTime": day.isoformat(),
            "primarySource": True,
            "lotNumber": f"SYN{chart.chance.randrange(1000, 9999)}",
            "protocolApplied": [{"doseNumberPositiveInt": dose}],
        }
        chart.add("Immunization", f"vaccine-{key}", body, at=clock.instant(day, 10, 15))


def procedure(chart: Chart, key: str, day: dt.date, **more: object) -> str:
    """Record a completed Procedure and return its reference."""
    body: Json = {
        "status": "completed",
        "code": PROCEDURES[key].concept(),
        "subject": chart.patient(),
        **chart.encounter(day),
        "performedDateTime": day.isoformat(),
        "performer": [{"actor": practitioner(chart.clinician(day))}],
        **more,
    }
    return chart.add("Procedure", key, body, at=clock.instant(day, 15))


def order(chart: Chart, key: str, day: dt.date, **more: object) -> str:
    """Record a ServiceRequest for a panel, study or referral and return its reference.

    It stays active unless `status` says otherwise; `more` may hold `why` and further elements.
    """
    why = str(more.pop("why", ""))
    name, category, code = _ordered(key)
    body: Json = {
        "status": "active",
        "intent": "order",
        "category": [concept(SNOMED, *category)],
        "priority": "routine",
        "code": code,
        "subject": chart.patient(),
        **chart.encounter(day),
        "authoredOn": clock.instant(day, 11, 15),
        "requester": practitioner(chart.clinician(day)),
        **({"reasonCode": [reason(why)]} if why else {}),
        **more,
    }
    version = 1 if body["status"] == "active" else 2
    return chart.add("ServiceRequest", name, body, at=clock.instant(day, 11, 15), version=version)


def _ordered(key: str) -> tuple[str, tuple[str, str], Json]:
    laboratory = ("108252007", "Laboratory procedure")
    if key in REFERRALS:
        term = REFERRALS[key]
        return f"{key}-referral", ("3457005", "Patient referral"), term.concept(term.note)
    if key in STUDIES:
        imaging = STUDIES[key].note == "imaging"
        category = ("363679005", "Imaging") if imaging else laboratory
        return f"{key}-order", category, STUDIES[key].concept()
    return f"{key}-order", laboratory, concept(LOINC, *PANELS[key][:2])


def refer(chart: Chart, key: str, day: dt.date, **more: object) -> str:
    """Record a referral with the Task that follows it, both open, and return the request's reference."""
    made = order(chart, key, day, **more)
    at = clock.instant(day, 11, 16)
    body: Json = {
        "status": "requested",
        "intent": "order",
        "priority": "routine",
        "code": hl7("task-code", "fulfill", "Fulfill the focal request"),
        "description": REFERRALS[key].note,
        "focus": reference(made),
        "for": chart.patient(),
        **chart.encounter(day),
        "authoredOn": at,
        "lastModified": at,
        "requester": practitioner(chart.clinician(day)),
        "owner": organization(),
    }
    chart.add("Task", f"{key}-task", body, at=at)
    return made


def flag(
    chart: Chart, text: str, since: dt.date, *, category: str = "safety", **more: object
) -> str:
    """Record an active Flag with that text and return its reference."""
    body: Json = {
        "status": "active",
        "category": [hl7("flag-category", category)],
        "code": {"text": text},
        "subject": chart.patient(),
        "period": {"start": since.isoformat()},
        "author": practitioner(chart.clinician(since)),
        **more,
    }
    return chart.add("Flag", f"{category}-flag", body, at=clock.instant(since, 12))
