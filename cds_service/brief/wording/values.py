"""Values of results in words: as stored, with unit, flag and range."""

import re
from collections.abc import Callable, Mapping

from cds_service.brief.facts.marks import Mark, mark
from cds_service.brief.facts.observations import has_value
from cds_service.brief.facts.ranges import reference_range, side_of_range, unit
from cds_service.brief.facts.readings import Reading
from cds_service.brief.record import Item
from cds_service.brief.wording.words import TEXT_MAX, joined, named, quoted, short
from cds_service.domain.json import EMPTY, JsonObject
from cds_service.fhir.elements import codes, has_code, name, number, obj, objs, text
from cds_service.rulebook import DEFAULT


def status(item: Item) -> str:
    """Return the word for a result that is not plainly final."""
    return (
        "" if item.status == "final" else short(item.status.replace("-", " "), 40) or "no status"
    )


def value_of(resource: JsonObject, told: Reading) -> str:
    """Return the value of an Observation as stored: its own, else that of its components."""
    if told.number is None:
        own = value(resource)
    else:
        own = short(f"{told.number} {unit_in_words(told.unit)}".rstrip(), TEXT_MAX)
    if "component" not in resource:
        return own or _absent(resource)
    both = pressure(resource)
    if both:
        return both
    parts = objs(resource, "component")
    listed = joined((f"{named(obj(p, 'code'), 'part')} {value(p)}{_mark(p)}" for p in parts), "; ")
    return joined((own or ("" if listed else _absent(resource)), listed), "; ")


def value(resource: JsonObject) -> str:
    """Return one value[x] in words, "" when there is none; see FHIR R4, Observation.value[x]."""
    for member, write in _WRITERS.items():
        if member in resource:
            return short(write(resource, member), TEXT_MAX)
    return "a value of another form" if has_value(resource) else ""


def _quantity(resource: JsonObject, member: str) -> str:
    quantity = obj(resource, member)
    return _with_unit(quantity, unit_in_words(unit(quantity)))


def _with_unit(quantity: JsonObject, unit_: str) -> str:
    amount = number(quantity, "value")
    shown = _no_number(quantity) if amount is None else str(amount)
    said = text(quantity, "comparator") + shown if "comparator" in quantity else shown
    return f"{said} {unit_}" if said and unit_ else said or unit_


def _no_number(quantity: JsonObject) -> str:
    """Return what stands in the place of a number: its words; of anything else that it cannot be read."""
    return text(quantity, "value") or ("" if quantity.get("value") is None else "(unreadable)")


def unit_in_words(written: str) -> str:
    """Return a unit for reading: one that is only an annotation (`{INR}`) says nothing, others lose their braces."""
    words = _UNITS.get(written, written)
    if "{" in words:
        words = "" if words[0] == "{" and words[-1] == "}" else _ANNOTATION.sub(r" \1", words)
        words = words.strip()
    return words if len(words) <= _UNIT_MAX else short(words, _UNIT_MAX)


_UNIT_MAX = 40
_UNITS: Mapping[str, str] = DEFAULT.terms["unit"]
_ANNOTATION = re.compile(r"\{([^{}]*)\}")


def _range(limits: JsonObject) -> str:
    least, most = obj(limits, "low"), obj(limits, "high")
    stored = unit(least), unit(most)
    upper = unit_in_words(stored[1])
    lower = upper if stored[0] == stored[1] else unit_in_words(stored[0])
    low, high = _with_unit(least, lower), _with_unit(most, upper)
    if low and high:
        same = lower in {upper, ""}
        return f"{number(least, 'value') if same else low}-{high}"
    return f"≥{low}" if low else f"≤{high}" if high else ""


def _ratio(resource: JsonObject, member: str) -> str:
    ratio = obj(resource, member)
    return f"{_quantity(ratio, 'numerator')} : {_quantity(ratio, 'denominator')}"


def _primitive(resource: JsonObject, member: str) -> str:
    found = resource.get(member)
    if isinstance(found, bool):
        return "yes" if found else "no"
    amount = number(resource, member)
    return text(resource, member) if amount is None else str(amount)


