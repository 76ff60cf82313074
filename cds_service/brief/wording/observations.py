"""Results and vital signs in words: value, unit, flag, range, date, earlier values, trend."""

from collections import Counter
from collections.abc import Callable, Mapping
from decimal import Decimal

from cds_service.brief.facts.observations import (
    group_of,
    has_value,
    interpretation,
    reference_range,
    side_of_range,
    unit,
)
from cds_service.brief.record import Item, Record
from cds_service.brief.tables import DAYS, PRESSURE, Group
from cds_service.brief.wording.words import TEXT_MAX, day, joined, named, short, stamp
from cds_service.domain.brief import Statement
from cds_service.domain.json import JsonObject
from cds_service.fhir.elements import code, codings, has_code, name, number, obj, objs, text

Number = int | Decimal


def result(statement: Statement, record: Record, items: list[Item]) -> str:
    """Write a series: the newest value first, whatever order its references came in."""
    newest, earlier = items[0], items[1:]
    group = group_of(newest.resource)
    if "grouped" in statement.flags:
        return grouped(items, "Answers on file" if statement.kind == "observation" else "Older")
    name_ = title(newest.resource)
    shown = value_of(newest.resource).removesuffix(f" {name_}")  # INR 3.6 INR
    said = joined((shown, _aside(newest.resource)), " ")
    when = stamp(newest)
    ahead = newest.when is not None and record.is_future(newest.when)
    parts = [
        f"{name_}{_glue(newest.resource)}{said or 'no value recorded'}, {when}",
        "dated in the future" if ahead else "",
        status(newest),
        _old(record, newest, group),
        _earlier(newest, earlier),
        _trend(newest, earlier, group),
    ]
    return joined(parts, "; ")


def observation(statement: Statement, record: Record, items: list[Item]) -> str:
    """Write a single observation, as of social history."""
    return result(statement, record, items if "grouped" in statement.flags else items[:1])


def grouped(items: list[Item], head: str) -> str:
    """Write several results by name and date alone."""
    listed = joined(f"{title(each.resource)} ({day(each.when) or 'undated'})" for each in items)
    return f"{head}, by date of the newest value: {listed}"


def _glue(resource: JsonObject) -> str:
    return " " if "valueQuantity" in resource or _pressure(resource) else ": "


def title(resource: JsonObject) -> str:
    """Return the name of an Observation: the site's own words, else our short name, else its display."""
    concept = obj(resource, "code")
    own = text(concept, "text")
    displays = {text(coding, "display") for coding in objs(concept, "coding")}
    group = group_of(resource) if not own or own in displays else None
    words = group.name if group else named(concept, "Unnamed observation")
    return f"{words} (not of the patient, but of its focus)" if "focus" in resource else words


def status(item: Item) -> str:
    """Return the word for a result that is not plainly final."""
    return (
        "" if item.status == "final" else short(item.status.replace("-", " "), 40) or "no status"
    )


def value_of(resource: JsonObject) -> str:
    """Return the value as stored: of the observation itself, else of its components."""
    own = value(resource)
    if "component" not in resource:
        return own or _absent(resource)
    pressure = _pressure(resource)
    if pressure:
        return pressure
    parts = objs(resource, "component")
    listed = joined((f"{named(obj(p, 'code'), 'part')} {value(p)}{_mark(p)}" for p in parts), "; ")
    return joined((own or ("" if listed else _absent(resource)), listed), "; ")


def value(resource: JsonObject) -> str:
    """Return one value[x] in words, "" when there is none; see FHIR R4, Observation.value[x]."""
    for member, write in _WRITERS.items():
        if member in resource:
            return short(write(resource, member), TEXT_MAX)
    return "a value of another form" if has_value(resource) else ""


def _quantity(quantity: JsonObject) -> str:
    amount = number(quantity, "value")
    shown = text(quantity, "value") if amount is None else str(amount)
    return joined((text(quantity, "comparator") + shown, _unit(quantity)), " ")


def _unit(quantity: JsonObject) -> str:
    """Return the unit for reading: one that is only an annotation (`{INR}`) says nothing."""
    words = unit(quantity)
    return "" if words.startswith("{") and words.endswith("}") else short(words, 40)


def _range(limits: JsonObject) -> str:
    low, high = (_quantity(obj(limits, side)) for side in ("low", "high"))
    low_amount = number(obj(limits, "low"), "value")
    if low and high:
        same = _unit(obj(limits, "low")) in {_unit(obj(limits, "high")), ""}
        return f"{low_amount if same else low}-{high}"
    return f"≥{low}" if low else f"≤{high}" if high else ""


def _ratio(ratio: JsonObject) -> str:
    return f"{_quantity(obj(ratio, 'numerator'))} : {_quantity(obj(ratio, 'denominator'))}"


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
    "valueQuantity": lambda resource, member: _quantity(obj(resource, member)),
    "valueCodeableConcept": _concept,
    "valueString": text,
    "valueInteger": _primitive,
    "valueBoolean": _primitive,
    "valueRange": lambda resource, member: _range(obj(resource, member)),
    "valueRatio": lambda resource, member: _ratio(obj(resource, member)),
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
    words = name(reason) or next((each for _, each in codings(reason)), "")
    return f"no value ({short(words.replace('-', ' '), 60).lower() or 'reason not given'})"


