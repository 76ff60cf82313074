"""The poll of booked visits: one Appointment search over the days ahead, by the search rules of the vendor.

No vendor is known to tell of a booking by a hook in production, so that a site's schedule has to be asked for. The
search always covers the whole look-ahead: a visit that was moved or called off is seen wherever it went.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Literal
from urllib.parse import quote

from cds_service.domain.json import JsonObject
from cds_service.domain.visit import YEARS, Visit
from cds_service.fhir.elements import code, objs, reference, type_and_id
from cds_service.sites import Site

Way = Literal["date", "location", "practitioner", "patient"]
Standing = Literal["booked", "begun", "off", "declined", "nobodys", "not_booked"]

_IDS_EACH = 20
"""Ids in one search; more become several searches."""
_LONGEST = timedelta(days=31)
"""Of one visit; an end beyond it stands for an open one."""
_STANDING: dict[str, Standing] = {
    "proposed": "not_booked",
    "pending": "booked",
    "booked": "booked",
    "arrived": "booked",
    "checked-in": "booked",
    "waitlist": "not_booked",
    "fulfilled": "begun",
    "cancelled": "off",
    "noshow": "off",
    "entered-in-error": "off",
}
"""What an Appointment's status means for work ahead (FHIR R4, AppointmentStatus)."""


@dataclass(frozen=True, slots=True)
class Seen:
    """One visit of one patient, or of nobody, as the schedule has it now."""

    visit: Visit
    standing: Standing


def searches(site: Site, ids: Sequence[str], way: Way, today: date, days: int) -> Iterator[str]:
    """Yield the searches for the visits of some days from `today` on: by date alone, or for some ids each.

    `today` is the site's; `ids` are of what the search is by.
    """
    search, rule = site.profile.search, site.profile.rule("appointment")
    first = datetime.combine(today, time(), site.zone)
    dated = rule.date_param or "date"
    params = [
        (dated, f"ge{_utc(first)}"),
        (dated, f"lt{_utc(first + timedelta(days=days))}"),
        *rule.params.items(),
        *search.extra_params.items(),
        (search.count_param, str(search.page_size)),
    ]
    told = "&".join(f"{name}={quote(value, safe=':,|/-_.')}" for name, value in params)
    if way == "date":
        yield f"Appointment?{told}"
        return
    each = 1 if way == "patient" else _IDS_EACH
    for start in range(0, len(ids), each):
        yield f"Appointment?{way}={quote(','.join(ids[start : start + each]), safe=',')}&{told}"


def way_of(site: Site) -> Way | None:
    """Return how this site's schedule can be searched, by its vendor and its file; None: not at all."""
    prepare, rules = site.file.prepare, site.profile.visits
    if prepare is None or rules.poll != "fhir":
        return None
    if "location" in rules.poll_by and prepare.locations:
        return "location"
    if "practitioner" in rules.poll_by and prepare.practitioners:
        return "practitioner"
    if "date" in rules.poll_by:
        return "date"
    return "patient" if "patient" in rules.poll_by else None


def visit_of(resource: JsonObject, patient: str) -> Visit:
    """Return the visit of a patient that an Appointment is about; a draft has no id that would last."""
    is_draft = code(resource, "status") == "proposed"
    start, end = _moment(resource, "start"), _moment(resource, "end")
    is_real = start is None or end is None or timedelta() <= end - start <= _LONGEST
    return Visit(
        patient=patient,
        appointment=None if is_draft else type_and_id(resource)[1] or None,
        start=start,
        end=end if is_real else None,
    )


def visits(found: Iterable[JsonObject]) -> list[Seen]:
    """Return the visits of some Appointments, each once."""
    seen: dict[tuple[str, str], Seen] = {}
    for resource in found:
        kind, identity = type_and_id(resource)
        if kind != "Appointment":
            continue
        for patient, standing in _standings(resource):
            seen[identity, patient] = Seen(visit_of(resource, patient), standing)
    return list(seen.values())


def _standings(resource: JsonObject) -> Iterator[tuple[str, Standing]]:
    """Yield each patient that an Appointment names, and how the visit stands for this one."""
    standing = _STANDING.get(code(resource, "status"), "not_booked")
    patients = dict(_patients(resource))
    if not patients:
        yield "", "nobodys"
    for patient, has_declined in patients.items():
        yield patient, "declined" if has_declined and standing != "off" else standing


def _patients(resource: JsonObject) -> Iterator[tuple[str, bool]]:
    """Yield each patient that an Appointment names, and whether this one declined."""
    for participant in objs(resource, "participant"):
        kind, _, identity = reference(participant, "actor").rpartition("Patient/")
        if identity and "/" not in identity and (not kind or kind.endswith("/")):
            yield identity, code(participant, "status") == "declined"


def _moment(resource: JsonObject, name: str) -> datetime | None:
    """Return an instant; one without a zone, of no year that a visit has, or that is none, is not known."""
    try:
        moment = datetime.fromisoformat(code(resource, name))
    except ValueError:
        return None
    return moment if moment.tzinfo and moment.year in YEARS else None


def _utc(moment: datetime) -> str:
    return f"{moment.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"
