"""Illnesses that have ended, by name; procedures of the last twelve months, and older ones by name."""

from collections.abc import Iterator

from cds_service.brief.facts.labels import restricted
from cds_service.brief.facts.past import past
from cds_service.brief.record import Item, Record
from cds_service.brief.sections.common import grouped
from cds_service.domain.brief import Flag, Statement
from cds_service.domain.tables import words
from cds_service.fhir.elements import name, obj
from cds_service.rulebook import DEFAULT


def statements(record: Record) -> Iterator[Statement]:
    """Yield illnesses of the past, each procedure of the window, one that was done several times on one line.

    One that was not done is left out, an undated one is not. Older ones, and not done since, are named once each, but
    for tests, talks and paperwork.
    """
    over = [[item.ref for item in items] for items in record.once(past)]
    yield from grouped(record, "problem", over, "stopped")
    sets: dict[object, list[Item]] = {}
    older: dict[object, Item] = {}
    for item in record.of("Procedure"):
        if item.status == "not-done":
            continue
        same = _same(record, item)
        if item.when is None or record.days_ago(item.when) <= record.tables.days["procedures"]:
            sets.setdefault(same, []).append(item)
        elif same not in sets and same not in older and not _is_minor(item):
            older[same] = item
    for items in sets.values():
        flags: tuple[Flag, ...] = ("merged",) if len(items) > 1 else ()
        if items[0].when is None:
            flags = ("undated", *flags)
        yield Statement(kind="procedure", refs=tuple(i.ref for i in items), flags=flags)
    yield from grouped(record, "procedure", [item.ref for item in older.values()], "stale")


def _is_minor(item: Item) -> bool:
    """Return whether a procedure is a test, a talk or paperwork, by a word in its name."""
    said = f" {' '.join(words(name(obj(item.resource, 'code'))))} "
    return any(map(said.__contains__, _MINOR))


_MINOR = tuple(f" {each} " for each in DEFAULT.terms["procedure"]["minor"])


def _same(record: Record, item: Item) -> object:
    """Return what procedures on one line share: name, status and label; an undated one stands alone."""
    said = name(obj(item.resource, "code")).casefold()
    if not said or item.when is None:
        return item.ref
    return said, item.status, item.ref in record.once(restricted)
