"""FHIR dates, dateTimes and instants: ordered by when they begin, shown as they are stored.

Source: FHIR R4, "Data types", date, dateTime, instant. A date may lack its day or its month; nothing here
fills that in for a reader, and nothing is moved to another time zone.
"""

import re
from dataclasses import dataclass
from datetime import UTC, date, datetime, tzinfo

_SHAPE = re.compile(
    r"(\d{4})(?:-(\d\d)(?:-(\d\d)(?:[T ](\d\d:\d\d)(?::(\d\d(?:\.\d+)?))?(Z|[+-]\d\d:\d\d)?)?)?)?"
)


@dataclass(frozen=True, slots=True, order=True)
class Moment:
    """One stored date or time."""

    at: float
    """Seconds since 1970 UTC at which it begins; a date begins at midnight where the reader is."""
    shown: str
    """At stored precision with the stored offset: `2026-10-02 08:30 -05:00`, `2026-10-02`, `2019-04`."""
    day: str
    """The stored date alone, at its precision."""
    date: date
    """The first day that it may mean, in its own offset."""


def parse(value: object, zone: tzinfo) -> Moment | None:
    """Read a FHIR date, dateTime or instant; None for anything else.

    `zone` orders dates that have no offset of their own among instants that have one.
    """
    found = _SHAPE.fullmatch(value) if isinstance(value, str) else None
    if found is None:
        return None
    year, month, day, minutes, seconds, offset = found.groups()
    try:
        first = date(int(year), int(month or 1), int(day or 1))
        at = _begins(first, minutes, seconds, offset, zone)
    except (ValueError, OverflowError):
        return None
    stored = "-".join(part for part in (year, month, day) if part)
    return Moment(at=at, shown=stored + _clock(minutes, seconds, offset), day=stored, date=first)


def _begins(
    first: date, minutes: str | None, seconds: str | None, offset: str | None, zone: tzinfo
) -> float:
    if minutes is None:
        return datetime(first.year, first.month, first.day, tzinfo=zone).timestamp()
    whole = "00" if seconds is None or seconds.startswith("60") else seconds[:2]
    moment = datetime.fromisoformat(f"{first.isoformat()}T{minutes}:{whole}{offset or ''}")
    begun = moment if offset else moment.replace(tzinfo=zone)
    return begun.timestamp() + (float(seconds) % 1 if seconds else 0.0)


def _clock(minutes: str | None, seconds: str | None, offset: str | None) -> str:
    """Return the time as stored, to the second; seconds that only fill the format (`:00`) are left out."""
    if minutes is None:
        return ""
    whole = (seconds or "00")[:2]
    zone = {"Z": " UTC", None: ""}.get(offset, f" {offset}")
    return f" {minutes}{'' if whole == '00' else f':{whole}'}{zone}"


def moment_of(value: datetime) -> Moment:
    """Return a moment of our own clock, shown in UTC to the minute."""
    there = value.astimezone(UTC)
    shown = there.strftime("%Y-%m-%d %H:%M UTC")
    return Moment(at=there.timestamp(), shown=shown, day=shown[:10], date=there.date())
