"""Observations as series: one for each measured thing, newest first, what is not final apart."""

from collections.abc import Container, Iterator, Mapping, Sequence
from itertools import groupby, takewhile
from typing import Literal

import msgspec

from cds_service.brief.facts.marks import LEVELS, Level, Side, is_only_noted
from cds_service.brief.facts.ranges import value_in_words
from cds_service.brief.facts.readings import group_in, group_of, reading
from cds_service.brief.facts.visits import is_after_last_visit, is_released_of_late, released
from cds_service.brief.record import Item, Record
from cds_service.domain.brief import Flag, Kind, Statement
from cds_service.domain.json import JsonObject
from cds_service.domain.tables import Group, Tables, words
from cds_service.fhir.dates import Moment
from cds_service.fhir.elements import codes, codings, name, obj, objs
from cds_service.rulebook import DEFAULT

Aside = Literal["", "preliminary", "registered", "undated", "future"]

_ASIDES: tuple[Aside, ...] = ("", "preliminary", "registered", "undated", "future")
_SECTIONS = {
    "laboratory": "results",
    "vital-signs": "vitals",
    "social-history": "social",
    "survey": "survey",
}
_SURVEY = frozenset(
    each for part in ("codes", "danger_codes") for each in DEFAULT.terms["survey"][part]
)
_NOT_FINAL: Mapping[str, Aside] = {"preliminary": "preliminary", "registered": "registered"}


class Series(msgspec.Struct, frozen=True, eq=False):
    """Observations of one code, newest first. `aside` says why they stand beside the final, dated ones."""

    section: str
    group: Group | None
    place: tuple[int, str]
    """Reading order: that of the data file, then by name."""
    items: tuple[Item, ...]
    aside: Aside
    level: Level
    """How far the newest value is out."""
    is_new: bool
    """Whether the newest value could first be read after the last visit."""


def series(record: Record) -> tuple[Series, ...]:
    """Return every series in reading order."""
    found: _Found = {}
    for item in record.of("Observation"):
        if item.status != "cancelled" and not _is_empty_panel(item.resource):
            section, key = _section_and_key(item.resource, record.tables)
            found.setdefault((section, key, _aside(record, item)), []).append(item)
    finals = {(key[0], key[1]): items[0].when for key, items in found.items() if not key[2]}
    found = _with_older_finals(record, found)
    made = [_series(record, key, items) for key, items in found.items()]
    kept = [
        each
        for key, each in zip(found, made, strict=True)
        if not _is_superseded(each, finals.get((key[0], key[1])))
        and not _is_part_of_pressure(record, key, finals)
    ]
    return tuple(
        sorted(kept, key=lambda each: (*each.place, _ASIDES.index(each.aside), each.items[0].ref))
    )


_Found = dict[tuple[str, str, Aside], list[Item]]


def _with_older_finals(record: Record, found: _Found) -> _Found:
    """Put final values behind newer preliminary ones of their test: one piece of news, and the newest first.

    A critical final value stands for itself until another final one, or a critical preliminary one, is there.
    """
    for section, key, aside in [each for each in found if each[2] == "preliminary"]:
        final = found.get((section, key, ""))
        newer = [
            each for each in found[section, key, aside] if final and _is_after(each, final[0])
        ]
        if not final or not newer:
            continue
        if reading(record, final[0]).level == "critical" != reading(record, newer[0]).level:
            continue
        found[section, key, aside] = [*newer, *final]
        del found[section, key, ""]
    return found


def _is_after(item: Item, other: Item) -> bool:
    return item.when is not None and other.when is not None and item.when > other.when


def _series(record: Record, key: tuple[str, str, Aside], items: list[Item]) -> Series:
    section, identity, aside = key
    group = group_of(record, items[0])
    title = "" if group else name(obj(items[0].resource, "code")).casefold()
    place = (group.place if group else len(record.tables.groups), f"{title} {identity}")
    ordered = in_order(record, items)
    newest = ordered[0]
    far, new = reading(record, newest).level, is_new(record, newest)
    return Series(section, group, place, ordered, aside, far, new)


def in_order(record: Record, items: Sequence[Item]) -> tuple[Item, ...]:
    """Return results that are newest first, those of one instant by when they were issued, else the worst first."""
    if are_apart(items):
        return tuple(items)
    ordered: list[Item] = []
    for _, same in groupby(items, key=lambda item: item.when and item.when.at):
        ordered += _of_one_instant(record, list(same))
    return tuple(ordered)


