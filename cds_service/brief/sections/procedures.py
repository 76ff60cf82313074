"""Illnesses that have ended, by name; procedures of the last twelve months, and older ones by name."""

from collections.abc import Iterable, Iterator, Sequence

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
    for tests, talks and paperwork: first the operations that last, whatever their age.
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
        elif same not in sets and same not in older and not _is_minor(record, item):
            older[same] = item
    for items in sets.values():
        yield Statement(
            kind="procedure", refs=tuple(i.ref for i in items), flags=tuple(_flags(record, items))
        )
    yield from _older(record, older.values())


def _flags(record: Record, items: Sequence[Item]) -> Iterator[Flag]:
    if items[0].when is None:
        yield "undated"
    if len(items) > 1:
        yield "merged"
    if _is_lasting(record, items[0]):
        yield "lasting"


def _older(record: Record, items: Iterable[Item]) -> Iterator[Statement]:
    """Yield the names of procedures that are older than the window, operations that last before the rest."""
    lasting: list[str] = []
    rest: list[str] = []
    for item in items:
        (lasting if _is_lasting(record, item) else rest).append(item.ref)
    yield from grouped(record, "procedure", lasting, "stale", "lasting")
    yield from grouped(record, "procedure", rest, "stale")


def _is_minor(record: Record, item: Item) -> bool:
    """Return whether a procedure is a test, a talk or paperwork, by a word in its name."""
    return _holds(record.each(_heard, item), _MINOR)


def _is_lasting(record: Record, item: Item) -> bool:
    """Return whether an operation left or took something for good, by how a word of its name begins."""
    heard = record.each(_heard, item)
    for at, word in enumerate(heard):
        known = _LASTING.get(word[:2])
        if known and " ".join(heard[at : at + 3]).startswith(known):
            return not _holds(heard, _LOOKED_AT)
    return False


def _heard(_: Record, item: Item) -> tuple[str, ...]:
    return words(name(obj(item.resource, "code")))


def _holds(heard: Iterable[str], phrases: Iterable[str]) -> bool:
    said = f" {' '.join(heard)} "
    return any(map(said.__contains__, phrases))


def _by_first_letters(beginnings: Iterable[str]) -> dict[str, tuple[str, ...]]:
    """Return beginnings of names by their first two letters: a name is compared with few of very many."""
    found: dict[str, tuple[str, ...]] = {}
    for each in beginnings:
        found[each[:2]] = (*found.get(each[:2], ()), each)
    return found


_TERMS = DEFAULT.terms["procedure"]
_MINOR = tuple(f" {each} " for each in _TERMS["minor"])
_LASTING = _by_first_letters(_TERMS["lasting"])
_LOOKED_AT = (*_MINOR, *(f" {each} " for each in _TERMS["looked_at"]))


def _same(record: Record, item: Item) -> object:
    """Return what procedures on one line share: name, status and label; an undated one stands alone."""
    said = name(obj(item.resource, "code")).casefold()
    if not said or item.when is None:
        return item.ref
    return said, item.status, item.ref in record.once(restricted)
