"""Record encounters with their vital signs and notes, hospital stays, and booked appointments."""

import base64
import datetime as dt

from . import clock
from .chart import Chart, Visit
from .directory import organization, place, practitioner
from .results import vitals
from .terms import ACT_CODE, SNOMED, Json, coding, concept, hl7, reference
from .vocabulary import NOTES, reason

# kind -> class code, class display, SNOMED CT type, its display, usual minutes
_KINDS = {
    "office": ("AMB", "ambulatory", "390906007", "Follow-up encounter", 30),
    "new": ("AMB", "ambulatory", "185349003", "Encounter for check up", 45),
    "wellness": ("AMB", "ambulatory", "410620009", "Well child visit", 30),
    "prenatal": ("AMB", "ambulatory", "424619006", "Prenatal visit", 25),
    "checkup": ("AMB", "ambulatory", "185349003", "Encounter for check up", 45),
    "video": ("VR", "virtual", "448337001", "Telemedicine consultation with patient", 20),
    "emergency": ("EMER", "emergency", "50849002", "Emergency room admission", 240),
    "inpatient": ("IMP", "inpatient encounter", "32485007", "Hospital admission", 300),
}


def visit(
    chart: Chart,
    day: dt.date,
    why: str,
    *,
    kind: str = "office",
    by: str = "adler",
    **more: object,
) -> Visit:
    """Record a finished encounter and return it.

    `more` may hold `note` (text of the note), `days` (length of a stay), and vital signs as
    `results.vitals` takes them.
    """
    code, display, snomed, type_display, minutes = _KINDS[kind]
    stay = int(str(more.pop("days", 0)))
    note = str(more.pop("note", ""))
    hour = chart.chance.randrange(8, 16)
    start = clock.instant(day, hour, chart.chance.choice((0, 15, 30, 45)))
    left = day + dt.timedelta(days=stay)
    end = clock.instant(left, min(hour + 1 + minutes // 60, 22), minutes % 60)
    discharge = {"dischargeDisposition": hl7("discharge-disposition", "home", "Home")}
    body: Json = {
        "status": "finished",
        "class": coding(ACT_CODE, code, display),
        "type": [concept(SNOMED, snomed, type_display)],
        "subject": chart.patient(),
        "participant": [
            {
                "type": [hl7("v3-ParticipationType", "PPRF", "primary performer")],
                "individual": practitioner(by),
            }
        ],
        "period": {"start": start, "end": end},
        "reasonCode": [reason(why)],
        **({"hospitalization": discharge} if kind == "inpatient" else {}),
        "location": [{"location": place(by)}],
        "serviceProvider": organization(),
    }
    made = Visit(chart.add("Encounter", f"{kind}-visit", body, at=end), day, left, start, by)
    chart.visits.append(made)
    if more:
        vitals(chart, made, **more)
    if note:
        add_note(chart, made, note, kind=_NOTE_OF.get(kind, "progress"))
    return made


_NOTE_OF = {
    "new": "history",
    "checkup": "history",
    "emergency": "emergency",
    "inpatient": "discharge",
}


def add_note(chart: Chart, seen: Visit, text: str, *, kind: str = "progress") -> str:
    """Record a signed clinical note of that visit and return its reference."""
    display = NOTES[kind].display
    body: Json = {
        "status": "current",
        "docStatus": "final",
        "type": NOTES[kind].concept(),
        "category": [
            {
                "coding": [
                    coding(
                        "http://hl7.org/fhir/us/core/CodeSystem/us-core-documentreference-category",
                        "clinical-note",
                        "Clinical Note",
                    )
                ]
            }
        ],
        "subject": chart.patient(),
        "date": seen.start,
        "author": [practitioner(seen.by)],
        "custodian": organization(),
        "content": [{"attachment": attachment(text, f"{display}, {seen.day.isoformat()}")}],
        "context": {"encounter": [reference(seen.reference)], "period": {"start": seen.start}},
    }
    return chart.add("DocumentReference", f"{kind}-note", body, at=seen.start)


def attachment(text: str, title: str) -> Json:
    """Return a plain-text Attachment that carries the text itself."""
    data = base64.b64encode(text.encode()).decode()
    return {
        "contentType": "text/plain; charset=utf-8",
        "language": "en-US",
        "data": data,
        "title": title,
    }


def book(
    chart: Chart, ahead: int, why: str, *, by: str = "adler", minutes: int = 30, **more: object
) -> str:
    """Record the appointment booked for that many days after the anchor, or the next open day."""
    day = clock.weekday(chart.anchor + dt.timedelta(days=ahead), step=1)
    hour = chart.chance.randrange(8, 15)
    end = clock.instant(day, hour + minutes // 60, minutes % 60)
    created = chart.ago(days=21)
    body: Json = {
        "status": "booked",
        "serviceType": [hl7("service-type", "124", "General Practice")],
        "appointmentType": hl7(
            "v2-0276", "FOLLOWUP", "A follow up visit from a previous appointment"
        ),
        "reasonCode": [reason(why)],
        "start": clock.instant(day, hour),
        "end": end,
        "minutesDuration": minutes,
        "created": created.isoformat(),
        "participant": [
            {"actor": chart.patient(), "status": "accepted"},
            {"actor": practitioner(by), "status": "accepted"},
            {"actor": place(by), "status": "accepted"},
        ],
        **more,
    }
    return chart.add("Appointment", "upcoming", body, at=clock.instant(created, 10, 5))


def missed(chart: Chart, day: dt.date, why: str, *, by: str = "adler") -> str:
    """Record a past appointment to which the patient did not come and return its reference."""
    body: Json = {
        "status": "noshow",
        "reasonCode": [reason(why)],
        "start": clock.instant(day, 10),
        "end": clock.instant(day, 10, 30),
        "participant": [
            {"actor": chart.patient(), "status": "accepted"},
            {"actor": practitioner(by), "status": "accepted"},
        ],
    }
    return chart.add("Appointment", "missed", body, at=clock.instant(day, 17))
