"""What one Observation says as rules compare it, read once: number, unit, mark, how far it is out."""

from collections.abc import Iterable
from decimal import Decimal

import msgspec

from cds_service.brief.facts.marks import LEVELS, Level, Mark, is_critical_by_note, mark
from cds_service.brief.facts.ranges import place_in_range, side_of_range, unit
from cds_service.brief.record import Item, Record
from cds_service.domain.json import JsonObject
from cds_service.domain.tables import Group, Tables
from cds_service.fhir.elements import code, codes, codings, number, obj, objs

_UNTOLD: frozenset[Level] = frozenset({"", "marked"})
"""Levels beside which the range of a value counts."""


class Reading(msgspec.Struct, frozen=True, eq=False):
    """One Observation, its components apart but for the level."""

    number: int | Decimal | None
    """Its value where that is a plain number."""
    unit: str
    """The unit of its quantity, as stored."""
    mark: Mark
    """The worst that it is marked with."""
    side: str
    """On which side of its own range its value lies; "" too where a code tells how far it is out."""
    is_unread: bool
    """Whether a number has a range that nobody here can hold it against, and no code tells how far it is out."""
    level: Level
    """How far it is out: by its own mark first, then by its own range, and the worst of its components."""


def reading(record: Record, item: Item) -> Reading:
    """Return what an Observation says."""
    return record.each(_reading, item)


def _reading(record: Record, item: Item) -> Reading:
    resource = item.resource
    quantity = obj(resource, "valueQuantity")
    is_plain = "comparator" not in quantity or not code(quantity, "comparator")
    own = mark(resource)
    place = "" if own.code and own.level not in _UNTOLD else place_in_range(resource)
    is_unread = place == "unread"
    side = "" if is_unread else place
    level: Level = "abnormal" if side and own.level in _UNTOLD else own.level
    if "component" in resource:
        is_unread = is_unread or _has_unread_part(resource)
        level = _worst(level, *(_level_of_part(each) for each in objs(resource, "component")))
    if record.tables.critical or "note" in resource:
        level = "critical" if _is_critical(record, resource) else level
    return Reading(
        number=number(quantity, "value") if is_plain else None,
        unit=unit(quantity),
        mark=own,
        side=side,
        is_unread=is_unread,
        level=level,
    )


def group_of(record: Record, item: Item) -> Group | None:
    """Return the group of LOINC codes that a resource is in, if any."""
    return record.each(_group_of, item)


def _group_of(record: Record, item: Item) -> Group | None:
    return group_in(codings(obj(item.resource, "code")), record.tables)


def group_in(coded: Iterable[tuple[str, str]], tables: Tables) -> Group | None:
    """Return the group that one of these codes is in, if any."""
    for system, each in coded:
        if each in tables.groups and (not system or system.endswith("loinc.org")):
            return tables.groups[each]
    return None


def _has_unread_part(resource: JsonObject) -> bool:
    return any(
        place_in_range(part) == "unread" and mark(part).level in _UNTOLD
        for part in objs(resource, "component")
    )


def _level_of_part(part: JsonObject) -> Level:
    own = mark(part).level
    return "abnormal" if own in _UNTOLD and side_of_range(part) else own


def _worst(*levels: Level) -> Level:
    return min(levels, key=LEVELS.index)


def _is_critical(record: Record, resource: JsonObject) -> bool:
    """Return whether a note or a limit of the site says so."""
    if "note" in resource and is_critical_by_note(resource):
        return True
    if not record.tables.critical:
        return False
    parts = objs(resource, "component") if "component" in resource else ()
    return any(_is_past_limit(record, part) for part in (resource, *parts))


def _is_past_limit(record: Record, part: JsonObject) -> bool:
    """Return whether a value is past a limit that the site configured, in that limit's unit."""
    quantity = obj(part, "valueQuantity")
    value = number(quantity, "value")
    for each in codes(obj(part, "code")):
        limit = record.tables.critical.get(each)
        if limit and value is not None and limit.unit in {unit(quantity), code(quantity, "code")}:
            return not limit.low <= value <= limit.high
    return False
