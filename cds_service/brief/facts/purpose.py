"""Why the patient comes, and what of a record has to do with it."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date

from cds_service.brief.facts.mentions import ANYWHERE, DONE, mentions
from cds_service.brief.facts.observations import Series, series, stale_days
from cds_service.brief.facts.readings import group_of
from cds_service.brief.facts.visits import next_appointment
from cds_service.brief.record import Item, Record
from cds_service.domain.json import JsonObject
from cds_service.fhir.elements import code, codes, name, objs, text
from cds_service.rulebook import DEFAULT

_WORD = re.compile(r"[^\W\d_]{5,}")
_COMMON = frozenset(DEFAULT.terms["purpose"]["common_words"])
"""Words of half the visits: they tie nothing to anything."""


@dataclass(frozen=True, slots=True)
class Purpose:
    """What the reasons of a visit are known by."""

    marks: frozenset[str]
    """Codes, whole names in lower case, and references."""
    words: frozenset[str]
    """Telling words."""
    said: str
    """All of it in lower case, to be looked through."""


def purpose(record: Record) -> Purpose:
    """Return why the patient comes: the visits being booked, else the next one and the open encounter."""
    marks: set[str] = set()
    said: list[str] = []
    for visit in _visits(record):
        for concept in objs(visit, "reasonCode"):
            marks |= set(codes(concept)) | {name(concept).casefold()} - {""}
            said.append(_names(concept))
        marks |= {
            each for named in objs(visit, "reasonReference") if (each := code(named, "reference"))
        }
        said += [text(named, "display") for named in objs(visit, "reasonReference")]
        said += [text(visit, "description")]
    whole = " | ".join(said).casefold()
    return Purpose(frozenset(marks), _telling(whole), whole)


def _visits(record: Record) -> Iterator[JsonObject]:
    if record.context.proposed:
        yield from record.context.proposed
        return
    booked = record.once(next_appointment)
    current = record.get(f"Encounter/{record.context.encounter}")
    yield from (item.resource for item in (booked, current) if item)


def _names(concept: JsonObject) -> str:
    return " ".join(
        (text(concept, "text"), *(text(c, "display") for c in objs(concept, "coding")))
    )


def _telling(said: str) -> frozenset[str]:
    return frozenset(_WORD.findall(said)) - _COMMON


def is_of_visit(record: Record, item: Item) -> bool:
    """Return whether an order has to do with why the patient comes: by its code, its reason, or a telling word."""
    return record.each(_is_of_visit, item)


def _is_of_visit(record: Record, item: Item) -> bool:
    wanted = record.once(purpose)
    concepts = [*objs(item.resource, "code"), *objs(item.resource, "reasonCode")]
    marks = {each for concept in concepts for each in codes(concept)}
    marks |= {code(each, "reference") for each in objs(item.resource, "reasonReference")}
    if not marks.isdisjoint(wanted.marks):
        return True
    said = " ".join(map(_names, concepts)).casefold()
    return not _telling(said).isdisjoint(wanted.words)


def old_tests(record: Record) -> tuple[Series, ...]:
    """Return the tests that the visit may want and whose newest value is old on its day."""
    day = day_of_visit(record)
    found = (newest_of(record, each) for each in record.once(wanted_tests))
    return tuple(
        each
        for each in found
        if each
        and (newest := each.items[0].when)
        and (day - newest.date).days > stale_days(record, each)
    )


def newest_of(record: Record, test: str) -> Series | None:
    """Return the series with the newest value of a test; None where another entry may be a newer one."""
    held = [
        (when, each)
        for each in record.once(series)
        if each.group
        and each.group.test == test
        and not each.aside
        and (when := each.items[0].when)
    ]
    if not held:
        return None
    when, newest = max(held, key=lambda pair: pair[0].at)
    dated = (item.when for item in record.of(*DONE) if _may_be(record, item, test))
    return None if any(each is None or each.date > when.date for each in dated) else newest


def _may_be(record: Record, item: Item, test: str) -> bool:
    """Return whether an entry is of a test: by its code where that is known, else by a word in its names."""
    group = group_of(record, item)
    if group:
        return group.test == test
    named = (t["maybe"] for t in record.tables.terms["visit_test"] if t["name"] == test)
    return any(mentions(record, item, words) for words in named)


def day_of_visit(record: Record) -> date:
    """Return the day for which the visit is reckoned: the first of what is being booked, else today."""
    starts = (record.moment(draft.get("start")) for draft in record.context.proposed)
    return max(record.today, min((each.date for each in starts if each), default=record.today))


def is_wanted(record: Record, each: Series) -> bool:
    """Return whether a series is of a test that the reason of the visit may want."""
    return each.group is not None and each.group.test in record.once(wanted_tests)


def missing_tests(record: Record) -> tuple[str, ...]:
    """Return the tests that the visit may want and that no entry of a record may be of, whose results were all read."""
    if not (record.proves_absence(("results",)) or record.is_bundle(("results",))):
        return ()
    return tuple(
        test
        for test in record.once(wanted_tests)
        if not any(_may_be(record, item, test) for item in record.of(*ANYWHERE))
    )


def wanted_tests(record: Record) -> tuple[str, ...]:
    """Return the tests that the reason of the visit may want."""
    said = record.once(purpose).said
    tests = record.tables.terms["visit_test"]
    return tuple(each["name"] for each in tests if any(word in said for word in each["words"]))
