"""Problems of a record: which stand, merged where two entries name one thing, and how they are told apart."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Literal, Self

import msgspec

from cds_service.brief.facts.visits import (
    is_category,
    is_day_since_last_visit,
    is_of_late,
    next_appointment,
)
from cds_service.brief.record import Item, Record
from cds_service.domain.brief import Flag, Statement
from cds_service.domain.tables import words
from cds_service.fhir.dates import Moment
from cds_service.fhir.elements import code, codes, codings, has_code, name, obj, objs, text
from cds_service.rulebook import DEFAULT

Place = Literal["listed", "other", "old", "remission"]
_STANDING = frozenset({"active", "recurrence", "relapse"})
_ENDED = frozenset({"inactive", "resolved", "remission"})
_PREGNANT = frozenset(DEFAULT.terms["pregnancy"]["conditions"])
_PREGNANT_PREFIXES = tuple(DEFAULT.terms["pregnancy"]["condition_prefixes"])
_WEEK_PREFIXES = tuple(DEFAULT.terms["pregnancy"]["week_prefixes"])
_WEEKS = frozenset(DEFAULT.terms["pregnancy"]["week_codes"])
_WEEK_WORDS = frozenset(map(words, DEFAULT.terms["pregnancy"]["week_words"]))
_LIFE, _TOLD = (frozenset(DEFAULT.terms["finding"][each]) for each in ("codes", "told_codes"))
_LIFE_PREFIXES, _LIFE_CATEGORIES, _TOLD_PREFIXES = (
    tuple(DEFAULT.terms["finding"][each]) for each in ("prefixes", "categories", "told_prefixes")
)
_NONE = (*DEFAULT.terms["none"]["problems"], *DEFAULT.terms["none"]["unknown"])
_UNSURE = ("unconfirmed", "provisional", "differential")


class Problem(msgspec.Struct, frozen=True, eq=False):
    """Every entry of one problem that stands, problem-list entries first."""

    items: tuple[Item, ...]
    place: Place


def problems(record: Record) -> tuple[Problem, ...]:
    """Return the problems: those on the list, other active diagnoses, older ones, those in remission."""
    standing = (
        item
        for item in sorted(record.of("Condition"), key=is_plain)
        if clinical_status(record, item) in {"active", "remission"} and not is_said_none(item)
    )
    made = [_problem(record, items) for items in merged(record, standing)]
    kept = _without_past_weeks(record, made)
    return tuple(sorted(kept, key=lambda each: (_ORDER.index(each.place), *_age(record, each))))


def merged(record: Record, entries: Iterable[Item]) -> list[list[Item]]:
    """Return entries by the problem that they name."""
    found: dict[object, list[Item]] = {}
    for item in entries:
        sought, own = record.each(keys, item)
        items = next((found[key] for key in sought if key in found), [])
        items.append(item)
        found.update({key: items for key in own if key not in found})
    return list({id(each): each for each in found.values()}.values())


def _without_past_weeks(record: Record, made: list[Problem]) -> list[Problem]:
    """Return the problems without the weeks of a pregnancy that a newer week of the same one has ended."""
    weeks = [
        (when, each)
        for each in made
        if _is_week(each.items[0]) and (when := max(dates(record, each), default=None))
    ]
    if len(weeks) <= 1:
        return made
    newest = max(when for when, _ in weeks).date
    days = record.tables.days["pregnancy"]
    past = {id(each) for when, each in weeks if 0 < (newest - when.date).days <= days}
    return [each for each in made if id(each) not in past]


def _is_week(item: Item) -> bool:
    concept = obj(item.resource, "code")
    if any(each in _WEEKS or each.startswith(_WEEK_PREFIXES) for each in codes(concept)):
        return True
    said = name(concept).lower()
    return "gestation" in said and _without_number(said) in _WEEK_WORDS


def _without_number(said: str) -> tuple[str, ...]:
    return tuple(each for each in words(said) if not each.isdigit())


_ORDER: tuple[Place, ...] = ("listed", "other", "old", "remission")
_FINDING = (" (finding)", " (situation)", " (person)")
"""SNOMED CT names that end so are of a patient's life or state more often than an illness."""


def _age(record: Record, problem: Problem) -> tuple[bool, float, str]:
    """Return the place within one part of the list: illnesses before findings, then newest first."""
    first = problem.items[0]
    return is_finding(record, first), -first.when.at if first.when else 0.0, first.ref


def is_finding(record: Record, item: Item) -> bool:
    """Return whether an entry names a finding, a task or a circumstance of life, not an illness.

    Pregnancy is none of these, and neither is a risk to life or of violence, however it is named or filed.
    """
    return record.each(_is_finding, item)


