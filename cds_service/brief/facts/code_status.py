"""Whether a patient is to be resuscitated: which entries say so, and which of them do not agree."""

import re
from collections.abc import Iterator
from typing import Literal

from cds_service.brief.facts.conditions import entry
from cds_service.brief.facts.order_kinds import code_status_orders
from cds_service.brief.facts.problems import problems
from cds_service.brief.facts.visits import is_category
from cds_service.brief.record import Item, Record
from cds_service.domain.tables import words
from cds_service.fhir.elements import codes, is_true, name, obj
from cds_service.rulebook import DEFAULT

Side = Literal["for", "against", ""]
_TERMS = DEFAULT.terms["resuscitation"]
_FOR_CODES, _AGAINST_CODES = frozenset(_TERMS["for_codes"]), frozenset(_TERMS["against_codes"])
_CODES = _FOR_CODES | _AGAINST_CODES


def _phrases(said: list[str]) -> re.Pattern[str]:
    """Return what finds any of these phrases among words between single spaces."""
    longest_first = sorted(said, key=len, reverse=True)
    return re.compile(rf"\b(?:{'|'.join(map(re.escape, longest_first))})\b")


_FOR, _AGAINST, _HEDGED = (_phrases(_TERMS[each]) for each in ("for", "against", "hedges"))
_BESIDE_FOR, _BESIDE_AGAINST = (_phrases(_TERMS[f"beside_{each}"]) for each in ("for", "against"))
_SAID = _phrases([*_TERMS["for"], *_TERMS["against"], *DEFAULT.terms["order"]["code_status"]])


def told_by_conditions(record: Record) -> tuple[Item, ...]:
    """Return the Conditions that stand and say how a patient is to be resuscitated, by code or by name."""
    return tuple(
        item
        for problem in record.once(problems)
        for item, known in zip(problem.items, problem.entries, strict=True)
        if known.status == "active"
        and (not _CODES.isdisjoint(known.codes) or _SAID.search(known.named))
    )


def disagreement(record: Record) -> tuple[Item, ...]:
    """Return the newest entry for and the newest against resuscitation, newest first; nothing where one is missing."""
    found: dict[Side, Item] = {}
    for item in sorted(_told(record), key=lambda item: item.place):
        found.setdefault(side(item), item)
    found.pop("", None)
    return tuple(found.values()) if len(found) > 1 else ()


def _told(record: Record) -> Iterator[Item]:
    yield from (item for item in record.once(code_status_orders) if item.status == "active")
    yield from (
        item for item in record.once(told_by_conditions) if not entry(record, item).is_unsure
    )
    for item in record.of("Flag"):
        if is_in_force(record, item):
            yield item
    for item in record.of("Consent"):
        if item.status in {"active", ""} and is_category(item, "dnr"):
            yield item


def is_in_force(record: Record, flag: Item) -> bool:
    """Return whether a Flag stands: active, or of no status, and not past its end."""
    end = record.moment(obj(flag.resource, "period").get("end"))
    return flag.status in {"active", ""} and (end is None or record.days_ago(end) <= 0)


def side(item: Item) -> Side:
    """Return which of the two an entry plainly says; "" where it says both, neither, or takes it back."""
    if item.type == "Consent":
        return "against"
    concept = obj(item.resource, "code")
    if is_true(item.resource, "doNotPerform"):
        return ""
    coded = codes(concept)
    found = [not _FOR_CODES.isdisjoint(coded), not _AGAINST_CODES.isdisjoint(coded)]
    if not any(found):
        said = " ".join(words(name(concept)))
        against = _AGAINST.sub(" ", said)
        found = [bool(_FOR.search(against)), against != said]
        beside = _BESIDE_FOR if found[0] else _BESIDE_AGAINST
        if _HEDGED.search(beside.sub(" ", _FOR.sub(" ", against))):
            return ""
    if all(found) or not any(found):
        return ""
    return "for" if found[0] else "against"