def _concept(resource: JsonObject, member: str) -> str:
    return named(obj(resource, member), "coded value without words")


def _period(resource: JsonObject, member: str) -> str:
    period = obj(resource, member)
    return joined((text(period, "start"), text(period, "end")), " to ")


_WRITERS: Mapping[str, Callable[[JsonObject, str], str]] = {
    "valueQuantity": _quantity,
    "valueCodeableConcept": _concept,
    "valueString": text,
    "valueInteger": _primitive,
    "valueBoolean": _primitive,
    "valueRange": lambda resource, member: _range(obj(resource, member)),
    "valueRatio": _ratio,
    "valueDateTime": text,
    "valueTime": text,
    "valuePeriod": _period,
    "valueSampledData": lambda _resource, _member: "a recorded curve",
    "valueAttachment": lambda _resource, _member: "an attachment",
}


def _absent(resource: JsonObject) -> str:
    """Return why there is no value, as the record says it."""
    reason = obj(resource, "dataAbsentReason")
    if not reason:
        return ""
    if has_code(reason, "masked"):
        return "value withheld (masked)"
    words = name(reason) or next(iter(codes(reason)), "")
    return f"no value ({short(words.replace('-', ' '), 60).lower() or 'reason not given'})"


def pressure(resource: JsonObject) -> str:
    """Return `128/76 mmHg` where an Observation holds both pressures in one unit."""
    if "component" not in resource:
        return ""
    parts = {
        each: obj(part, "valueQuantity")
        for part in objs(resource, "component")
        for each in codes(obj(part, "code"))
    }
    upper, lower = (
        parts.get(DEFAULT.pressure["systolic"]),
        parts.get(DEFAULT.pressure["diastolic"]),
    )
    if not upper or not lower or unit(upper) != unit(lower):
        return ""
    amounts = number(upper, "value"), number(lower, "value")
    if None in amounts:
        return ""
    return joined((f"{amounts[0]}/{amounts[1]}", unit_in_words(unit(upper))), " ")


def aside(resource: JsonObject, told: Reading) -> str:
    """Return `(H, ref 4.0-5.6)`: the flag of the result, else where its value lies, and its range."""
    flag = _flag(told.mark, told.side)
    if flag and "valueQuantity" not in resource and flag.casefold() == value(resource).casefold():
        flag = ""  # Resistant (resistant)
    return _in_brackets(flag, _reference(resource, told.unit))


def _mark(part: JsonObject) -> str:
    flag = _flag(mark(part), side_of_range(part))
    found = _in_brackets(flag, _reference(part, unit(obj(part, "valueQuantity"))))
    return f" {found}" if found else ""


def _in_brackets(flag: str, reference: str) -> str:
    if flag and reference:
        return f"({flag}, {reference})"
    return f"({flag or reference})" if flag or reference else ""


def _flag(own: Mark, side: str) -> str:
    if own.code:
        return _SAID.get(own.code, own.code)
    return joined((mark_in_words(own), f"{side} range" if side else ""))


def mark_in_words(own: Mark) -> str:
    """Return the words that a result is marked with, quoted: what no code tells is not told in other words."""
    if own.words:
        return f"marked {quoted(own.words, 60)}"
    return "marked, by a code without words" if own.level == "marked" and not own.code else ""


_SAID: Mapping[str, str] = DEFAULT.terms["interpretation_said"]


def _reference(resource: JsonObject, unit_: str) -> str:
    """Return the range of a value, without the unit where it is the value's own."""
    limits = reference_range(resource) if "referenceRange" in resource else EMPTY
    if not limits:
        return ""
    written = without_unit(_range(limits), unit_in_words(unit_))
    said = written or text(limits, "text")
    return f"ref {short(said, 60)}" if written or limits.get("text") else ""


def without_unit(said: str, unit_: str) -> str:
    """Return a value in words without this unit at its end."""
    return said.removesuffix(f" {unit_}") if unit_ else said
