"""Final reports of a record that are more than their results: imaging, pathology, cultures, tracings."""

import re
from collections.abc import Sequence
from typing import Literal

from cds_service.brief.facts.marks import is_critical_in_report
from cds_service.brief.facts.visits import (
    is_after_last_visit,
    is_category,
    is_released_of_late,
    released,
)
from cds_service.brief.record import Item, Record
from cds_service.domain.brief import Flag, Statement
from cds_service.domain.tables import words
from cds_service.fhir.elements import code, codes, inline_text, name, obj, objs, text
from cds_service.rulebook import DEFAULT

_FINAL = frozenset({"final", "amended", "corrected", "appended"})
_WAITING = frozenset({"registered", "partial", "preliminary"})
_PLAIN, _HEADINGS = (
    frozenset(map(words, DEFAULT.terms["report"][each])) for each in ("plain", "headings")
)
_SENTENCES = re.compile(r"[.;\n]")
_PLAIN_MAX = 200
"""Characters of the longest report that may say nothing: a longer one is not looked through for it."""


def conclusion(item: Item) -> str:
    """Return what a report concludes, in its own words; "" for a panel that only holds results together."""
    said = item.resource
    if own := text(said, "conclusion"):
        return own
    if coded := ", ".join(filter(None, map(name, objs(said, "conclusionCode")))):
        return coded
    for each in objs(said, "presentedForm"):
        if shown := inline_text(each):
            return shown
    return ""


def coded_conclusion(item: Item) -> str:
    """Return what the codes of a conclusion say beside its text: the words that the text does not hold already."""
    said = text(item.resource, "conclusion")
    if not said or "conclusionCode" not in item.resource:
        return ""
    held = said.casefold()
    coded = (name(each) for each in objs(item.resource, "conclusionCode"))
    return ", ".join(dict.fromkeys(each for each in coded if each.casefold() not in held))


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


def pending(record: Record) -> tuple[Item, ...]:
    """Return the reports that are not final, without those of a study of which a final report is there."""
    waiting = [item for item in record.of("DiagnosticReport") if item.status in _WAITING]
    if not waiting:
        return ()
    done = [item for item in record.of("DiagnosticReport") if item.status in _FINAL]
    return tuple(
        item for item in waiting if not any(_is_final_of(record, each, item) for each in done)
    )


def _is_final_of(record: Record, final: Item, early: Item) -> bool:
    """Return whether two reports are of one study: of one kind or name, and of one time of a clock.

    Two studies of a day cannot be told apart where only the day is known. What was issued after the final one waits.
    """
    if not early.when or not final.when or early.when.at != final.when.at:
        return False
    if early.when.shown == early.when.day:
        return False
    if _kind(record, early) != _kind(record, final) and not _is_alike(record, early, final):
        return False
    then, now = (record.moment(each.resource.get("issued")) for each in (early, final))
    return then is None or now is None or then.at <= now.at


def _is_alike(record: Record, one: Item, other: Item) -> bool:
    said = {name(obj(each.resource, "code")).casefold() for each in (one, other)}
    return len(said) == 1 and said.isdisjoint(record.tables.terms["report"]["generic_names"])


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


Weight = Literal["critical", "", "plain"]
_WEIGHTS: tuple[Weight, ...] = ("critical", "", "plain")


def weight(record: Record, item: Item) -> Weight:
    """Return whether a report says that it is critical, or nothing out of the ordinary in all of its words."""
    return record.each(_weight, item)


def _weight(record: Record, item: Item) -> Weight:
    said = conclusion(item)
    if is_critical_in_report(said):
        return "critical"
    return "plain" if len(said) <= _PLAIN_MAX and _is_plain(record, said) else ""


def _is_plain(record: Record, said: str) -> bool:
    """Return whether each sentence, a heading before it aside, is one that says nothing out of the ordinary."""
    known = record.tables.plain_values
    if words(said) in known:
        return True
    heard = [found for each in _SENTENCES.split(said) if (found := words(each))]
    bare = [each[1:] if each[:1] in _HEADINGS else each for each in heard]
    return bool(bare) and all(each in _PLAIN or each in known for each in bare)


def by_weight(record: Record, found: Sequence[Item]) -> Sequence[Item]:
    """Return reports in their order, but what is critical first and what plainly says nothing last."""
    if len(found) == 1:
        return found
    return sorted(found, key=lambda item: _WEIGHTS.index(weight(record, item)))


def critical(record: Record) -> list[Item]:
    """Return the reports of late, final or not, that say of themselves that they are critical."""
    return [
        item
        for item in (*record.once(reports), *record.once(pending))
        if is_released_of_late(record, item) and weight(record, item) == "critical"
    ]


def tells_early(record: Record, item: Item) -> bool:
    """Return whether a report that is not final says something already, and of late."""
    return bool(conclusion(item)) and is_released_of_late(record, item)


def statement(record: Record, item: Item) -> Statement:
    """Return the statement of one report; of one of late, whether it says more than plain sentences."""
    flags: tuple[Flag, ...] = ("new",) if is_new(record, item) else ()
    if is_released_of_late(record, item) and weight(record, item) != "plain":
        flags = (*flags, "worded")
    return Statement(kind="report", refs=(item.ref,), flags=flags)


def statement_of_critical(record: Record, item: Item) -> Statement:
    """Return the statement of one that says that it is critical."""
    flags: tuple[Flag, ...] = ("must_show", "critical")
    if item.status in _WAITING:
        return statement_of_pending(record, item, *flags)
    own = statement(record, item)
    return Statement(kind=own.kind, refs=own.refs, flags=(*flags, *own.flags))


def statement_of_pending(record: Record, item: Item, *more: Flag) -> Statement:
    """Return the statement of one that is not final."""
    said: tuple[Flag, ...] = ("worded",) if tells_early(record, item) else ()
    flags: tuple[Flag, ...] = (*more, "preliminary", *said)
    return Statement(kind="report_pending", refs=(item.ref,), flags=flags)
