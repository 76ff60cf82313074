"""Problems that say of an allergy to a substance: beside medicines and "none known" they count like one.

Many charts keep such an allergy on the problem list alone. Hay fever, "seasonal allergies" and what tells of somebody
else are none.
"""

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
_UNREAD = (*allergen.UNREAD, *map(words, _TERMS["unread"]))
_NAMED = "allerg"


class Told(NamedTuple):
    """What a problem says of an allergy."""

    said: Phrase
    """The words by which it names the substance."""
    alike: frozenset[Phrase]
    """Those that are looked for in the names of medicines: of "allergy to X", where X may be in no table."""
    scope: str
    """What a "none known" has to cover to deny it, "" where its code does not tell."""


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
    return _NAMED in known.named or is_coded(known.codes, _CODES, _PREFIXES)


def told(record: Record, item: Item) -> Told | None:
    """Return what a problem says of an allergy, None where it names no substance or tells of none."""
    known = entry(record, item)
    names = [words(each) for each in allergen.names(item)]
    if any(allergen.holds_any(each, _UNREAD) for each in names):
        return None
    scope = next(
        (_SCOPES[each] for each in _PREFIXES if is_coded(known.codes, _NONE, (each,))), ""
    )
    by_code = [words(_NAMED_BY_CODE[each]) for each in known.codes if each in _CODES]
    after = [found for each in names if (found := _after(each))]
    before = [found for each in names if (found := _before(each))]
    plain = names if scope == "medication" and not (after or before) else ()
    said = tuple(word for each in (*by_code, *after, *before, *plain) for word in (*each, "."))
    return Told(said, _alike(after), scope) if said else None


_NONE: frozenset[str] = frozenset()


def _after(said: Phrase) -> Phrase:
    """Return the words of X in "allergy to X", "allergy status to X" or "allergic to X"."""
    for at, word in enumerate(said):
        if word.startswith(_NAMED):
            begin = at + 2 if said[at + 1 : at + 2] == ("status",) else at + 1
            if said[begin : begin + 1] == ("to",):
                return tuple(_until_break(said[begin + 1 :]))
    return ()


def _before(said: Phrase) -> Phrase:
    """Return the words of X in "X allergy"."""
    for at, word in enumerate(said):
        if word in _NOUNS:
            return tuple(_until_break(said[:at][::-1]))[::-1]
    return ()


def _until_break(said: Phrase) -> Iterator[str]:
    for word in said:
        if word in _BREAKS:
            return
        yield word


def _alike(after: list[Phrase]) -> frozenset[Phrase]:
    found = allergen.phrases(" ".join(each) for each in after)
    return frozenset(each for each in found if allergen.is_comparable(each))
