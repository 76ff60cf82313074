"""Reads from a record what an EHR shows about a person at the top of a page."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from typing import TYPE_CHECKING

from cds_service.simulator.wire import Json, listed

if TYPE_CHECKING:
    from cds_service.simulator.store import Store


@dataclass(frozen=True, slots=True)
class Banner:
    """Who the patient is, as text."""

    name: str
    born: str
    age: str
    sex: str
    mrn: str


def banner(store: Store, patient: str) -> Banner | None:
    """Give a patient's banner; None when there is no such patient."""
    held = store.read("Patient", patient)
    if held is None:
        return None
    person = held.resource
    return Banner(
        name=full_name(person),
        born=str(person.get("birthDate", "unknown")),
        age=_age(str(person.get("birthDate", "")), store.anchor),
        sex=str(person.get("gender", "unknown")),
        mrn=_mrn(person),
    )


def full_name(person: Json) -> str:
    """Give the official name, else the first one, as `Given Family`."""
    names = listed(person.get("name"))
    chosen: Json = next((n for n in names if n.get("use") == "official"), (names or [{}])[0])
    parts = [*listed(chosen.get("given")), chosen.get("family")]
    return " ".join(str(p) for p in parts if p) or str(chosen.get("text", "(no name)"))


def _age(born: str, today: date) -> str:
    try:
        birth = date.fromisoformat(born)
    except ValueError:
        return "?"
    years = today.year - birth.year - ((today.month, today.day) < (birth.month, birth.day))
    return str(years)


def _mrn(person: Json) -> str:
    for identifier in listed(person.get("identifier")):
        codes = [c.get("code") for c in listed(identifier.get("type", {}).get("coding"))]
        if "MR" in codes:
            return str(identifier.get("value", ""))
    identifiers = listed(person.get("identifier"))
    return str(identifiers[0].get("value", "")) if identifiers else str(person["id"])


def when(moment: str) -> str:
    """Say an instant for people, in the offset it was stored with."""
    try:
        parsed = datetime.fromisoformat(moment)
    except ValueError:
        return moment
    return f"{parsed:%a %d %b %Y, %H:%M}" if "T" in moment else f"{parsed:%a %d %b %Y}"


def visit_text(appointment: Json | None) -> str:
    """Say a booked visit in one line."""
    if appointment is None:
        return "no visit booked"
    texts = [
        appointment.get("description"),
        *(c.get("text") for c in listed(appointment.get("reasonCode"))),
        *(c.get("text") for c in listed(appointment.get("serviceType"))),
    ]
    about = next((str(one) for one in texts if one), "")
    start = when(str(appointment.get("start", "")))
    return f"{start} · {about}" if about else start


def visits(store: Store, patient: str) -> list[Json]:
    """List the booked Appointments of a patient from the anchor day on, earliest first."""
    today = store.anchor.isoformat()
    booked = [
        one
        for one in store.all("Appointment", patient=patient)
        if one.get("status") in {"booked", "pending", "arrived"} and one.get("start", "") >= today
    ]
    return sorted(booked, key=lambda one: str(one["start"]))


def next_visit(store: Store, patient: str) -> Json | None:
    """Give the earliest booked Appointment of a patient from the anchor day on."""
    return next(iter(visits(store, patient)), None)