def _is_finding(record: Record, item: Item) -> bool:
    if is_pregnancy(record, item) or is_danger(record, item):
        return False
    concept = obj(item.resource, "code")
    coded = codes(concept)
    if any(v in _LIFE or v.startswith(_LIFE_PREFIXES) for v in coded):
        return True
    said = (name(concept), *(text(each, "display") for each in objs(concept, "coding")))
    return any(each.endswith(_FINDING) for each in said) or is_category(item, *_LIFE_CATEGORIES)


def is_danger(record: Record, item: Item) -> bool:
    """Return whether an entry tells of suicide, self-harm, abuse or violence."""
    return record.each(_is_danger, item)


def _is_danger(_: Record, item: Item) -> bool:
    return any(
        each in _TOLD or each.startswith(_TOLD_PREFIXES)
        for each in codes(obj(item.resource, "code"))
    )


def dangers(record: Record) -> tuple[Problem, ...]:
    """Return the problems that tell of danger in an active entry that is of late, or does not say of when."""
    return tuple(
        problem
        for problem in record.once(problems)
        if any(_is_danger_of_late(record, item) for item in problem.items)
    )


def _is_danger_of_late(record: Record, item: Item) -> bool:
    if not is_danger(record, item) or clinical_status(record, item) != "active":
        return False
    when = recorded(record, item)
    return when is None or is_of_late(record, when)


def by_entry(record: Record) -> dict[str, tuple[Item, ...]]:
    """Return the entries that are one problem, by the reference of each of them."""
    return {item.ref: each.items for each in record.once(problems) for item in each.items}


def clinical_status(record: Record, item: Item) -> Literal["active", "remission", ""]:
    """Return whether a Condition stands, also when it does not say; "" when it ended or was refuted.

    A code that we do not know is read as standing: nothing says that it ended.
    """
    return record.each(_clinical_status, item)


def _clinical_status(_: Record, item: Item) -> Literal["active", "remission", ""]:
    if has_code(obj(item.resource, "verificationStatus"), "refuted"):
        return ""
    said = set(codes(obj(item.resource, "clinicalStatus")))
    if said & _STANDING or not said & _ENDED:
        return "active"
    return "remission" if "remission" in said else ""


def is_sure(item: Item) -> bool:
    """Return whether an entry is neither refuted nor doubted, whether or not it stands."""
    return not has_code(obj(item.resource, "verificationStatus"), "refuted", *_UNSURE)


def is_said_none(item: Item) -> bool:
    """Return whether an entry says that no problem is known, or nothing of problems."""
    return has_code(obj(item.resource, "code"), *_NONE)


def _problem(record: Record, items: list[Item]) -> Problem:
    items.sort(key=lambda item: (clinical_status(record, item) != "active", not is_listed(item)))
    first = items[0]
    if clinical_status(record, first) == "remission":
        return Problem(tuple(items), "remission")
    if is_listed(first):
        return Problem(tuple(items), "listed")
    newest = max((item.when for item in items if item.when), default=None)
    old = newest is not None and record.days_ago(newest) > record.tables.days["diagnosis_old"]
    return Problem(tuple(items), "old" if old else "other")


def is_listed(item: Item) -> bool:
    """Return whether a Condition is on the problem list, or is a health concern, or does not say."""
    return not is_category(item, "encounter-diagnosis") or is_category(item, "problem-list-item")


def keys(_: Record, item: Item) -> tuple[list[object], list[object]]:
    """Return what an entry is looked up by, and what it is found by: codes and words.

    Two SNOMED CT codes are two problems even under one ICD-10 code; an entry that has only an ICD-10 code is
    one problem with an entry that carries the same code beside SNOMED CT.
    """
    concept = obj(item.resource, "code")
    coded = list(codings(concept))
    snomed: list[object] = [(each,) for system, each in coded if "snomed" in system]
    icd = [each for system, each in coded if "icd-10" in system]
    named: list[object] = [w] if (w := name(concept).casefold()) else []
    shared: list[object] = [("icd-10", each) for each in icd]
    fallback: list[object] = [] if (coded and (snomed or icd)) or named else [(item.ref,)]
    if snomed:
        return [*snomed, *named], [*snomed, *named, *shared]
    both = [*shared, *named, *fallback]
    return both, both


def is_plain(item: Item) -> bool:
    """Return whether an entry has no SNOMED CT code: those are looked up after the others."""
    return not any("snomed" in system for system, _ in codings(obj(item.resource, "code")))


def marks(problem: Problem) -> frozenset[str]:
    """Return the codes, words and references by which a reason for a visit may name a problem."""
    found = {item.ref for item in problem.items}
    for item in problem.items:
        concept = obj(item.resource, "code")
        found |= set(codes(concept)) | {name(concept).casefold()} - {""}
    return frozenset(found)


