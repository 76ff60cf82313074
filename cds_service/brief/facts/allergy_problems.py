"""Problems that say of an allergy to a substance: beside medicines and "none known" they count like one.

Many charts keep such an allergy on the problem list alone, or only what it did: "anaphylaxis due to amoxicillin". Hay
fever, "seasonal allergies" and what tells of somebody else are none.
"""

import re
from collections.abc import Iterator, Mapping
from typing import NamedTuple

from cds_service.brief.facts import allergen
from cds_service.brief.facts.allergen import Phrase
from cds_service.brief.facts.conditions import Entry, entry, is_coded
from cds_service.brief.record import Item, Record
from cds_service.domain.tables import words
from cds_service.rulebook import DEFAULT

_TERMS = DEFAULT.terms["allergy_problem"]
_SCOPES: Mapping[str, str] = _TERMS["scope"]
_PREFIXES = tuple(_SCOPES)
_NAMED_BY_CODE: Mapping[str, str] = _TERMS["named_by_code"]
_CODES = frozenset(_NAMED_BY_CODE)
_NOUNS = frozenset(_TERMS["nouns"])
_BREAKS = frozenset(_TERMS["breaks"])
_DENIALS = frozenset(_TERMS["denials"])
_OVER = tuple(map(words, _TERMS["over"]))
_UNREAD = tuple(map(words, _TERMS["unread"]))
_PARTS = re.compile(r"[,;:()]|\s[-\u2013\u2014]+\s")
_NAMED = "allerg"
_REACTIONS = tuple(_TERMS["reactions"])
_TIES = frozenset(_TERMS["ties"])
_BETWEEN = _TIES.union(_TERMS["between"])
_HINTS = (_NAMED, *_REACTIONS)


class Told(NamedTuple):
    """What a problem says of an allergy."""

    said: Phrase
    """The words by which it names the substance."""
    alike: frozenset[Phrase]
    """Those that are looked for in the names of medicines: of "allergy to X", where X may be in no table."""
    scope: str
    """What a "none known" has to cover to deny it, "" where its code does not tell."""
    tolerated: Phrase
    """The words of what it says is tolerated."""


def candidates(record: Record) -> tuple[Item, ...]:
    """Return the standing problems that say of an allergy, of which a table may know the substance, newest first."""
    return tuple(
        item
        for item in record.of("Condition")
        if _may_be_one(entry(record, item)) and record.each(told, item)
    )


def _may_be_one(known: Entry) -> bool:
    if known.status != "active":
        return False
    if any(map(known.named.__contains__, _HINTS)):
        return True
    return is_coded(known.codes, _CODES, _PREFIXES)


def told(record: Record, item: Item) -> Told | None:
    """Return what a problem says of an allergy, None where it names no substance or tells of none."""
    known = entry(record, item)
    scope = next(
        (_SCOPES[each] for each in _PREFIXES if is_coded(known.codes, _NONE, (each,))), ""
    )
    by_code = [words(_NAMED_BY_CODE[each]) for each in known.codes if each in _CODES]
    names = [_parts(each) for each in allergen.names(item) if each]
    if any(_tells_of_none(each, is_coded=bool(scope or by_code)) for each in names):
        return None
    after = [found for each in names if (found := _after(each))]
    before = [found for each in names if (found := _before(each))]
    plain = [_joined(each) for each in names]
    plain = plain if scope == "medication" and not (after or before) else []
    met = [found for each in names if (found := _met(each))]
    said = tuple(w for each in (*by_code, *after, *before, *plain, *met) for w in (*each, "."))
    tolerated = tuple(word for each in names for part in each for word in allergen.tolerated(part))
    return Told(said, _alike(after), scope, tolerated) if said else None


_NONE: frozenset[str] = frozenset()


def _parts(name: str) -> list[Phrase]:
    return [words(each) for each in _PARTS.split(name)]


def _joined(parts: list[Phrase]) -> Phrase:
    return tuple(word for each in parts for word in each)


