"""Decides which resources a FHIR search finds, and in which order. Pure functions only.

A query is a list of (name, value) pairs as they stood in the URL: repeats are AND, commas
are OR, as FHIR R4 section 3.1.1.4 says.
"""

from __future__ import annotations

import calendar
import re
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING, Any

from cds_service.simulator import parameters
from cds_service.simulator.wire import Json, listed

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

Query = list[tuple[str, str]]
Interval = tuple[datetime, datetime]

_PARTIAL = re.compile(
    r"^(\d{4})(?:-(\d{2})(?:-(\d{2})(?:T(\d{2}):(\d{2})(?::(\d{2})(\.\d+)?)?(.*))?)?)?$"
)
_PREFIXED = re.compile(r"^(eq|ne|gt|lt|ge|le|sa|eb)?(\d.*)$")
_FIRST = datetime.min.replace(tzinfo=UTC)
_LAST = datetime.max.replace(tzinfo=UTC)


class BadQueryError(ValueError):
    """A search that cannot be understood; `parameter` names the offending one."""

    def __init__(self, parameter: str, text: str) -> None:
        """Keep the parameter's name beside the sentence."""
        super().__init__(text)
        self.parameter = parameter


def values_at(resource: Json, path: str) -> list[Any]:
    """Walk a dotted path, through lists, and give every value at its end."""
    found: list[Any] = [resource]
    for name in path.split("."):
        found = [
            value for item in found if isinstance(item, dict) for value in listed(item.get(name))
        ]
    return found


def interval(text: str, *, wall: bool = False) -> Interval:
    """Turn a partial FHIR date into the half-open interval that it covers, in UTC.

    With `wall` the offset is dropped, not applied: the clock on the wall where it happened.
    Raises ValueError when the text is not a FHIR date.
    """
    match = _PARTIAL.match(text.replace(" ", "+"))
    if match is None:
        message = f"not a date: {text}"
        raise ValueError(message)
    year, month, day, hour = match.group(1, 2, 3, 4)
    if hour is None:
        return _whole(int(year), month, day)
    start = datetime.fromisoformat(text.replace(" ", "+"))
    local = wall or start.tzinfo is None
    start = start.replace(tzinfo=UTC) if local else start.astimezone(UTC)
    if match.group(6) is None:
        return start, start + timedelta(minutes=1)
    width = timedelta(milliseconds=1) if match.group(7) else timedelta(seconds=1)
    return start, start + width


def _whole(year: int, month: str | None, day: str | None) -> Interval:
    first_month, last_month = (int(month), int(month)) if month else (1, 12)
    first_day = int(day) if day else 1
    last_day = int(day) if day else calendar.monthrange(year, last_month)[1]
    start = datetime(year, first_month, first_day, tzinfo=UTC)
    return start, datetime(year, last_month, last_day, tzinfo=UTC) + timedelta(days=1)


def _span(value: object, *, wall: bool = False) -> Interval | None:
    """Give the interval of a stored date or Period; None for one that is not a FHIR date."""
    try:
        if isinstance(value, str):
            return interval(value, wall=wall)
        if isinstance(value, dict) and ("start" in value or "end" in value):
            start = interval(str(value["start"]), wall=wall)[0] if "start" in value else _FIRST
            end = interval(str(value["end"]), wall=wall)[1] if "end" in value else _LAST
            return start, end
    except ValueError:
        return None
    return None


_COMPARE: dict[str, Callable[[Interval, Interval], bool]] = {
    "eq": lambda have, want: want[0] <= have[0] and have[1] <= want[1],
    "ne": lambda have, want: not (want[0] <= have[0] and have[1] <= want[1]),
    "gt": lambda have, want: have[1] > want[1],
    "ge": lambda have, want: have[1] > want[0],
    "lt": lambda have, want: have[0] < want[0],
    "le": lambda have, want: have[0] < want[1],
    "sa": lambda have, want: have[0] >= want[1],
    "eb": lambda have, want: have[1] <= want[0],
}


def _matches_date(values: Sequence[Any], wanted: str) -> bool:
    match = _PREFIXED.match(wanted)
    if match is None:
        message = f"not a date: {wanted}"
        raise ValueError(message)
    want = interval(match.group(2))
    # A date without an offset means the day at the hospital, as it stands in the record.
    wall = re.search(r"T.*(Z|[+ -]\d\d:\d\d)$", wanted) is None
    spans = [_span(value, wall=wall) for value in values]
    compare = _COMPARE[match.group(1) or "eq"]
    return any(compare(span, want) for span in spans if span is not None)


