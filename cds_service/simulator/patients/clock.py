"""Turn a day and a clock time into FHIR instants in one American time zone, without a time zone database.

The zone is US Central: -06:00, and -05:00 from the second Sunday of March to the first Sunday
of November (Energy Policy Act of 2005).
"""

import calendar
import datetime as dt


def _nth_sunday(year: int, month: int, nth: int) -> dt.date:
    first = dt.date(year, month, 1)
    return first + dt.timedelta(days=(6 - first.weekday()) % 7 + 7 * (nth - 1))


def instant(day: dt.date, hour: int = 9, minute: int = 0) -> str:
    """Return that local time as a FHIR dateTime with its offset, such as 2025-07-01T09:00:00-05:00."""
    summer = _nth_sunday(day.year, 3, 2) <= day < _nth_sunday(day.year, 11, 1)
    return f"{day.isoformat()}T{hour:02d}:{minute:02d}:00{'-05:00' if summer else '-06:00'}"


def back(day: dt.date, *, years: int = 0, months: int = 0, days: int = 0) -> dt.date:
    """Return the day that many years, months and days earlier; the end of a short month is kept."""
    count = day.year * 12 + day.month - 1 - years * 12 - months
    year, month = divmod(count, 12)
    last = calendar.monthrange(year, month + 1)[1]
    return dt.date(year, month + 1, min(day.day, last)) - dt.timedelta(days=days)


_HOLIDAYS = {(1, 1), (7, 4), (12, 25)}
_FOURTH_WEEK_OF_NOVEMBER = {(11, day) for day in range(22, 29)}
_THURSDAY, _SATURDAY = 3, 5


def is_closed(day: dt.date) -> bool:
    """Return whether clinics are closed: weekends, New Year, Independence Day, Thanksgiving, Christmas."""
    thanksgiving = day.weekday() == _THURSDAY and (day.month, day.day) in _FOURTH_WEEK_OF_NOVEMBER
    return day.weekday() >= _SATURDAY or (day.month, day.day) in _HOLIDAYS or thanksgiving


def weekday(day: dt.date, step: int = -1) -> dt.date:
    """Return that day, or the nearest open day before it (`step` 1: after it) where it is closed."""
    while is_closed(day):
        day += dt.timedelta(days=step)
    return day


def last(before: dt.date, month: int, day: int) -> dt.date:
    """Return the latest weekday near that day of the year that lies before the given day."""
    this_year = weekday(dt.date(before.year, month, day))
    return this_year if this_year < before else weekday(dt.date(before.year - 1, month, day))


def age(birth: dt.date, on: dt.date) -> int:
    """Return the completed years of age on that day."""
    return on.year - birth.year - ((on.month, on.day) < (birth.month, birth.day))