def _tells_of_none(parts: list[Phrase], *, is_coded: bool) -> bool:
    """Return whether a name says that there is no such allergy of this patient.

    That is asked of the part that names the allergy: hives, and no anaphylaxis, are one. Behind it only what begins
    with words such as "ruled out" takes it back, before it only who else has it. A code stands against hints, not
    denials.
    """
    at = next((n for n, each in enumerate(parts) if _place(each) is not None), None)
    if at is None:
        at = next((n for n, each in enumerate(parts) if _reaction(each) is not None), None)
    own = _joined(parts) if at is None else parts[at]
    behind = parts[at + 1] if at is not None and at + 1 < len(parts) else ()
    if _is_denied(own) or allergen.holds_any(own, _OVER):
        return True
    if any(behind[: len(each)] == each for each in _OVER):
        return True
    asked = (*_joined(parts[:at] if at else []), ".", *_until_confirmed(own))
    return not is_coded and allergen.holds_any(asked, _UNREAD)


def _place(part: Phrase) -> int | None:
    """Return where a part names an allergy, as "allergy", "allergies" or "allergic"."""
    return next((at for at, word in enumerate(part) if word.startswith(_NAMED)), None)


def _reaction(part: Phrase) -> int | None:
    """Return where a part names what an allergy did, such as "anaphylaxis"."""
    return next((at for at, word in enumerate(part) if word.startswith(_REACTIONS)), None)


def _is_denied(part: Phrase) -> bool:
    """Return whether a "no" stands before the allergy: beyond "with" it is of something else."""
    at = _place(part)
    lead = part[: _reaction(part) if at is None else at] if at != 0 else ()
    lead = lead[len(lead) - lead[::-1].index("with") :] if "with" in lead else lead
    return not _DENIALS.isdisjoint(lead)


def _until_confirmed(part: Phrase) -> Iterator[str]:
    """Yield the words of a part, not what tells how an allergy was confirmed, or what is tolerated."""
    for word in part:
        if word == "confirmed" or allergen.is_tolerating(word):
            return
        yield word


def _after(parts: list[Phrase]) -> Phrase:
    """Return the words of X in "allergy to X", "allergy status to X" or "allergic reaction due to X", a list too."""
    for nth, part in enumerate(parts):
        at = _place(part)
        if at is None:
            continue
        behind = _behind_ties(part[at + 1 :])
        if behind is not None:
            listed = (behind, *parts[nth + 1 :])
            return tuple(word for each in listed for word in _until_break(each))
    return ()


def _met(parts: list[Phrase]) -> Phrase:
    """Return the words of X in "anaphylaxis due to X" and "X-induced angioedema", of names that tell no allergy.

    They are looked up in the tables alone: angioedema is due to much that is no substance.
    """
    if any(_place(each) is not None for each in parts):
        return ()
    for part in parts:
        at = _reaction(part)
        if at is not None:
            before = tuple(_until_break(part[:at][::-1]))[::-1]
            return (*before, ".", *_until_break(_behind_ties(part[at + 1 :]) or ()))
    return ()


def _behind_ties(said: Phrase) -> Phrase | None:
    """Return what stands behind words such as "reaction due to", None where they do not lead to anything."""
    at = next((at for at, word in enumerate(said) if word not in _BETWEEN), len(said))
    return None if _TIES.isdisjoint(said[:at]) else said[at:]


def _before(parts: list[Phrase]) -> Phrase:
    """Return the words of X in "X allergy", and of "X, Y allergy"."""
    for nth, part in enumerate(parts):
        for at, word in enumerate(part):
            if word in _NOUNS:
                own = tuple(_until_break(part[:at][::-1]))[::-1]
                return (*_listed_before(parts[:nth]), *own)
    return ()


def _listed_before(parts: list[Phrase]) -> Phrase:
    """Return the words of parts that are nothing but a substance: "Zyrtec daily" tells of what is taken."""
    found: Phrase = ()
    for each in parts[::-1]:
        substances = allergen.phrases((" ".join(each),))
        if not _BREAKS.isdisjoint(each) or any(len(one) > 1 for one in substances):
            break
        found = (*each, ".", *found)
    return found


def _until_break(said: Phrase) -> Iterator[str]:
    for word in said:
        if word in _BREAKS or allergen.is_tolerating(word):
            return
        yield word


def _alike(after: list[Phrase]) -> frozenset[Phrase]:
    found = allergen.phrases(" ".join(each) for each in after)
    return frozenset(each for each in found if allergen.is_comparable(each))
