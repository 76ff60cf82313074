"""Quantities and the range that a laboratory gives for them: which applies, and on which side of it a value lies."""

from cds_service.domain.json import EMPTY, JsonObject
from cds_service.fhir.elements import code, has_code, number, obj, objs, text


def side_of_range(resource: JsonObject) -> str:
    """Return "above" or "below" when a plain value lies outside its own reference range, else ""."""
    if "referenceRange" not in resource or "valueQuantity" not in resource:
        return ""
    quantity, limits = obj(resource, "valueQuantity"), reference_range(resource)
    value = number(quantity, "value")
    low, high = (number(obj(limits, side), "value") for side in ("low", "high"))
    if value is None or code(quantity, "comparator") or not _same_unit(quantity, limits):
        return ""
    if low is not None and value < low:
        return "below"
    return "above" if high is not None and value > high else ""


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
