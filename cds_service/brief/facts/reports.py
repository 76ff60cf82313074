"""Final reports of a record that are more than their results: imaging, pathology, cultures, tracings."""

from cds_service.brief.facts.visits import is_after_last_visit, is_category, released
from cds_service.brief.record import Item, Record
from cds_service.domain.brief import Flag, Statement
from cds_service.fhir.elements import code, codes, inline_text, name, obj, objs, text

_FINAL = frozenset({"final", "amended", "corrected", "appended"})


def conclusion(item: Item) -> str:
    """Return what a report concludes, in its own words; "" for a panel that only holds results together."""
    said = item.resource
    coded = ", ".join(each for c in objs(said, "conclusionCode") if (each := name(c)))
    presented = (inline_text(each) for each in objs(said, "presentedForm"))
    return text(said, "conclusion") or coded or next((each for each in presented if each), "")


def has_attachment(item: Item) -> bool:
    """Return whether a report carries a text, or leads to one, that nobody reads here."""
    return any(
        code(each, "url") or code(each, "data") for each in objs(item.resource, "presentedForm")
    )


def reports(record: Record) -> tuple[Item, ...]:
    """Return the final reports, newest first, without those that only hold together results of the record."""
    return tuple(
        item
        for item in record.of("DiagnosticReport")
        if item.status in _FINAL and (conclusion(item) or not _is_panel(record, item))
    )


def _is_panel(record: Record, item: Item) -> bool:
    """Return whether nothing says that a report is more than its results, and these stand in the record."""
    held = objs(item.resource, "result")
    if any(record.get(code(each, "reference")) is None for each in held):
        return False
    of_laboratory = is_category(item, *record.tables.terms["report"]["laboratory"])
    if has_attachment(item):
        return bool(held) and of_laboratory
    return bool(held) or of_laboratory or "category" not in item.resource


def newest_reports(record: Record) -> tuple[Item, ...]:
    """Return the newest report of each kind."""
    kept: dict[str, Item] = {}
    for item in record.once(reports):
        kept.setdefault(_kind(record, item), item)
    return tuple(kept.values())


def _kind(record: Record, item: Item) -> str:
    """Return what newer reports take the place of: under a code of all imaging only those of its name."""
    terms = record.tables.terms["report"]
    concept = obj(item.resource, "code")
    coded, said = next(iter(codes(concept)), ""), name(concept).casefold()
    if coded not in terms["generic_codes"]:
        return coded or said or item.ref
    return item.ref if said in terms["generic_names"] else said or item.ref


def is_new(record: Record, item: Item) -> bool:
    """Return whether a report could first be read after the last visit."""
    return is_after_last_visit(record, released(record, item))


def statement(record: Record, item: Item) -> Statement:
    """Return the statement of one report."""
    flags: tuple[Flag, ...] = ("new",) if is_new(record, item) else ()
    return Statement(kind="report", refs=(item.ref,), flags=flags)
