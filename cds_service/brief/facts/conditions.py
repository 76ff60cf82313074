"""What one Condition says, read once for all rules: whether it stands, what it is found by, what it is of."""

import re
from collections.abc import Iterable, Sequence
from typing import Literal

import msgspec
from typing_extensions import override

from cds_service.brief.record import Item, Record
from cds_service.domain.json import JsonObject
from cds_service.domain.tables import words
from cds_service.fhir.dates import Moment
from cds_service.fhir.elements import codes, codings, name, obj, objs, states, text
from cds_service.rulebook import DEFAULT

Status = Literal["active", "remission", ""]
_STANDING = frozenset({"active", "recurrence", "relapse"})
_ENDED = frozenset({"inactive", "resolved", "remission"})
_UNSURE = frozenset({"unconfirmed", "provisional", "differential"})
_PREGNANT = frozenset(DEFAULT.terms["pregnancy"]["conditions"])
_PREGNANT_PREFIXES = tuple(DEFAULT.terms["pregnancy"]["condition_prefixes"])
_WEEK_PREFIXES = tuple(DEFAULT.terms["pregnancy"]["week_prefixes"])
_WEEKS = frozenset(DEFAULT.terms["pregnancy"]["week_codes"])
_WEEK_WORDS = frozenset(map(words, DEFAULT.terms["pregnancy"]["week_words"]))
_LIFE, _TOLD = (frozenset(DEFAULT.terms["finding"][each]) for each in ("codes", "told_codes"))
_LIFE_PREFIXES, _TOLD_PREFIXES = (
    tuple(DEFAULT.terms["finding"][each]) for each in ("prefixes", "told_prefixes")
)
_LIFE_SHELVES = frozenset(DEFAULT.terms["finding"]["categories"])


_TOLD_PATTERN = re.compile(rf"\b(?:{'|'.join(DEFAULT.terms['finding']['told_patterns'])})")


def _phrases(said: Iterable[str]) -> re.Pattern[str]:
    """Return what finds any of these phrases in a name, whatever stands between their words."""
    joined = (r"[\W_]+".join(words(each)) for each in said)
    return re.compile(rf"\b(?:{'|'.join(joined)})\b")


_TOLD_WORDS, _HEDGES, _LIST_HEDGES, _BREAKS, _ENDS, _RELATIVES = (
    _phrases(DEFAULT.terms["finding"][f"told_{each}"])
    for each in ("words", "hedges", "list_hedges", "breaks", "ends", "relatives")
)
_RISKS, _OWN = (tuple(DEFAULT.terms["finding"][f"told_{each}"]) for each in ("risks", "own"))
_CLAUSE_ENDS = re.compile(rf"[;.]|{_BREAKS.pattern}")
_PART_ENDS = re.compile(r",|\s[-\u2013\u2014]\s")
_NAME_ENDS = r"[\W_]*(?:\((?:finding|situation|procedure|disorder|event)\))?"
_SAID_BEHIND = re.compile(
    r"[\W_]*(?:(?:ideations?|thoughts|intent|behaviou?r|risk)\b)?"
    rf"(?:[\W_]*{_ENDS.pattern})+{_NAME_ENDS}"
)
_LOW_BEFORE, _LOW_BEHIND = (
    re.compile(r"(?:.*(?<!to)(?<!not)[\W_])?low[\W_]+"),
    re.compile(rf"[\W_]*(?:assessment[\W_]+)?low(?:[\W_]+risk)?{_NAME_ENDS}"),
)
_RELATIVE_BEFORE = re.compile(
    rf"{_RELATIVES.pattern}(?:[\W_]+(?:s|with|has|had|a|of|recent|prior|history))*[\W_]+"
)
_RELATIVE_BEHIND = re.compile(
    r"[\W_]*(?:(?:ideations?|thoughts|behaviou?r)\b)?"
    rf"[\W_]*(?:by|of|in)\s(?:his\s|her\s|their\s)?{_RELATIVES.pattern}{_NAME_ENDS}"
)
_NAME_MAX = 200
"""Characters of a name in which hedges are looked for: a longer one is no name, and takes long to look through."""
_LIFE_BEGINS = tuple(DEFAULT.terms["finding"]["begins"])
_NONE = frozenset((*DEFAULT.terms["none"]["problems"], *DEFAULT.terms["none"]["unknown"]))
_FINDING = (" (finding)", " (situation)", " (person)")
"""SNOMED CT names that end so are of a patient's life or state more often than an illness."""


