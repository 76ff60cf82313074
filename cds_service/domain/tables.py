"""What rules look up: windows, limits, groups of tests, ingredients, terms. One set for each site, made at its load."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from typing import Any, NamedTuple

_WORD = re.compile(r"[a-z0-9]+")
_PLAIN = bytes(
    ord(chr(each).lower()) if chr(each).isascii() and chr(each).isalnum() else ord(" ")
    for each in range(256)
)
"""The same of plain text, as a table: small letters and digits for what they are, spaces between them."""


@dataclass(frozen=True, slots=True)
class Group:
    """LOINC codes that make one line: its name, its place in reading order and its thresholds."""

    name: str
    section: str
    place: int
    trend: float | None
    """The smallest change that is called a trend, in the unit of the result."""
    percent: float
    stale_days: int | None
    change: bool
    """Whether the difference from the value before is told."""
    beside: str = ""
    """Another test that says the same: where both are new, only that one is told as a change."""
    of: str = ""
    """Another group that is the same test in another measure: one is as good as the other where it is looked for."""

    @property
    def test(self) -> str:
        """The test that this group is of."""
        return self.of or self.name


@dataclass(frozen=True, slots=True)
class Limit:
    """Values beyond which a site calls a result critical, in one unit."""

    low: Decimal
    high: Decimal
    unit: str


class Ingredient(NamedTuple):
    """A medicine that rules know, with the high-alert group it belongs to, if any."""

    name: str
    high_alert: str = ""


@dataclass(frozen=True, slots=True)
class DrugClass:
    """Ingredients that share an allergy."""

    name: str
    names: tuple[tuple[str, ...], ...]
    members: frozenset[str]
    by_name_only: bool
    """True: only an allergy to the class by name reaches its members."""


@dataclass(frozen=True, slots=True)
class Screening:
    """A screening that prevention looks for: by code first, else by words in a name."""

    name: str
    codes: frozenset[str]
    words: tuple[str, ...]
    ages: tuple[int, int] | None = None
    """Of whom it is told that none was found, in years; None: of nobody."""
    sex: str = ""
    """Likewise; "" is everybody."""
    unless: str = ""
    """Another screening that takes its place: where that was found, this one is not called missing."""
    maybe: tuple[str, ...] = ()
    """Words that may mean it, or an operation after which nobody looks for it: beside them it is not called missing."""


@dataclass(frozen=True, slots=True)
class OrderTerms:
    """By which words and codes orders are told apart that no result answers."""

    categories: frozenset[tuple[str, ...]]
    """Of care: a whole word for their category."""
    begins: tuple[tuple[str, ...], ...]
    """Of care: how their name begins."""
    holds: tuple[str, ...]
    """Of care: what their name holds, between spaces, as all such phrases."""
    code_status: tuple[str, ...]
    code_status_codes: tuple[str, ...]
    therapy: tuple[str, ...]
    """Of a therapist's work: what their name holds."""
    therapy_codes: tuple[str, ...]
    tests: tuple[str, ...]
    """Codes of the categories of tests."""
    letters: tuple[str, ...]
    """Codes of documents that go with a referral."""


@dataclass(frozen=True, slots=True)
class NoKnown:
    """Texts that say that no allergy is known, or that nothing is."""

    texts: Mapping[tuple[str, ...], str]
    """Whole text -> what it covers: "" for everything, "unknown" where it says that nothing is known."""
    leads: tuple[tuple[str, ...], ...]
    """What may stand before one of them."""
    to_one: tuple[tuple[str, ...], ...]
    """What stands before the one medicine that nobody is known to be allergic to."""
    begins: frozenset[str]
    """Their first words: what begins otherwise is none of them."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One entry of a table as its page prints it: where it comes from, and when that was last looked at."""

    table: str
    name: str
    shown: str
    source: str
    reviewed: date


@dataclass(frozen=True, eq=False, kw_only=True)
class Tables:
    """Every table of one site."""

    owner: str
    """Who answers for these rules in care; "" where nobody signed."""
    reviewed: date | None
    days: Mapping[str, int]
    count: Mapping[str, int]
    critical: Mapping[str, Limit]
    """By LOINC code; empty unless the site sets any."""
    terms: Mapping[str, Any]
    encounter: Mapping[str, frozenset[str]]
    """Setting -> class codes."""
    encounter_kinds: Mapping[str, frozenset[str]]
    """The same by class code."""
    encounter_words: Mapping[tuple[str, ...], str]
    """Words of a class or a type -> what a class code would say; "hospital" where they tell no more."""
    contacts: Mapping[tuple[str, ...], str]
    """Words of a type of encounter, or its code -> "no_visit", "elsewhere", "call", or "visit" where a site says so."""
    no_known: NoKnown
    plain_values: frozenset[tuple[str, ...]]
    """Whole values in words that say nothing out of the ordinary."""
    orders: OrderTerms
    groups: Mapping[str, Group]
    pressure: Mapping[str, Any]
    screenings: tuple[Screening, ...]
    classes: tuple[DrugClass, ...]
    rxnorm: Mapping[str, Ingredient]
    by_word: Mapping[str, tuple[tuple[tuple[str, ...], frozenset[Ingredient]], ...]] = field(
        repr=False
    )
    """Names and brands by their first word, longest first; one brand may hold several ingredients."""
    companions: frozenset[str]
    """Ingredients that are put into a combination for another's sake."""
    misnomers: tuple[tuple[str, ...], ...]
    """Names in which that of an ingredient stands for something else: an insulin syringe holds none."""
    misnomer_words: frozenset[str]
    """The words of them that are no names: where none of these stands, none of them does."""

    def without_misnomers(self, said: tuple[str, ...]) -> tuple[str, ...]:
        """Return words without those in which the name of an ingredient stands for something else."""
        if self.misnomer_words.isdisjoint(said):
            return said
        for each in self.misnomers:
            for at in range(len(said) - len(each), -1, -1):
                if said[at : at + len(each)] == each:
                    said = (*said[:at], *said[at + len(each) :])
        return said

    def ingredients(self, said: tuple[str, ...]) -> frozenset[Ingredient]:
        """Return the ingredients that words name, by name or brand; the longest name at each place counts."""
        found: set[Ingredient] = set()
        after = 0
        for at in [at for at, word in enumerate(said) if word in self.by_word]:
            if at < after:
                continue
            for key, held in self.by_word[said[at]]:
                if said[at : at + len(key)] == key:
                    found |= held
                    after = at + len(key)
                    break
        return frozenset(found)


def whole_text(text: str) -> tuple[str, ...]:
    """Return a text as it is compared whole: its words, or itself where it has other letters than a to z."""
    low = text.strip().casefold().replace("\u2019", "'")
    return words(low) if low.isascii() else (low,)


def words(text: str) -> tuple[str, ...]:
    """Return the lower-case words of a text, as matching compares them."""
    if text.isascii():  # as most are
        return tuple(text.encode().translate(_PLAIN).decode().split())
    return tuple(_WORD.findall(text.lower()))
