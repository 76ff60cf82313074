"""What came before a value, and whether it rises or falls."""

from collections.abc import Sequence
from decimal import Decimal
from itertools import pairwise

from cds_service.brief.facts.observations import are_apart, as_new, level, mark_of
from cds_service.brief.facts.ranges import side_of_range, unit
from cds_service.brief.record import Item, Record
from cds_service.brief.wording.values import (
    mark_in_words,
    pressure,
    shown_unit,
    status,
    value_of,
)
from cds_service.brief.wording.words import day, joined, stamp
from cds_service.domain.tables import Group
from cds_service.fhir.elements import code, number, obj, objs

Number = int | Decimal


def earlier_values(record: Record, newest: Item, earlier: list[Item]) -> str:
    """Write the values before the newest; with times where a day has more than one; undated ones as such."""
    if not earlier:
        return ""
    days = [day(item.when) for item in (newest, *earlier)]
    known = _units(newest)
    written = joined(
        _before(record, item, known, crowded=days.count(day(item.when)) > 1) for item in earlier
    )
    word = "earlier" if newest.when else "others, order unknown:"
    return f"{word} {written}"


def _units(newest: Item) -> tuple[str, str]:
    """Return the units of a value and of its first component, which need not be said again."""
    own = shown_unit(obj(newest.resource, "valueQuantity"))
    parts = objs(newest.resource, "component")
    return own, shown_unit(obj(parts[0], "valueQuantity")) if parts else ""


def _before(record: Record, item: Item, known: tuple[str, str], *, crowded: bool) -> str:
    """Write an earlier value with its date, without a unit that is known."""
    said = value_of(item.resource) or "no value"
    same, upper = known
    if same and said.endswith(f" {same}"):
        said = said.removesuffix(f" {same}")
    if upper and pressure(item.resource):
        said = said.removesuffix(f" {upper}")
    own = mark_of(record, item)
    flagged = own.code if own.code in {"HH", "LL", "AA", "H", "L"} else mark_in_words(own)
    side = "" if own.code else side_of_range(item.resource)
    when = stamp(item) if crowded or not item.when else item.when.day
    unusual = "" if item.status in {"final", "amended", "corrected"} else f", {status(item)}"
    lies = f"{side} range" if side else ""
    return f"{joined((said, flagged, lies), ' ')} ({when}{unusual})"


def trend(record: Record, newest: Item, earlier: list[Item], group: Group | None) -> str:
    """Say rising or falling where one of the values is out of range; or the change since the value before.

    In one unit and past the group's threshold only, from the value before or from the oldest one shown;
    where these two point in different ways it says nothing.
    """
    if not earlier or newest.when is None or _is_unordered(record, (newest, *earlier)):
        return ""
    now = _plain(newest)
    first = _difference(now, earlier[0])
    if now is None or first is None:
        return ""
    if group and group.change and first[0]:
        return f"change {first[0]:+f} {now[1]}".rstrip()
    steps = (first, _difference(now, earlier[-1]) if len(earlier) > 1 else first)
    if all(level(record, each) in {"marked", "normal", ""} for each in (newest, *earlier)):
        return ""
    known = [each for each in steps if each and each[0]]
    ways = {change > 0 for change, _ in known}
    if len(ways) != 1 or not any(_counts(change, before, group) for change, before in known):
        return ""
    return "rising" if True in ways else "falling"


def _is_unordered(record: Record, items: Sequence[Item]) -> bool:
    """Return whether two of the values are of one instant and nothing tells which came last."""
    return not are_apart(items) and any(as_new(record, pair) for pair in pairwise(items))


def _difference(now: tuple[Number, str] | None, before: Item) -> tuple[Decimal, Decimal] | None:
    """Return (difference, value before) where both are plain numbers of one unit."""
    then = _plain(before)
    if now is None or then is None or now[1] != then[1]:
        return None
    return Decimal(now[0]) - Decimal(then[0]), Decimal(then[0])


def _counts(change: Decimal, before: Decimal, group: Group | None) -> bool:
    return bool(change) and abs(change) >= _threshold(group, before)


def _threshold(group: Group | None, before: Decimal) -> Decimal:
    if group and group.trend is not None:
        return Decimal(str(group.trend))
    return abs(before) * Decimal(str(group.percent if group else 10)) / 100


def _plain(item: Item) -> tuple[Number, str] | None:
    """Return (value, unit) of a result that is a plain number, else None."""
    quantity = obj(item.resource, "valueQuantity")
    amount = number(quantity, "value")
    return None if amount is None or code(quantity, "comparator") else (amount, unit(quantity))