def _codings(value: object) -> Iterable[tuple[str | None, str]]:
    """Give (system, code) of a code, Coding, CodeableConcept, Identifier or boolean."""
    if isinstance(value, bool):
        yield None, str(value).lower()
    elif isinstance(value, str):
        yield None, value
    elif isinstance(value, dict):
        code = value.get("code", value.get("value"))
        if isinstance(code, str):
            yield value.get("system"), code
        for coding in listed(value.get("coding")):
            yield from _codings(coding)


def has_code(value: object, code: str) -> bool:
    """Tell whether a coded element carries this code, whatever its system."""
    return any(have == code for _, have in _codings(value))


def _matches_token(values: Sequence[Any], wanted: str) -> bool:
    system, bar, code = wanted.rpartition("|")
    for value in values:
        for have_system, have_code in _codings(value):
            same_code = not code or have_code == code
            # A plain `code` element has an implied system, so a named system does not exclude it.
            same_system = not bar or have_system == (system or None) or isinstance(value, str)
            if same_code and same_system:
                return True
    return False


def reference_of(value: object) -> str | None:
    """Give `Type/id` of a Reference, its base URL and version cut off."""
    text = value.get("reference") if isinstance(value, dict) else None
    if not isinstance(text, str):
        return None
    parts = text.split("/_history/")[0].split("/")
    return "/".join(parts[-2:])


def _matches_reference(values: Sequence[Any], wanted: str) -> bool:
    tail = "/".join(wanted.split("/")[-2:])
    have = [reference_of(value) for value in values]
    if "/" in tail:
        return tail in have
    return any(one is not None and one.rpartition("/")[2] == tail for one in have)


def _matches_string(values: Sequence[Any], wanted: str) -> bool:
    return any(isinstance(v, str) and v.lower().startswith(wanted.lower()) for v in values)


_MATCH: dict[str, Callable[[Sequence[Any], str], bool]] = {
    "token": _matches_token,
    "reference": _matches_reference,
    "date": _matches_date,
    "string": _matches_string,
}
_PATIENT_NAMES = frozenset({"patient", "subject", "beneficiary"})


def matches(resource: Json, name: str, wanted: str) -> bool:
    """Tell whether one parameter accepts a resource. Raises BadQueryError, KeyError if unknown."""
    plain, _, modifier = name.partition(":")
    kind, paths = parameters.of_type(resource["resourceType"])[plain]
    values = [value for path in paths for value in values_at(resource, path)]
    if modifier == "missing":
        return (not values) == (wanted == "true")
    if modifier in parameters.TYPES or (not modifier and plain in _PATIENT_NAMES):
        owner = modifier or "Patient"
        options = [v if "/" in v else f"{owner}/{v}" for v in wanted.split(",")]
    elif modifier in {"", "not", "exact"}:
        options = wanted.split(",")
    else:
        raise BadQueryError(name, f"modifier :{modifier} is not supported")
    try:
        hit = any(_MATCH[kind](values, option) for option in options)
    except ValueError as error:
        raise BadQueryError(name, f"the value of {name} is not valid") from error
    return hit is not (modifier == "not")


def select(resources: Iterable[Json], query: Query) -> list[Json]:
    """Keep the resources that every known parameter of the query accepts."""
    kept = list(resources)
    for name, wanted in query:
        if name in parameters.CONTROL or not kept:
            continue
        if name.partition(":")[0] in parameters.of_type(kept[0]["resourceType"]):
            kept = [one for one in kept if matches(one, name, wanted)]
    return kept


def unknown(resource_type: str, query: Query) -> list[str]:
    """Name the parameters of a query that this type does not have."""
    known = parameters.of_type(resource_type)
    return [
        name
        for name, _ in query
        if name.partition(":")[0] not in known and name.partition(":")[0] not in parameters.CONTROL
    ]


def ordered(resources: Sequence[Json], query: Query) -> list[Json]:
    """Sort by `_sort` (a leading minus turns it round); without it, stored order stays."""
    result = list(resources)
    sort = next((value for name, value in query if name == "_sort"), "")
    for key in reversed([part for part in sort.split(",") if part]):
        name = key.removeprefix("-")
        if result and name in parameters.of_type(result[0]["resourceType"]):
            result.sort(key=partial(_sort_key, name), reverse=key[0] == "-")
    return result


def _sort_key(name: str, resource: Json) -> tuple[bool, str]:
    kind, paths = parameters.of_type(resource["resourceType"])[name]
    values = [value for path in paths for value in values_at(resource, path)]
    if kind == "date":
        spans = [span for value in values if (span := _span(value)) is not None]
        return bool(spans), spans[0][0].isoformat() if spans else ""
    codes = [code for value in values for _, code in _codings(value)]
    return bool(codes), codes[0] if codes else ""
