"""Doses in words, as far as they are understood: how much, how often; and where a medicine acts.

Two systems write one dose in two ways: "Take 1 tablet (5 mg total) by mouth 2 (two) times a day." and "5 mg, Oral,
BID". A dose is understood only as a whole: one word that the lists do not know, and it is compared as it is written.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal
from typing import NamedTuple

from cds_service.brief.facts.medicine_entries import Entry
from cds_service.domain.tables import words
from cds_service.fhir.elements import name, obj
from cds_service.rulebook import DEFAULT

_TOKEN = re.compile(r"\d+(?:\.\d+)?|[^\W\d_]+")
_THOUSANDS = re.compile(r"(?<=\d),(?=\d{3}(?!\d))")
_TERMS = DEFAULT.terms["dose"]
_MASS, _PIECE, _FILL = (frozenset(_TERMS[each]) for each in ("mass", "piece", "fill"))
_OFTEN: Mapping[tuple[str, ...], str] = {
    tuple(_TOKEN.findall(said)): often
    for often, each in DEFAULT.terms["dose_frequency"].items()
    for said in each
}
_LONGEST = max(map(len, _OFTEN))
_PLACES: Mapping[str, str] = {
    word: place for place, said in DEFAULT.terms["acts_on"].items() for word in said
}
_ON_THE_SURFACE = frozenset({"eye", "ear", "skin", "line"})


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
            if unit not in _MASS | _PIECE or unit in amounts:
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
        spans = (tuple(tokens[at : at + size]) for size in range(_LONGEST, 0, -1))
        found = next((each for each in spans if each in _OFTEN), (tokens[at],))
        yield found
        at += len(found)


def _amount(told: Mapping[str, Decimal], title: Sequence[str]) -> tuple[Decimal, str] | None:
    """Return an amount by weight: as told, else that of so many pieces of the one strength in the name."""
    masses = [(amount, unit) for unit, amount in told.items() if unit in _MASS]
    if masses:
        return masses[0] if len(masses) == 1 else None
    numbers = [at for at, each in enumerate(title) if each[0].isdigit()]
    if len(told) != 1 or len(numbers) != 1 or title[numbers[0] + 1 :][:1] not in _MASSES:
        return None
    at = numbers[0]
    return Decimal(title[at]) * next(iter(told.values())), title[at + 1]


_MASSES = [[each] for each in _MASS]


def acts_on(entry: Entry) -> str:
    """Return the place that a medicine is for by its name, route or dose ("eye", "nose"), "" for the whole body."""
    routes = [word for each in entry.dosages for word in words(name(obj(each, "route")))]
    said = {
        _PLACES[word] for word in (*entry.names, *routes, *words(entry.dose)) if word in _PLACES
    }
    if "lung" in said:  # "Inhale 1 puff by mouth"
        return "lung"
    return said.pop() if len(said) == 1 and "body" not in said else ""


def is_on_the_surface(entry: Entry) -> bool:
    """Return whether little of a medicine enters the body: drops for an eye, an ointment, what keeps a line open."""
    return acts_on(entry) in _ON_THE_SURFACE