def are_apart(items: Sequence[Item]) -> bool:
    """Return whether no two results, newest first, are of one instant: two that are stand side by side."""
    before = None
    for item in items:
        if item.when:
            if item.when.at == before:
                return False
            before = item.when.at
    return True


def _of_one_instant(record: Record, same: list[Item]) -> list[Item]:
    if len(same) == 1 or same[0].when is None:
        return same
    by_level = sorted(same, key=lambda item: LEVELS.index(reading(record, item).level))
    issued = {item.ref: at for item in same if (at := _issued(record, item))}
    if len(issued) < len(same):
        return by_level
    return sorted(by_level, key=lambda item: -issued[item.ref].at)


def _is_of_one_instant(one: Item, other: Item) -> bool:
    return one.when is not None and other.when is not None and one.when.at == other.when.at


def _issued(record: Record, item: Item) -> Moment | None:
    return record.moment(item.resource.get("issued"))


def as_new(record: Record, items: Sequence[Item]) -> list[Item]:
    """Return, of results in order, the others that may be as new as the first: nothing tells which came last."""
    if len(items) == 1 or not _is_of_one_instant(items[0], items[1]):
        return []
    same = [item for item in items if _is_of_one_instant(items[0], item)]
    issued = [_issued(record, item) for item in same]
    if all(issued):
        same = [item for item, at in zip(same, issued, strict=True) if at == issued[0]]
    return same[1:]


def _is_superseded(each: Series, final: Moment | None) -> bool:
    """Return whether a preliminary or registered result is older than a final one of its code."""
    if each.aside not in {"preliminary", "registered"} or final is None:
        return False
    newest = each.items[0].when
    return newest is not None and newest <= final


def _is_part_of_pressure(
    record: Record, key: tuple[str, str, Aside], finals: Mapping[tuple[str, str], Moment | None]
) -> bool:
    """Return whether a series of one of the two pressures says nothing newer than the series of both."""
    section, name_, aside = key
    if aside or name_ not in record.tables.pressure["part_names"]:
        return False
    both = finals.get((section, record.tables.pressure["panel_name"]))
    own = finals.get((section, name_))
    return own is not None and both is not None and own <= both


def _aside(record: Record, item: Item) -> Aside:
    if item.status in _NOT_FINAL:
        return _NOT_FINAL[item.status]
    if item.when is None:
        return "undated"
    return "future" if record.is_future(item.when) else ""


def _is_empty_panel(resource: JsonObject) -> bool:
    """Return whether an Observation only holds others together."""
    return "hasMember" in resource and not is_told(resource)


def is_told(resource: JsonObject) -> bool:
    """Return whether an Observation says something: a value of its own, or components."""
    return has_value(resource) or bool(objs(resource, "component"))


def has_value(resource: JsonObject) -> bool:
    """Return whether an Observation or component carries a value[x]."""
    return "valueQuantity" in resource or any(each.startswith("value") for each in resource)


def _section_and_key(resource: JsonObject, tables: Tables) -> tuple[str, str]:
    """Return the section that an Observation belongs to and what its series is known by."""
    concept = obj(resource, "code")
    coded = codings(concept)
    group = group_in(coded, tables)
    # What a thing is, is better known by its code than by the shelf that it was put on.
    section = group.section if group else _shelf(resource, concept)
    for _, each in coded:
        if each in _SURVEY:
            section = "survey"
    if "focus" in resource:
        # a fetus, a device, a relative: never one series with the patient's own
        return section, f"focus|{tuple(coded)}|{name(concept)}"
    if group:
        return section, group.name
    return section, "|".join(coded[0]) if coded else name(concept).casefold()


def _shelf(resource: JsonObject, concept: JsonObject) -> str:
    """Return the section of an Observation by its categories; a score stands among the results."""
    for category in objs(resource, "category"):
        for each in codes(category):
            if each in _SECTIONS:
                is_score = each == "survey" and "score" in name(concept).casefold()
                return "results" if is_score else _SECTIONS[each]
    return "results"


def statement(record: Record, each: Series, kind: Kind = "result", *more: Flag) -> Statement:
    """Return the statement of a series: the newest value with up to three earlier ones."""
    said = record.once(_said)
    if each not in said:
        said[each] = (
            tuple([item.ref for item in _shown(record, each)]),
            tuple(_flags(record, each)),
        )
    refs, own = said[each]
    flags = tuple(dict.fromkeys((*more, *own))) if more else own
    return Statement(kind=kind, refs=refs, flags=flags)


