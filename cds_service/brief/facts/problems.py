"""Problems of a record: which stand, merged where two entries name one thing, and how they are told apart."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Literal, Self

import msgspec

from cds_service.brief.facts.conditions import Entry, Read, conditions, entry
from cds_service.brief.facts.visits import is_day_since_last_visit, is_of_late, next_appointment
from cds_service.brief.record import Item, Record
from cds_service.domain.brief import Flag, Statement
from cds_service.fhir.dates import Moment
from cds_service.fhir.elements import code, codes, name, objs

Place = Literal["listed", "other", "old", "remission"]
_ORDER: tuple[Place, ...] = ("listed", "other", "old", "remission")


class Problem(msgspec.Struct, frozen=True, eq=False):
    """Every entry of one problem that stands, problem-list entries first."""

    items: tuple[Item, ...]
    entries: tuple[Entry, ...]
    """What each of them says."""
    place: Place
    is_new: bool
    """Whether every entry by which it stands was recorded since the last visit."""
    is_finding: bool
    """Whether its first entry names no illness."""


def problems(record: Record) -> tuple[Problem, ...]:
    """Return the problems: those on the list, other active diagnoses, older ones, those in remission."""
    standing = [
        (item, known)
        for item, known in record.once(conditions)
        if known.status and not known.is_none
    ]
    standing.sort(key=lambda pair: pair[1].is_plain)
    made = [_problem(record, read) for read in merged(standing)]
    kept = _without_past_weeks(record, made)
    return tuple(sorted(kept, key=_place))


def merged(read: Iterable[Read]) -> list[list[Read]]:
    """Return Conditions by the problem that they name."""
    found: dict[object, list[Read]] = {}
    made: list[list[Read]] = []
    for item, known in read:
        alike = [found[key] for key in known.sought if key in found]
        if not alike:
            alike = [[]]
            made += alike
        alike[0].append((item, known))
        for key in known.own:
            found.setdefault(key, alike[0])
    return made


def _without_past_weeks(record: Record, made: list[Problem]) -> list[Problem]:
    """Return the problems without the weeks of a pregnancy that a newer week of the same one has ended."""
    weeks = [
        (when, each)
        for each in made
        if each.entries[0].is_week() and (when := max(dates(record, each), default=None))
    ]
    if len(weeks) <= 1:
        return made
    newest = max(when for when, _ in weeks).date
    days = record.tables.days["pregnancy"]
    past = {id(each) for when, each in weeks if 0 < (newest - when.date).days <= days}
    return [each for each in made if id(each) not in past]


def _place(problem: Problem) -> tuple[int, bool, float, str]:
    """Return the place in the list: within one part of it illnesses before findings, then newest first."""
    first = problem.items[0]
    newest = -first.when.at if first.when else 0.0
    return _ORDER.index(problem.place), problem.is_finding, newest, first.ref


def dangers(record: Record) -> tuple[Problem, ...]:
    """Return the problems that tell of danger in an active entry that is of late, or does not say of when."""
    return tuple(
        problem
        for problem in record.once(problems)
        if any(_is_danger_of_late(record, known) for known in problem.entries)
    )


def _is_danger_of_late(record: Record, known: Entry) -> bool:
    if not known.is_danger or known.status != "active":
        return False
    return known.recorded is None or is_of_late(record, known.recorded)


def by_entry(record: Record) -> dict[str, tuple[Item, ...]]:
    """Return the entries that are one problem, by the reference of each of them."""
    return {item.ref: each.items for each in record.once(problems) for item in each.items}


def _problem(record: Record, read: list[Read]) -> Problem:
    if len(read) > 1:
        read.sort(key=_standing_first)
    items = tuple([item for item, _ in read])
    entries = tuple([known for _, known in read])
    return Problem(
        items=items,
        entries=entries,
        place=_part(record, entries[0], items),
        is_new=_is_new(record, entries),
        is_finding=entries[0].is_finding,
    )


def _standing_first(read: Read) -> tuple[bool, bool]:
    _, known = read
    return known.status != "active", not known.is_listed


def _part(record: Record, first: Entry, items: Iterable[Item]) -> Place:
    """Return the part of the list where a problem stands, by its first entry."""
    if first.status == "remission":
        return "remission"
    if first.is_listed:
        return "listed"
    newest = max((item.when for item in items if item.when), default=None)
    old = newest is not None and record.days_ago(newest) > record.tables.days["diagnosis_old"]
    return "old" if old else "other"


def _is_new(record: Record, entries: Iterable[Entry]) -> bool:
    standing = [known for known in entries if known.status == "active"]
    for known in standing:
        if not is_day_since_last_visit(record, known.recorded):
            return False
    return bool(standing)


def is_among(reasons: frozenset[str], problem: Problem) -> bool:
    """Return whether reasons for a visit name a problem, by a code, its words or a reference."""
    for item, known in zip(problem.items, problem.entries, strict=True):
        if item.ref in reasons or known.named in reasons or not reasons.isdisjoint(known.codes):
            return True
    return False


def reasons_of_visit(record: Record) -> frozenset[str]:
    """Return the codes, words and references of the reasons of the booked appointment and the open encounter."""
    booked = record.once(next_appointment)
    current = record.get(f"Encounter/{record.context.encounter}")
    found: set[str] = set()
    for item in (booked, current):
        for concept in objs(item.resource, "reasonCode") if item else ():
            found |= set(codes(concept)) | {name(concept).casefold()}
        for named in objs(item.resource, "reasonReference") if item else ():
            found.add(code(named, "reference"))
    return frozenset(found - {""})


def statement(problem: Problem, *more: Flag) -> Statement:
    """Return the statement of one problem."""
    return Statement(
        kind="problem",
        refs=tuple([item.ref for item in problem.items]),
        flags=tuple(dict.fromkeys((*more, *_flags(problem)))),
    )


def _flags(problem: Problem) -> Iterator[Flag]:
    if problem.entries[0].is_unsure:
        yield "unconfirmed"
    if len(problem.items) > 1:
        yield "merged"
    if problem.items[0].when is None:
        yield "undated"
    if problem.is_new and not problem.is_finding:
        yield "new"


def span(items: Iterable[Item]) -> tuple[Item | None, Item | None]:
    """Return the entry with the earliest date and the one with the newest, None where none is dated."""
    dated = [item for item in items if item.when]
    if len(dated) > 1:
        dated.sort(key=lambda item: (item.when, item.ref))
    return (dated[0], dated[-1]) if dated else (None, None)


def dates(record: Record, problem: Problem) -> Iterator[Moment]:
    """Yield when each entry by which a problem stands says that it began or was recorded."""
    for item, known in zip(problem.items, problem.entries, strict=True):
        if known.status == "active":
            yield from filter(None, (item.when, record.moment(item.resource.get("recordedDate"))))


def both_ways(record: Record) -> tuple[tuple[Item, Item], ...]:
    """Return illnesses that one entry calls active while another calls the same episode ended."""
    ended = [(item, known.sought) for item, known in record.once(conditions) if known.is_ended]
    standing = _standing(record, {key for _, sought in ended for key in sought})
    found: dict[str, tuple[Item, Item]] = {}
    for item, sought in ended:
        known = next((standing[key] for key in sought if key in standing), None)
        against = known.against(record, item) if known else None
        if known and against:
            found.setdefault(known.first.ref, (against, item))
    return tuple(pair for _, pair in sorted(found.items()))


def _standing(record: Record, wanted: set[object]) -> "dict[object, _Standing]":
    """Return the illnesses that stand by what an entry of one is found by, as far as that is looked for."""
    found: dict[object, _Standing] = {}
    for problem in record.once(problems) if wanted else ():
        if not _is_found_by(wanted, problem):
            continue
        said = zip(problem.items, problem.entries, strict=True)
        active = [(item, known) for item, known in said if known.status == "active"]
        keys = [key for _, known in active for key in known.own if key in wanted]
        if keys and not problem.is_finding:
            stands = _Standing.of([item for item, _ in active])
            found.update(dict.fromkeys(keys, stands))
    return found


def _is_found_by(wanted: set[object], problem: Problem) -> bool:
    for known in problem.entries:  # noqa: SIM110 - asked of every problem: no generator
        if not wanted.isdisjoint(known.own):
            return True
    return False


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
        if same or self.earliest is None or not entry(record, ended).is_listed:
            return same
        over = record.moment(ended.resource.get("abatementDateTime")) or ended.when
        is_later = self.earliest.when is not None and over > self.earliest.when
        return self.earliest if is_later else None