def reasons_of_visit(record: Record) -> frozenset[str]:
    """Return the codes, words and references of the reasons of the booked appointment and the open encounter."""
    booked = record.once(next_appointment)
    current = record.get(f"Encounter/{record.context.encounter}")
    found: set[str] = set()
    for item in (booked, current):
        for concept in objs(item.resource, "reasonCode") if item else ():
            found |= set(codes(concept)) | {name(concept).casefold()} - {""}
        for named in objs(item.resource, "reasonReference") if item else ():
            found.add(code(named, "reference"))
    return frozenset(found)


def statement(record: Record, problem: Problem, *more: Flag) -> Statement:
    """Return the statement of one problem."""
    return Statement(
        kind="problem",
        refs=tuple(item.ref for item in problem.items),
        flags=tuple(dict.fromkeys((*more, *_flags(record, problem)))),
    )


def _flags(record: Record, problem: Problem) -> Iterator[Flag]:
    first = problem.items[0]
    if has_code(obj(first.resource, "verificationStatus"), *_UNSURE):
        yield "unconfirmed"
    if len(problem.items) > 1:
        yield "merged"
    if first.when is None:
        yield "undated"
    if is_new(record, problem) and not is_finding(record, first):
        yield "new"


def is_new(record: Record, problem: Problem) -> bool:
    """Return whether every entry by which a problem stands was recorded since the last visit."""
    standing = [item for item in problem.items if clinical_status(record, item) == "active"]
    return bool(standing) and all(_is_entry_new(record, item) for item in standing)


def span(items: Iterable[Item]) -> tuple[Item | None, Item | None]:
    """Return the entry with the earliest date and the one with the newest, None where none is dated."""
    dated = sorted((item for item in items if item.when), key=lambda item: (item.when, item.ref))
    return (dated[0], dated[-1]) if dated else (None, None)


def dates(record: Record, problem: Problem) -> Iterator[Moment]:
    """Yield when each entry by which a problem stands says that it began or was recorded."""
    for item in problem.items:
        if clinical_status(record, item) == "active":
            yield from filter(None, (item.when, record.moment(item.resource.get("recordedDate"))))


def _is_entry_new(record: Record, item: Item) -> bool:
    return is_day_since_last_visit(record, recorded(record, item))


def recorded(record: Record, item: Item) -> Moment | None:
    """Return when an entry was recorded, else its own date."""
    return record.moment(item.resource.get("recordedDate")) or item.when


def both_ways(record: Record) -> tuple[tuple[Item, Item], ...]:
    """Return illnesses that one entry calls active while another calls the same episode ended."""
    ended = [
        item
        for item in record.of("Condition")
        if has_code(obj(item.resource, "clinicalStatus"), *_ENDED)
    ]
    standing = _standing(record) if ended else {}
    found: dict[str, tuple[Item, Item]] = {}
    for item in ended:
        sought, _ = record.each(keys, item)
        known = next((standing[key] for key in sought if key in standing), None)
        against = known.against(record, item) if known else None
        if known and against:
            found.setdefault(known.first.ref, (against, item))
    return tuple(pair for _, pair in sorted(found.items()))


def _standing(record: Record) -> "dict[object, _Standing]":
    """Return the illnesses that stand by everything that an entry of one is found by."""
    found: dict[object, _Standing] = {}
    for problem in record.once(problems):
        active = [item for item in problem.items if clinical_status(record, item) == "active"]
        if active and not is_finding(record, active[0]):
            known = _Standing.of(active)
            found.update({key: known for item in active for key in record.each(keys, item)[1]})
    return found


class _Standing(msgspec.Struct, frozen=True, eq=False):
    """The active entries of one problem, by the day on which each says that it began."""

    first: Item
    earliest: Item | None
    by_day: Mapping[str, Item]
    """The undated one under ""."""

    @classmethod
    def of(cls, active: list[Item]) -> Self:
        """Index the active entries of one problem; of two of one day the first is kept."""
        days = {item.when.day if item.when else "": item for item in reversed(active)}
        return cls(active[0], span(active)[0], days)

    def against(self, record: Record, ended: Item) -> Item | None:
        """Return the active entry that an ended one contradicts: of the same onset, or where one has no date.

        Two dated episodes of one illness are none, unless the problem list says that it ended after it began.
        """
        if ended.when is None:
            return self.first
        same = self.by_day.get(ended.when.day) or self.by_day.get("")
        if same or self.earliest is None or not is_listed(ended):
            return same
        over = record.moment(ended.resource.get("abatementDateTime")) or ended.when
        is_later = self.earliest.when is not None and over > self.earliest.when
        return self.earliest if is_later else None


def is_pregnancy(record: Record, item: Item) -> bool:
    """Return whether an active Condition is a pregnancy."""
    return record.each(_is_pregnancy, item)


def _is_pregnancy(_: Record, item: Item) -> bool:
    return any(
        each in _PREGNANT or each.startswith(_PREGNANT_PREFIXES)
        for each in codes(obj(item.resource, "code"))
    )
