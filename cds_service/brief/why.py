"""The one free text of a model, its reason why a line matters: short, checked word by word, shown as unverified."""

import re
import tomllib
from collections.abc import Iterable, Iterator
from importlib.resources import files

from cds_service.brief.record import Item, Record
from cds_service.domain.draft import Code
from cds_service.domain.json import JsonObject
from cds_service.domain.tables import words as split
from cds_service.fhir.elements import clean, obj, objs, text

WHY_MAX = 120
"""Characters."""
_TABLE = tomllib.loads(files(__package__).joinpath("why.toml").read_text("utf-8"))
WORDS: tuple[str, ...] = tuple(_TABLE["words"].split())
"""What a reason may say besides the names of what it cites."""
_PLAIN = frozenset(WORDS)
_OPENING = frozenset(_TABLE["opening"].split())
_NEGATION = frozenset(_TABLE["negation"].split())
_ADVICE = frozenset(_TABLE["advice"].split())
_MARKUP = re.compile(r"[^A-Za-z0-9À-ÖØ-öø-ÿ ,;'()/-]|//|www")
_PART = re.compile(r"[,;()/]")
_WORD = re.compile(r"[a-zà-öø-ÿ][a-zà-öø-ÿ'-]*")
_NAMED = ("code", "medicationCodeableConcept", "vaccineCode", "type")


def check(why: str, record: Record, cited: Iterable[Item]) -> Code | None:
    """Return what is wrong with a reason, in the order of checking, or None."""
    said = clean(why)
    low = said.lower()
    words = frozenset(_WORD.findall(low))
    items = tuple(cited)
    names = frozenset(_WORD.findall(" ".join(_names(items)).lower()))
    foreign = record.tables.ingredients(split(said)) - record.tables.ingredients(
        split(" . ".join(_names(items)))
    )
    checks: tuple[tuple[Code, bool], ...] = (
        ("why_too_long", len(said) > WHY_MAX),
        ("why_markup", bool(_MARKUP.search(said)) or not words),
        ("why_digits", any(char.isdigit() for char in said)),
        ("why_negation", not words.isdisjoint(_NEGATION) or "n't" in low),
        ("why_advice", not words.isdisjoint(_ADVICE)),
        ("why_foreign_term", bool(foreign)),
        ("why_vocabulary", not words <= _PLAIN | names),
        ("why_relation", not _relates(low)),
    )
    return next((code for code, wrong in checks if wrong), None)


def _relates(said: str) -> bool:
    """Return whether each part begins with how a line relates to something: such a phrase tells nobody what to do."""
    firsts = (_WORD.search(part) for part in _PART.split(said))
    return all(first is None or first[0] in _OPENING for first in firsts)


def _names(items: Iterable[Item]) -> Iterator[str]:
    """Yield the names of what is cited: words that stand on its line anyway."""
    for item in items:
        for member in _NAMED:
            yield from _words(obj(item.resource, member))


def _words(concept: JsonObject) -> Iterator[str]:
    yield text(concept, "text")
    yield from (text(coding, "display") for coding in objs(concept, "coding"))
