"""FHIR dates, dateTimes and instants: ordered by when they begin, shown by the reader's clock.

Source: FHIR R4, "Data types", date, dateTime, instant. A date may lack its day or its month; nothing here
fills that in for a reader. A time that is stored with another offset than the reader's is told in the reader's
zone: many servers store all times in UTC, and an evening visit is then stored under the next day. A time of that
clock stands alone; one that no clock of the reader's tells keeps the offset with which it is stored.
"""

import re
from datetime import UTC, date, datetime, tzinfo
from functools import cache

import msgspec

_SHAPE = re.compile(
    r"(\d{4}(?:-\d\d(?:-\d\d)?)?)(?:(?<=-\d\d-\d\d)[T ](\d\d:\d\d)(?::(\d\d(?:\.\d+)?))?(Z|[+-]\d\d:\d\d)?)?"
)
_YEAR, _DAY, _WHOLE, _OFFSET = 4, 10, 2, 6
"""Characters of a year, of a whole date, of seconds without their fraction, and of an offset."""
_MINUTES = slice(_DAY + 1, _DAY + 6)
"""Where the hour and minute of a whole time stand."""
_UTC = frozenset(
    {"UTC", "UCT", "Universal", "Zulu", "Etc/UTC", "Etc/UCT", "Etc/Universal", "Etc/Zulu"}
)
"""Zones of a site that names none: no clinic's clock on the wall."""


class Moment(msgspec.Struct, frozen=True, order=True):
    """One stored date or time."""

    at: float
    """Seconds since 1970 UTC at which it begins; a date begins at midnight where the reader is."""
    shown: str
    """At stored precision: `2019-04`, `2026-10-02 08:30` by the reader's clock, or `... 08:30 -05:00`."""
    day: str
    """The date alone, at its precision: that of the reader's calendar, where an offset tells it."""
    date: date
    """The first day that it may mean."""


def parse(value: object, zone: tzinfo) -> Moment | None:
    """Read a FHIR date, dateTime or instant; None for anything else.

    `zone` is the reader's: its clock tells times that have another offset, and orders dates that have none.
    """
    found = _SHAPE.fullmatch(value) if isinstance(value, str) else None
    if found is None:
        return None
    stored, minutes, seconds, offset = found.groups()
    try:
        begun = _begins(stored, minutes, seconds, offset)
        at = (begun if offset else begun.replace(tzinfo=zone)).timestamp()
    except (ValueError, OverflowError):
        return None
    if minutes is None:
        return Moment(at, stored, stored, begun.date())
    if seconds and len(seconds) > _WHOLE:
        at += float(seconds) % 1
    if offset and _is_clock(zone):
        here = _here(begun, zone)
        if here:
            begun, offset = here
            told = begun.isoformat()
            stored, minutes = told[:_DAY], told[_MINUTES]
    return Moment(at, stored + _clock(minutes, seconds, offset), stored, begun.date())


@cache
def _is_clock(zone: tzinfo) -> bool:
    """Return whether a zone is the clock of a clinic: a site that names none has UTC."""
    return str(zone) not in _UTC


def _here(begun: datetime, zone: tzinfo) -> tuple[datetime, str] | None:
    """Return a time as a zone's clock shows it, and the offset where it shows that time twice.

    That is so in the night in which it is set back. None where the zone has no offset in whole minutes.
    """
    try:
        here = begun.astimezone(zone)
    except OverflowError:
        return None
    offset = here.utcoffset()
    if offset is None or offset.seconds % 60:
        return None
    comes_twice = here.replace(fold=1 - here.fold).utcoffset() != offset
    return here.replace(tzinfo=None), here.isoformat()[-_OFFSET:] if comes_twice else ""


def clock_of(zone: tzinfo) -> str:
    """Return whose clock tells the times, for a reader elsewhere; "" where they stand as stored."""
    return f"Times are by the clock of {zone}." if _is_clock(zone) else ""


def as_stored(value: str) -> str:
    """Return a date or time as stored, with its own offset; unchanged where it is none."""
    found = _SHAPE.fullmatch(value)
    return found[1] + _clock(*found.groups()[1:]) if found else value


def _begins(stored: str, minutes: str | None, seconds: str | None, offset: str | None) -> datetime:
    """Return the second at which it begins, without a zone where none is stored. Raises `ValueError`."""
    if minutes is None:
        return datetime.fromisoformat(stored + "-01-01"[len(stored) - _YEAR :])
    whole = "00" if seconds is None or seconds.startswith("60") else seconds[:_WHOLE]
    return datetime.fromisoformat(f"{stored}T{minutes}:{whole}{offset or ''}")


def _clock(minutes: str | None, seconds: str | None, offset: str | None) -> str:
    """Return the time as stored, to the second; seconds that only fill the format (`:00`) are left out."""
    if minutes is None:
        return ""
    whole = f":{seconds[:_WHOLE]}" if seconds and not seconds.startswith("00") else ""
    zone = " UTC" if offset == "Z" else f" {offset}" if offset else ""
    return f" {minutes}{whole}{zone}"


def moment_of(value: datetime) -> Moment:
    """Return a moment of our own clock, shown in UTC to the minute."""
    there = value.astimezone(UTC)
    shown = there.strftime("%Y-%m-%d %H:%M UTC")
    return Moment(at=there.timestamp(), shown=shown, day=shown[:10], date=there.date())
