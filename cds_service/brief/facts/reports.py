"""Final reports of a record that say something in words: imaging, pathology, cultures, tracings."""

from cds_service.brief.facts.visits import is_after_last_visit, released
from cds_service.brief.record import Item, Record
from cds_service.domain.brief import Flag, Statement
from cds_service.fhir.elements import codes, inline_text, name, obj, objs, text

_FINAL = frozenset({"final", "amended", "corrected", "appended"})


def conclusion(item: Item) -> str:
    """Return what a report concludes, in its own words; "" for a panel that only holds results together."""
    said = item.resource
    coded = ", ".join(each for c in objs(said, "conclusionCode") if (each := name(c)))
    presented = (inline_text(each) for each in objs(said, "presentedForm"))
    return text(said, "conclusion") or coded or next((each for each in presented if each), "")


def reports(record: Record) -> tuple[Item, ...]:
    """Return the final reports that conclude something, newest first."""
    return tuple(
        item
        for item in record.of("DiagnosticReport")
        if item.status in _FINAL and conclusion(item)
    )


def newest_reports(record: Record) -> tuple[Item, ...]:
    """Return the newest report of each kind."""
    kept: dict[str, Item] = {}
    for item in record.once(reports):
        kept.setdefault(_kind(item), item)
    return tuple(kept.values())


def _kind(item: Item) -> str:
    concept = obj(item.resource, "code")
    coded = next(iter(codes(concept)), "")
    return coded or name(concept).casefold() or item.ref


def is_new(record: Record, item: Item) -> bool:
    """Return whether a report could first be read after the last visit."""
    return is_after_last_visit(record, released(record, item))


def statement(record: Record, item: Item) -> Statement:
    """Return the statement of one report."""
    flags: tuple[Flag, ...] = ("new",) if is_new(record, item) else ()
    return Statement(kind="report", refs=(item.ref,), flags=flags)
