"""Reactions that count as severe by what they are, where nobody recorded how severe they were."""

from cds_service.brief.facts.allergen import Phrase
from cds_service.domain.json import JsonObject
from cds_service.domain.tables import words
from cds_service.fhir.elements import codes, name, objs, text
from cds_service.rulebook import DEFAULT

_TERMS = DEFAULT.terms["severe_reaction"]
_BEGINS = tuple(_TERMS["begins"])
_CODES = frozenset(_TERMS["codes"])
_DENIED = frozenset(_TERMS["denied"])
_BY_FIRST: dict[str, list[Phrase]] = {}
for _phrase in map(words, _TERMS["words"]):
    _BY_FIRST.setdefault(_phrase[0], []).append(_phrase)


def is_severe_kind(reaction: JsonObject) -> bool:
    """Return whether a reaction is one of those, by a code or a name of what it showed or by its description."""
    for each in objs(reaction, "manifestation"):
        if not _CODES.isdisjoint(codes(each)) or says_severe(name(each)):
            return True
    return "description" in reaction and says_severe(text(reaction, "description"))


def says_severe(said: str) -> bool:
    """Return whether words name such a reaction, without a "no" right before it."""
    heard = words(said)
    for at, word in enumerate(heard):
        if not (word in _BY_FIRST or word.startswith(_BEGINS)):
            continue
        is_named = word.startswith(_BEGINS) or any(
            heard[at : at + len(each)] == each for each in _BY_FIRST[word]
        )
        if is_named and not (at and heard[at - 1] in _DENIED):
            return True
    return False