class Entry(msgspec.Struct, frozen=True, eq=False):
    """What the rules ask of a Condition."""

    status: Status
    """Whether it stands, also when it does not say; "" when it ended or was refuted."""
    is_ended: bool
    """Whether it says that it has ended, refuted or not."""
    is_refuted: bool
    is_unsure: bool
    is_listed: bool
    """Whether it is on the problem list, or is a health concern, or does not say."""
    is_none: bool
    """Whether it says that no problem is known, or nothing of problems."""
    is_danger: bool
    """Whether it tells of suicide, self-harm, abuse or violence."""
    is_pregnancy: bool
    is_finding: bool
    """Whether it names a finding, a task or a circumstance of life, not an illness."""
    recorded: Moment | None
    """When it was recorded, else its own date."""
    codes: Sequence[str]
    named: str
    """Its name in lower case."""
    is_plain: bool
    """Whether it has no SNOMED CT code."""
    sought: Sequence[object]
    """What it is looked up by among other entries of the same problem."""
    own: Sequence[object]
    """What it is found by."""

    @override
    def __repr__(self) -> str:
        """Show nothing of what it is of."""
        return f"Entry({self.status})"

    def is_week(self) -> bool:
        """Return whether it names a week of a pregnancy."""
        if is_coded(self.codes, _WEEKS, _WEEK_PREFIXES):
            return True
        return "gestation" in self.named and _without_number(self.named) in _WEEK_WORDS


def entry(record: Record, item: Item) -> Entry:
    """Return what a Condition says."""
    return record.each(_entry, item)


Read = tuple[Item, Entry]
"""A Condition with what it says."""


def conditions(record: Record) -> tuple[Read, ...]:
    """Return every Condition with what it says, newest first."""
    return tuple([(item, entry(record, item)) for item in record.of("Condition")])


def _entry(record: Record, item: Item) -> Entry:
    concept = obj(item.resource, "code")
    verified = states(item.resource, "verificationStatus")
    stands = states(item.resource, "clinicalStatus")
    shelves = {each for concept in objs(item.resource, "category") for each in codes(concept)}
    values, snomed, icd = _coded(concept)
    called = name(concept)
    named = called.casefold()
    sought, own = _keys(item, snomed, icd, named)
    is_danger = is_coded(values, _TOLD, _TOLD_PREFIXES) or _tells_of_danger(values, named)
    is_pregnancy = is_coded(values, _PREGNANT, _PREGNANT_PREFIXES)
    return Entry(
        status="" if "refuted" in verified else _status(stands),
        is_ended=not _ENDED.isdisjoint(stands),
        is_refuted="refuted" in verified,
        is_unsure=not _UNSURE.isdisjoint(verified),
        is_listed="encounter-diagnosis" not in shelves or "problem-list-item" in shelves,
        is_none=not _NONE.isdisjoint(values),
        is_danger=is_danger,
        is_pregnancy=is_pregnancy,
        is_finding=not (is_pregnancy or is_danger)
        and (named.startswith(_LIFE_BEGINS) or _is_life(concept, values, called, shelves)),
        recorded=record.moment(item.resource.get("recordedDate")) or item.when,
        codes=values,
        named=named,
        is_plain=not snomed,
        sought=sought,
        own=own,
    )