def _pressure(resource: JsonObject) -> str:
    """Return `128/76 mmHg` where an Observation holds both pressures in one unit."""
    if "component" not in resource:
        return ""
    parts = {
        each: obj(part, "valueQuantity")
        for part in objs(resource, "component")
        for _, each in codings(obj(part, "code"))
    }
    upper, lower = parts.get(PRESSURE["systolic"]), parts.get(PRESSURE["diastolic"])
    if not upper or not lower or unit(upper) != unit(lower):
        return ""
    amounts = number(upper, "value"), number(lower, "value")
    if None in amounts:
        return ""
    return joined((f"{amounts[0]}/{amounts[1]}", _unit(upper)), " ")


def _aside(resource: JsonObject) -> str:
    """Return `(H, ref 4.0-5.6)`: the flag of the result, else where its value lies, and its range."""
    return _brackets(_flag(resource), _reference(resource))


def _mark(part: JsonObject) -> str:
    found = _brackets(_flag(part), _reference(part))
    return f" {found}" if found else ""


def _brackets(*parts: str) -> str:
    inside = joined(parts)
    return f"({inside})" if inside else ""


def _flag(resource: JsonObject) -> str:
    flagged = interpretation(resource)
    if flagged:
        return _FLAG_WORDS.get(flagged, flagged)
    side = side_of_range(resource)
    return f"{side} range" if side else ""


_FLAG_WORDS = {
    "HH": "HH critical",
    "LL": "LL critical",
    "AA": "AA critical",
    "A": "abnormal",
    "ABN": "abnormal",
    "POS": "positive",
    "NEG": "negative",
    "DET": "detected",
    "ND": "not detected",
    "N": "",
}


def _reference(resource: JsonObject) -> str:
    limits = reference_range(resource)
    if not limits:
        return ""
    own = _unit(obj(resource, "valueQuantity"))
    written = _range(limits)
    if own and written.endswith(f" {own}"):
        written = written.removesuffix(f" {own}")
    return (
        f"ref {short(written or text(limits, 'text'), 60)}"
        if written or limits.get("text")
        else ""
    )


def _earlier(newest: Item, earlier: list[Item]) -> str:
    """Write the values before the newest; with times where a day has more than one; undated ones as such."""
    days = Counter(day(item.when) for item in (newest, *earlier))
    written = joined(_before(newest, item, crowded=days[day(item.when)] > 1) for item in earlier)
    word = "earlier" if newest.when else "others, order unknown:"
    return f"{word} {written}" if written else ""


def _before(newest: Item, item: Item, *, crowded: bool) -> str:
    """Write an earlier value with its date, without its unit where that is the newest one's."""
    said = value_of(item.resource) or "no value"
    same = _unit(obj(newest.resource, "valueQuantity"))
    if same and said.endswith(f" {same}"):
        said = said.removesuffix(f" {same}")
    upper = next((obj(p, "valueQuantity") for p in objs(newest.resource, "component")), {})
    if _pressure(item.resource) and _unit(upper):
        said = said.removesuffix(f" {_unit(upper)}")
    flagged = interpretation(item.resource)
    mark = f" {flagged}" if flagged in {"HH", "LL", "AA", "H", "L"} else ""
    when = stamp(item) if crowded or not item.when else item.when.day
    unusual = "" if item.status in {"final", "amended", "corrected"} else f", {status(item)}"
    return f"{said}{mark} ({when}{unusual})"


def _trend(newest: Item, earlier: list[Item], group: Group | None) -> str:
    """Say rising or falling, in one unit and past the group's threshold only; or the change since."""
    if not earlier:
        return ""
    now, before = _plain(newest), _plain(earlier[0])
    if now is None or before is None or now[1] != before[1] or newest.when is None:
        return ""
    difference = Decimal(now[0]) - Decimal(before[0])
    if group and group.change and difference:
        return f"change {difference:+f} {now[1]}".rstrip()
    limit = _threshold(group, Decimal(before[0]))
    if abs(difference) < limit or not difference:
        return ""
    return "rising" if difference > 0 else "falling"


def _threshold(group: Group | None, before: Decimal) -> Decimal:
    if group and group.trend is not None:
        return Decimal(str(group.trend))
    return abs(before) * Decimal(str(group.percent if group else 10)) / 100


def _plain(item: Item) -> tuple[Number, str] | None:
    """Return (value, unit) of a result that is a plain number, else None."""
    quantity = obj(item.resource, "valueQuantity")
    amount = number(quantity, "value")
    return None if amount is None or code(quantity, "comparator") else (amount, unit(quantity))


def _old(record: Record, newest: Item, group: Group | None) -> str:
    """Say that a value is old; the limit is the group's own or the common one."""
    own = group.stale_days if group else None
    if newest.when is None or record.days_ago(newest.when) <= (own or DAYS["result_stale"]):
        return ""
    return f"over {own} days old" if own else "over a year old"
