"""Results in words that belong together: the parts of one panel, as of a urinalysis."""

from collections.abc import Mapping, Sequence

from cds_service.brief.facts.observations import Series, as_new
from cds_service.brief.facts.ranges import value_in_words
from cds_service.brief.record import Record
from cds_service.fhir.elements import code, objs

_LONGEST = 60
"""Characters of a value in words that stands beside others: an impression has a line of its own."""


def in_panels(record: Record, found: Sequence[Series]) -> tuple[tuple[Series, ...], ...]:
    """Return series in their order, those in words of one panel together, at the place of the first of them."""
    short = {each for each in found if _is_short(record, each)}
    panels = record.once(_panels) if len(short) > 1 else {}
    together: dict[str, list[Series]] = {}
    for each in found:
        ref = each.items[0].ref
        panel = panels.get(ref, ref) if each in short else ref
        together.setdefault(panel, []).append(each)
    return tuple(map(tuple, together.values()))


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
