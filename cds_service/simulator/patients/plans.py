"""Record care plans with their teams and goals, family history, advance directives and insurance."""

import datetime as dt

from . import clock
from .chart import Chart
from .directory import organization, practitioner
from .terms import Json, coding, hl7, reference
from .visits import attachment


def care(chart: Chart, since: dt.date, text: str, about: list[str], **people: str) -> None:
    """Record a CareTeam, a Goal and a CarePlan that ties them together.

    `about` holds references of Conditions; each keyword is a clinician's key and the role's words.
    """
    at = clock.instant(since, 14)
    members = [
        {"role": [{"text": role}], "member": practitioner(key)} for key, role in people.items()
    ]
    team = chart.add(
        "CareTeam",
        "care-team",
        {
            "status": "active",
            "name": f"Care team of {chart.person.given} {chart.person.family}",
            "subject": chart.patient(),
            "participant": [{"role": [{"text": "Patient"}], "member": chart.patient()}, *members],
            "managingOrganization": [organization()],
        },
        at=at,
    )
    goal = chart.add(
        "Goal",
        "goal",
        {
            "lifecycleStatus": "active",
            "description": {"text": text.partition(". ")[0]},
            "subject": chart.patient(),
            "startDate": since.isoformat(),
        },
        at=at,
    )
    plan: Json = {
        "text": {
            "status": "generated",
            "div": f'<div xmlns="http://www.w3.org/1999/xhtml">{text}</div>',
        },
        "status": "active",
        "intent": "plan",
        "category": [
            {
                "coding": [
                    coding(
                        "http://hl7.org/fhir/us/core/CodeSystem/careplan-category",
                        "assess-plan",
                        "Assessment and Plan of Treatment",
                    )
                ]
            }
        ],
        "description": text,
        "subject": chart.patient(),
        "period": {"start": since.isoformat()},
        "careTeam": [reference(team)],
        "addresses": [reference(each) for each in about],
        "goal": [reference(goal)],
    }
    chart.add("CarePlan", "care-plan", plan, at=at)


def family(
    chart: Chart, day: dt.date, relation: tuple[str, str], problem_text: str, onset: int
) -> str:
    """Record a relative's condition (v3-RoleCode relation, text, age at onset) and return its reference."""
    body: Json = {
        "status": "completed",
        "patient": chart.patient(),
        "date": day.isoformat(),
        "relationship": hl7("v3-RoleCode", *relation),
        "condition": [
            {
                "code": {"text": problem_text},
                "onsetAge": {
                    "value": onset,
                    "unit": "years",
                    "system": "http://unitsofmeasure.org",
                    "code": "a",
                },
            }
        ],
    }
    return chart.add(
        "FamilyMemberHistory", f"family-{relation[0].lower()}", body, at=clock.instant(day, 9, 40)
    )


def directive(chart: Chart, day: dt.date, text: str) -> str:
    """Record an advance directive as a Consent with its wording and return its reference."""
    body: Json = {
        "status": "active",
        "scope": hl7("consentscope", "adr", "Advanced Care Directive"),
        "category": [hl7("consentcategorycodes", "acd", "Advance Directive")],
        "patient": chart.patient(),
        "dateTime": clock.instant(day, 13),
        "organization": [organization()],
        "sourceAttachment": attachment(text, "Advance directive"),
        "policyRule": hl7("v3-ActCode", "OPTIN"),
    }
    return chart.add("Consent", "advance-directive", body, at=clock.instant(day, 13))


def coverage(chart: Chart, since: dt.date, plan: str) -> str:
    """Record the insurance of that plan name and return its reference."""
    body: Json = {
        "status": "active",
        "type": {"text": plan},
        "subscriberId": f"SYN-{chart.person.mrn}",
        "beneficiary": chart.patient(),
        "relationship": hl7("subscriber-relationship", "self"),
        "period": {"start": since.isoformat()},
        "payor": [organization("prairie-health-plan")],
    }
    return chart.add("Coverage", "coverage", body, at=clock.instant(since, 8))
