"""Doses in words, as far as they are understood: how much, how often.

Two systems write one dose in two ways: "Take 1 tablet (5 mg total) by mouth 2 (two) times a day." and "5 mg, Oral,
BID". A dose is understood only as a whole: one word that the lists do not know, and it is compared as it is written.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal
from typing import NamedTuple

from cds_service.brief.facts.medicine_entries import Entry
from cds_service.rulebook import DEFAULT

_TOKEN = re.compile(r"\.\d+|\d+(?:\.\d+)?|[^\W\d_]+")
_THOUSANDS = re.compile(r"(?<=\d),(?=\d{3}(?!\d))")
_TERMS = DEFAULT.terms["dose"]
_MASS, _PIECE, _FILL = (frozenset(_TERMS[each]) for each in ("mass", "piece", "fill"))
_COUNTED = _MASS | _PIECE
_OFTEN: Mapping[tuple[str, ...], str] = {
    tuple(_TOKEN.findall(said)): often
    for often, each in DEFAULT.terms["dose_frequency"].items()
    for said in each
}
_BEGINS = {
    first: sorted((each for each in _OFTEN if each[0] == first), key=len, reverse=True)
    for first, *_ in _OFTEN
}
"""The ways to say how often, by their first word, longest first."""


class Dose(NamedTuple):
    """One dose: how much each time, and how often."""

    amount: Decimal
    unit: str
    often: str


def plain_numbers(said: str) -> str:
    """Return a text whose numbers have no marks between thousands: 1,000 mg is 1000 mg."""
    return _THOUSANDS.sub("", said)


def dose(entry: Entry) -> Dose | None:
    """Return what the dose of an entry says in words; None where a word of it, or the whole, is not understood."""
    amounts: dict[str, Decimal] = {}
    often: set[str] = set()
    rest = iter(_parts(_tokens(entry.dose)))
    for part in rest:
        if part in _OFTEN:
            often.add(_OFTEN[part])
        elif part[0][0].isdigit():
            unit = next(rest, ("",))[0]
            if unit not in _COUNTED or unit in amounts:
                return None
            amounts[unit] = Decimal(part[0])
        elif part[0] not in _FILL:
            return None
    if len(often) != 1:
        return None
    taken = _amount(amounts, _tokens(entry.title))
    return Dose(*taken, often.pop()) if taken else None


def _tokens(said: str) -> list[str]:
    return _TOKEN.findall(plain_numbers(said).lower())


def _parts(tokens: Sequence[str]) -> Iterator[tuple[str, ...]]:
    """Yield the tokens one by one, those that say how often together."""
    at = 0
    while at < len(tokens):
        part: tuple[str, ...] = (tokens[at],)
        for each in _BEGINS.get(tokens[at], ()):
            if tuple(tokens[at : at + len(each)]) == each:
                part = each
                break
        yield part
        at += len(part)


def _amount(told: Mapping[str, Decimal], title: Sequence[str]) -> tuple[Decimal, str] | None:
    """Return an amount by weight: as told, else that of so many pieces of the one strength in the name.

    None where both are told and are not the same.
    """
    masses = [(amount, unit) for unit, amount in told.items() if unit in _MASS]
    pieces = [amount for unit, amount in told.items() if unit in _PIECE]
    if len(masses) > 1 or len(pieces) > 1:
        return None
    strength = _strength(title)
    counted = (pieces[0] * strength[0], strength[1]) if pieces and strength else None
    if masses:
        return masses[0] if counted in {None, masses[0]} else None
    return counted


def _strength(title: Sequence[str]) -> tuple[Decimal, str] | None:
    """Return the one strength by weight that a name tells."""
    numbers = [at for at, each in enumerate(title) if each[-1].isdigit()]
    if len(numbers) != 1 or title[numbers[0] + 1 :][:1] not in _MASSES:
        return None
    at = numbers[0]
    return Decimal(title[at]), title[at + 1]


_MASSES = [[each] for each in _MASS]