def statement_of_former(
    record: Record, each: Series, then: Item, kind: Kind, *flags: Flag
) -> Statement:
    """Return the statement of a series of which an earlier value is what is told: that one stands in it."""
    said = statement(record, each, kind, *flags)
    refs = said.refs if then.ref in said.refs else (*said.refs, then.ref)
    return msgspec.structs.replace(said, refs=refs)


def _said(_: Record) -> dict[Series, tuple[tuple[str, ...], tuple[Flag, ...]]]:
    return {}


def _shown(record: Record, each: Series) -> Sequence[Item]:
    """Return the newest and the earlier values, without exact copies that a record holds twice."""
    newest = each.items[: record.tables.count["earlier"] + 1]
    if are_apart(newest):
        return newest
    kept: list[Item] = []
    for item in each.items:
        if not any(_is_copy(item, other) for other in kept):
            kept.append(item)
        if len(kept) > record.tables.count["earlier"]:
            break
    return kept


def _is_copy(item: Item, other: Item) -> bool:
    """Return whether two results differ in nothing but their identity and notes."""
    if item.when is None or item.when != other.when or item.status != other.status:
        return False
    return all(item.resource.get(each) == other.resource.get(each) for each in _SUBSTANCE)


_SUBSTANCE = (
    "valueQuantity",
    "valueString",
    "valueCodeableConcept",
    "valueInteger",
    "valueBoolean",
    "valueRange",
    "valueRatio",
    "component",
    "dataAbsentReason",
    "interpretation",
)


def _flags(record: Record, each: Series) -> Iterator[Flag]:
    newest = each.items[0]
    yield from _LEVEL_FLAGS.get(each.level, ("worded",) if is_in_words(record, each) else ())
    if side := _direction(record, newest):
        yield side
    elif each.level == "abnormal" and _has_no_measure(newest.resource):
        yield "unmeasured"
    if each.aside in {"preliminary", "registered"}:
        yield "preliminary"
    if newest.when is None:
        yield "undated"
    elif is_stale(record, each):
        yield "stale"
    if each.is_new:
        yield "new"


def _has_no_measure(resource: JsonObject) -> bool:
    """Return whether nothing tells how far a result is out that is marked as out of range, and not on which side."""
    return "referenceRange" not in resource or bool(value_in_words(resource))


_LEVEL_FLAGS: Mapping[Level, tuple[Flag, ...]] = {
    "critical": ("must_show", "critical"),
    "abnormal": ("abnormal",),
}


def _direction(record: Record, item: Item) -> Side:
    own = reading(record, item)
    if own.mark.side or own.mark.level not in {"", "marked"}:
        return own.mark.side
    return _SIDE_OF.get(own.side, "")


_SIDE_OF: Mapping[str, Side] = {"above": "high", "below": "low"}


def is_in_words(record: Record, each: Series) -> bool:
    """Return whether nobody here can tell how far the newest value is out: it is words, or its mark or its range is.

    A number that only a note speaks of is one too. A value in words that plainly say nothing out of the ordinary is
    none, nor one that its laboratory calls normal.
    """
    if each.level:
        return each.level == "marked"
    newest = each.items[0].resource
    if is_only_noted(newest) or reading(record, each.items[0]).is_unread:
        return True
    if "component" not in newest:
        return _is_told_by_words(record, newest)
    parts = (newest, *objs(newest, "component"))
    return any(_is_told_by_words(record, part) for part in parts)


def _is_told_by_words(record: Record, part: JsonObject) -> bool:
    said = value_in_words(part)
    return bool(said) and words(said) not in record.tables.plain_values


def is_new(record: Record, item: Item) -> bool:
    """Return whether a result could first be read after the last visit."""
    return is_after_last_visit(record, released(record, item))


def former(record: Record, each: Series, levels: Container[Level]) -> list[Item]:
    """Return the values before the newest that are of these levels and could first be read after the last visit.

    Newest first. Behind those that stand beside the newest the first that could be read before ends the search.
    """
    beside = record.tables.count["earlier"] + 1
    rest = takewhile(lambda item: is_released_of_late(record, item), each.items[beside:])
    return [
        item
        for item in (*each.items[1:beside], *rest)
        if reading(record, item).level in levels and is_released_of_late(record, item)
    ]


def is_stale(record: Record, each: Series) -> bool:
    """Return whether the newest value of a series is called old."""
    newest = each.items[0].when
    return newest is not None and record.days_ago(newest) > stale_days(record, each)


def stale_days(record: Record, each: Series) -> int:
    """Return after how many days a value of this series is called old."""
    return (each.group.stale_days if each.group else None) or record.tables.days["result_stale"]
