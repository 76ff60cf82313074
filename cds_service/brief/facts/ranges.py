"""Quantities and the range that a laboratory gives for them: which applies, and where a value lies."""

import re
from collections.abc import Mapping
from decimal import Decimal
from typing import Literal, NamedTuple

from cds_service.domain.json import EMPTY, JsonObject
from cds_service.fhir.elements import code, has_code, name, number, obj, objs, text

Place = Literal["above", "below", "unread", ""]


def place_in_range(resource: JsonObject) -> Place:
    """Return on which side of its own reference range all lies that a value may be; "" inside it, or without one.

    "unread": a number has a range, and that is not understood, is of another unit, or is one of several.
    """
    if "referenceRange" not in resource:
        return ""
    quantity = obj(resource, "valueQuantity")
    value = _amount(resource, quantity)
    if value is None:
        return "unread" if _is_number_in_words(resource) else ""
    limits = _limits(resource, quantity)
    if limits is None:
        return "unread"
    return "below" if _is_below(value, limits) else "above" if _is_above(value, limits) else ""


def side_of_range(resource: JsonObject) -> str:
    """Return "above" or "below" when a value lies outside its own reference range, else ""."""
    place = place_in_range(resource)
    return "" if place == "unread" else place


def far_out(resource: JsonObject) -> Decimal:
    """Return how many times the width of its own range a value lies outside it; 0 where nothing tells that it does.

    Where the limit that it passed is less than the width, or the only one, it counts in its place: neutrophils of 0.4
    have lost most of the least that they should be, however wide their range.
    """
    if "component" in resource:
        return max(map(far_out, objs(resource, "component")), default=_NOT_OUT)
    quantity = obj(resource, "valueQuantity")
    value, limits = _amount(resource, quantity), _limits(resource, quantity)
    if value is None or limits is None:
        return _NOT_OUT
    if limits.low is not None and _is_below(value, limits):
        passed = limits.low
    elif limits.high is not None and _is_above(value, limits):
        passed = limits.high
    else:
        return _NOT_OUT
    limit, low, high = Decimal(passed), limits.low, limits.high
    width = _NOT_OUT if low is None or high is None else Decimal(high) - low
    measure = width if limit <= 0 or 0 < width < limit else limit
    return abs(value.number - limit) / (measure or 1)


_NOT_OUT = Decimal(0)


class _Amount(NamedTuple):
    number: int | Decimal
    comparator: str


class _Limits(NamedTuple):
    low: int | Decimal | None
    high: int | Decimal | None
    is_open: bool = False
    """Whether a limit itself lies outside, as in `<14`."""


def _is_below(value: _Amount, limits: _Limits) -> bool:
    """Return whether all that a value may be is too low: `<32` is below 70, and `<5` may lie within 0 to 10."""
    said, comparator = value
    low, _, is_open = limits
    if low is None or said > low or comparator not in _DOWN:
        return False
    return said < low or is_open or comparator == "<"


def _is_above(value: _Amount, limits: _Limits) -> bool:
    said, comparator = value
    _, high, is_open = limits
    if high is None or said < high or comparator not in _UP:
        return False
    return said > high or is_open or comparator == ">"


_OR_LESS, _OR_MORE = frozenset({"<", "<="}), frozenset({">", ">="})
_DOWN, _UP = _OR_LESS | {""}, _OR_MORE | {""}
_COMPARATORS: Mapping[str | None, str] = {
    None: "",
    **{each: each for each in ("", *_OR_LESS, *_OR_MORE)},
    "\u2264": "<=",
    "\u2265": ">=",
}


def _amount(resource: JsonObject, quantity: JsonObject) -> _Amount | None:
    """Return a quantity, or a text that is a number and nothing else, with its comparator."""
    if quantity:
        value, comparator = number(quantity, "value"), code(quantity, "comparator")
        return None if value is None else _Amount(value, comparator)
    found = _PLAIN.fullmatch(text(resource, "valueString"))
    return _Amount(Decimal(found[2]), _COMPARATORS[found[1]]) if found else None


def _limits(resource: JsonObject, quantity: JsonObject) -> _Limits | None:
    """Return the limits that apply to a value; None where some are there that nobody here can hold it against."""
    limits = reference_range(resource)
    if not limits:
        return None if any(objs(resource, "referenceRange")) else _NO_LIMITS
    least, most = obj(limits, "low"), obj(limits, "high")
    low, high = number(least, "value"), number(most, "value")
    if low is None and high is None:
        return _in_words(text(limits, "text"), quantity) if "text" in limits else _NO_LIMITS
    is_same = _is_of_unit(least, quantity) and _is_of_unit(most, quantity)
    return _Limits(low, high) if is_same else None


def _is_of_unit(limit: JsonObject, quantity: JsonObject) -> bool:
    """Return whether a limit has the unit of a quantity, or none of its own."""
    own = limit.get("unit")
    if not limit or (own and own == quantity.get("unit")):
        return True
    return unit(limit) in {"", unit(quantity)}


def _in_words(said: str, quantity: JsonObject) -> _Limits | None:
    """Read a range in words of which all is understood: `0.6-1.2`, `12 to 16 g/dL`, `<=14`, `> 59`; no other unit."""
    between, beyond = _BETWEEN.fullmatch(said), _BEYOND.fullmatch(said)
    found = between or beyond
    if not found or found[3].strip() not in {"", unit(quantity), code(quantity, "code")}:
        return None if said else _NO_LIMITS
    limit = Decimal(found[2])
    if between:
        low = Decimal(between[1])
        return _Limits(low, limit) if low <= limit else None
    comparator = _COMPARATORS[found[1]]
    is_open = comparator in {"<", ">"}
    if comparator in _OR_LESS:
        return _Limits(None, limit, is_open)
    return _Limits(limit, None, is_open)


_NO_LIMITS = _Limits(None, None)
_DIGITS = r"\d+(?:\.\d+)?"
_COMPARED = r"[<>]=?|[\u2264\u2265]"
_PLAIN = re.compile(rf"({_COMPARED})? ?(-?{_DIGITS})", re.ASCII)
_BETWEEN = re.compile(rf"({_DIGITS}) ?(?:[-\u2013]|to) ?({_DIGITS})(?![\d.])(.*)", re.ASCII)
_BEYOND = re.compile(rf"({_COMPARED}) ?({_DIGITS})(?![\d.])(.*)", re.ASCII)


def unit(quantity: JsonObject) -> str:
    """Return the unit of a Quantity as stored, else its code."""
    return text(quantity, "unit") or text(quantity, "code")


def reference_range(resource: JsonObject) -> JsonObject:
    """Return the one reference range that applies: the only one, or the only normal one; else empty."""
    ranges = objs(resource, "referenceRange")
    if len(ranges) == 1 and not obj(ranges[0], "type"):
        return ranges[0]
    normal = [each for each in ranges if has_code(obj(each, "type"), "normal")]
    return normal[0] if len(normal) == 1 else EMPTY


def value_in_words(part: JsonObject) -> str:
    """Return a value that is words, "" for a number."""
    if "valueQuantity" in part:
        return ""
    said = text(part, "valueString") or name(obj(part, "valueCodeableConcept"))
    return "" if _NUMBER.fullmatch(said) else said


def _is_number_in_words(part: JsonObject) -> bool:
    """Return whether a text is a number to a reader, as `1,200` is."""
    said = text(part, "valueString")
    return bool(said) and _NUMBER.fullmatch(said) is not None


_NUMBER = re.compile(r"[<>≤≥]?=? ?-?[\d.,]+ ?%?")
