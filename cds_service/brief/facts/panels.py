"""Results in words that belong together: the parts of one panel, as of a urinalysis."""

from collections.abc import Mapping, Sequence

from cds_service.brief.facts.observations import Series, as_new, is_stale
from cds_service.brief.facts.ranges import value_in_words
from cds_service.brief.facts.readings import reading
from cds_service.brief.record import Item, Record
from cds_service.fhir.elements import code, objs

_LONGEST = 60
"""Characters of a value in words that stands beside others: an impression has a line of its own."""


def in_panels(record: Record, found: Sequence[Series]) -> tuple[tuple[Series, ...], ...]:
    """Return series in their order, those in words of one panel together, at the place of the first of them."""
    return _together(record, found, {each: None for each in found if _is_short(record, each)})


def in_readings(record: Record, found: Sequence[Series]) -> tuple[tuple[Series, ...], ...]:
    """Return series in their order, but together what one panel, read at one time, says in words and not out of range.

    What was otherwise before stays alone: its line tells it. The same before shares a line by its days.
    """
    alike = {
        each: (
            each.items[0].when,
            each.is_new,
            is_stale(record, each),
            tuple([item.when and item.when.day for item in _before(record, each)]),
        )
        for each in found
        if "valueQuantity" not in each.items[0].resource and _is_unremarkable(record, each)
    }
    return _together(record, found, alike)


def _together(
    record: Record, found: Sequence[Series], alike: Mapping[Series, object]
) -> tuple[tuple[Series, ...], ...]:
    """Return series in their order, together those of one panel that have the same mapped to them."""
    if len(alike) <= 1:  # it stands alone anyway, as most do
        return tuple([(each,) for each in found])
    panels = record.once(_panels)
    together: dict[object, list[Series]] = {}
    for each in found:
        ref = each.items[0].ref
        panel = (panels.get(ref, ref), alike[each]) if each in alike else ref
        together.setdefault(panel, []).append(each)
    return tuple(map(tuple, together.values()))


def _is_unremarkable(record: Record, each: Series) -> bool:
    """Return whether a final series is one short value in words, not marked as anything, and never was another."""
    if each.aside or each.level not in {"normal", ""} or not _is_short(record, each):
        return False
    said = value_in_words(each.items[0].resource).casefold()
    return all(
        value_in_words(item.resource).casefold() == said
        and reading(record, item).level == each.level
        for item in _before(record, each)
    )


def _before(record: Record, each: Series) -> Sequence[Item]:
    return each.items[1 : 1 + record.tables.count["earlier"]]


def _is_short(record: Record, each: Series) -> bool:
    """Return whether a series is told by one value of few words, and by nothing beside it."""
    newest = each.items[0].resource
    if each.level == "critical" or "component" in newest or "note" in newest:
        return False
    return 0 < len(value_in_words(newest)) <= _LONGEST and not as_new(record, each.items)


def _panels(record: Record) -> Mapping[str, str]:
    """Return the panel or report that holds each result, the newest where several do."""
    held: dict[str, str] = {}
    for kind, member in (("Observation", "hasMember"), ("DiagnosticReport", "result")):
        for item in record.of(kind):
            for each in objs(item.resource, member) if member in item.resource else ():
                found = record.get(code(each, "reference"))
                if found:
                    held.setdefault(found.ref, item.ref)
    return held
