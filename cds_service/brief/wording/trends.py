"""What came before a value, and whether it rises or falls."""

from collections.abc import Sequence
from decimal import Decimal
from itertools import pairwise

from cds_service.brief.facts.marks import Level
from cds_service.brief.facts.observations import are_apart, as_new
from cds_service.brief.facts.ranges import unit
from cds_service.brief.facts.readings import Reading, reading
from cds_service.brief.record import Item, Record
from cds_service.brief.wording.values import (
    mark_in_words,
    pressure,
    status,
    unit_in_words,
    value_of,
    without_unit,
)
from cds_service.brief.wording.words import day, joined, stamp
from cds_service.domain.tables import Group
from cds_service.fhir.elements import obj, objs

_OUT: frozenset[Level] = frozenset({"critical", "abnormal"})


def earlier_values(record: Record, newest: Item, earlier: list[Item]) -> str:
    """Write the values before the newest; with times where a day has more than one; undated ones as such."""
    if not earlier:
        return ""
    days = [day(item.when) for item in (newest, *earlier)]
    known = _units(record, newest)
    written = ", ".join(
        _before(record, item, known, crowded=days.count(own) > 1)
        for item, own in zip(earlier, days[1:], strict=True)
    )
    word = "earlier" if newest.when else "others, order unknown:"
    return f"{word} {written}"


def _units(record: Record, newest: Item) -> tuple[str, str]:
    """Return the units of a value and of its first component, which need not be said again."""
    own = unit_in_words(reading(record, newest).unit)
    if "component" not in newest.resource:
        return own, ""
    parts = objs(newest.resource, "component")
    return own, unit_in_words(unit(obj(parts[0], "valueQuantity"))) if parts else ""


def _before(record: Record, item: Item, known: tuple[str, str], *, crowded: bool) -> str:
    """Write an earlier value with its date, without a unit that is known."""
    same, upper = known
    own = reading(record, item)
    both = pressure(item.resource) if upper else ""
    said = without_unit(both or value_of(item.resource, own) or "no value", same)
    if both:
        said = without_unit(said, upper)
    mark = own.mark
    flagged = mark.code if mark.code in {"HH", "LL", "AA", "H", "L"} else mark_in_words(mark)
    side = "" if mark.code else own.side
    when = stamp(item) if crowded or not item.when else item.when.day
    unusual = "" if item.status in {"final", "amended", "corrected"} else f", {status(item)}"
    lies = f"{side} range" if side else ""
    return f"{joined((said, flagged, lies), ' ')} ({when}{unusual})"


def trend(record: Record, newest: Item, earlier: list[Item], group: Group | None) -> str:
    """Say rising or falling where one of the values is out of range; or the change since the value before.

    In one unit and past the group's threshold only, from the value before or from the oldest one shown;
    where these two point in different ways it says nothing.
    """
    if not earlier or newest.when is None:
        return ""
    now, before = reading(record, newest), [reading(record, each) for each in earlier]
    is_out = not _OUT.isdisjoint([each.level for each in (now, *before)])
    tells_change = group is not None and group.change
    if not (is_out or tells_change) or _is_unordered(record, (newest, *earlier)):
        return ""
    first = _difference(now, before[0])
    if tells_change and first and first[0]:
        return f"change {first[0]:+f} {now.unit}".rstrip()
    if not is_out or first is None:
        return ""
    steps = (first, _difference(now, before[-1]) if len(before) > 1 else first)
    known = [each for each in steps if each and each[0]]
    ways = {change > 0 for change, _ in known}
    if len(ways) != 1 or not any(_counts(change, then, group) for change, then in known):
        return ""
    return "rising" if True in ways else "falling"


def _is_unordered(record: Record, items: Sequence[Item]) -> bool:
    """Return whether two of the values are of one instant and nothing tells which came last."""
    return not are_apart(items) and any(as_new(record, pair) for pair in pairwise(items))


def _difference(now: Reading, before: Reading) -> tuple[Decimal, Decimal] | None:
    """Return (difference, value before) where both are plain numbers of one unit."""
    if now.number is None or before.number is None or now.unit != before.unit:
        return None
    then = Decimal(before.number)
    return Decimal(now.number) - then, then


def _counts(change: Decimal, before: Decimal, group: Group | None) -> bool:
    return bool(change) and abs(change) >= _threshold(group, before)


def _threshold(group: Group | None, before: Decimal) -> Decimal:
    if group and group.trend is not None:
        return Decimal(str(group.trend))
    return abs(before) * Decimal(str(group.percent if group else 10)) / 100