def _tells_of_danger(coded: Sequence[str], named: str) -> bool:
    """Return whether codes tell of self-harm by how they are built, or a name plainly of that or of violence."""
    if _TOLD_PATTERN.search(" ".join(coded)):
        return True
    for found in _TOLD_WORDS.finditer(named):
        start, end = found.span()
        if len(named) > _NAME_MAX or not _is_hedged(named[:start], found[0], named[end:]):
            return True
    return False


def _is_hedged(before: str, found: str, behind: str) -> bool:
    """Return whether the words around such a phrase say that it tells of no danger to this patient.

    What follows it is more often of a plan or an intent than of the thought: it hedges only where the name ends.
    """
    clause = _CLAUSE_ENDS.split(before)[-1]
    if _LIST_HEDGES.search(clause) or _HEDGES.search(_PART_ENDS.split(clause)[-1]):
        return True
    if _SAID_BEHIND.fullmatch(behind):
        return True
    if found in _RISKS and (_LOW_BEFORE.fullmatch(before) or _LOW_BEHIND.fullmatch(behind)):
        return True
    return _is_of_a_relative(before, found, behind)


def _is_of_a_relative(before: str, found: str, behind: str) -> bool:
    """Return whether a relative did it to himself; a relative beside violence is as often who did it to the patient."""
    if not any(each.startswith(_OWN) for each in words(found)):
        return False
    return bool(_RELATIVE_BEFORE.fullmatch(before) or _RELATIVE_BEHIND.fullmatch(behind))


def _status(said: Sequence[str]) -> Status:
    """Return how a clinical status stands: a code that we do not know says nothing of an end."""
    if not _STANDING.isdisjoint(said) or _ENDED.isdisjoint(said):
        return "active"
    return "remission" if "remission" in said else ""


def _is_life(concept: JsonObject, coded: Sequence[str], called: str, shelves: set[str]) -> bool:
    """Return whether what is neither pregnancy nor danger is a circumstance of life, by code, name or shelf."""
    if is_coded(coded, _LIFE, _LIFE_PREFIXES) or not _LIFE_SHELVES.isdisjoint(shelves):
        return True
    if called.endswith(_FINDING):
        return True
    for each in objs(concept, "coding"):  # noqa: SIM110 - asked of most Conditions: no generator
        if text(each, "display").endswith(_FINDING):
            return True
    return False


def _coded(concept: JsonObject) -> tuple[list[str], list[tuple[str]], list[tuple[str, str]]]:
    """Return the codes of a concept, and apart those of SNOMED CT and of ICD-10 as they are looked up."""
    values: list[str] = []
    snomed: list[tuple[str]] = []
    icd: list[tuple[str, str]] = []
    for system, each in codings(concept):
        values.append(each)
        if "snomed" in system:
            snomed.append((each,))
        if "icd-10" in system:
            icd.append(("icd-10", each))
    return values, snomed, icd


def _keys(
    item: Item, snomed: Sequence[object], icd: Sequence[object], named: str
) -> tuple[Sequence[object], Sequence[object]]:
    """Return what an entry is looked up by, and what it is found by: codes and words.

    Two SNOMED CT codes are two problems even under one ICD-10 code; an entry that has only an ICD-10 code is
    one problem with an entry that carries the same code beside SNOMED CT.
    """
    called = (named,) if named else ()
    if snomed:
        sought = (*snomed, *called)
        return sought, (*sought, *icd)
    both = (*icd, *called) or ((item.ref,),)
    return both, both


def is_coded(coded: Sequence[str], known: frozenset[str], prefixes: tuple[str, ...]) -> bool:
    """Return whether any code is known, whole or by how it begins."""
    for each in coded:  # noqa: SIM110 - run several times for every Condition: no generator
        if each in known or each.startswith(prefixes):
            return True
    return False


def _without_number(said: str) -> tuple[str, ...]:
    return tuple(each for each in words(said) if not each.isdigit())
