"""Quantities and the range that a laboratory gives for them: which applies, and on which side of it a value lies."""

import re
from decimal import Decimal

from cds_service.domain.json import EMPTY, JsonObject
from cds_service.fhir.elements import code, has_code, name, number, obj, objs, text


def side_of_range(resource: JsonObject) -> str:
    """Return "above" or "below" when a plain value lies outside its own reference range, else ""."""
    if "referenceRange" not in resource:
        return ""
    quantity, limits = obj(resource, "valueQuantity"), reference_range(resource)
    value = number(quantity, "value") if quantity else _number(text(resource, "valueString"))
    if value is None or code(quantity, "comparator") or not _same_unit(quantity, limits):
        return ""
    low, high = (number(obj(limits, side), "value") for side in ("low", "high"))
    if low is None and high is None and "text" in limits:
        low, high = _in_words(text(limits, "text"))
    if low is not None and value < low:
        return "below"
    return "above" if high is not None and value > high else ""


def _number(said: str) -> Decimal | None:
    """Return a text that is a number and nothing else."""
    return Decimal(said) if _PLAIN.fullmatch(said) else None


def _in_words(said: str) -> tuple[Decimal | None, Decimal | None]:
    """Return the limits of a range that is written `0.6-1.2`."""
    found = _RANGE.fullmatch(said)
    return (Decimal(found[1]), Decimal(found[2])) if found else (None, None)


_PLAIN = re.compile(r"-?\d+(?:\.\d+)?", re.ASCII)
_RANGE = re.compile(r"(\d+(?:\.\d+)?) ?[-\u2013] ?(\d+(?:\.\d+)?)", re.ASCII)


def _same_unit(quantity: JsonObject, limits: JsonObject) -> bool:
    units = {unit(obj(limits, side)) for side in ("low", "high")} - {""}
    return not units or units == {unit(quantity)}


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


_NUMBER = re.compile(r"[<>≤≥]?=? ?-?[\d.,]+ ?%?")
