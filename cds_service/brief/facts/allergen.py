"""What an allergy is to, in words as the name of a medicine would have them, so that the two meet without a table."""

import re
from collections.abc import Iterable, Iterator

from cds_service.brief.record import Item
from cds_service.domain.json import JsonObject
from cds_service.domain.tables import words
from cds_service.fhir.elements import codings, obj, objs, text
from cds_service.rulebook import DEFAULT

Phrase = tuple[str, ...]

NOTE_MAX = 240
"""Characters of a note that are read, and quoted wherever what they say is used."""

_TERMS = DEFAULT.terms["allergen"]
_GENERIC, _SALTS, _NEVER_ALONE, _ON_PURPOSE, _SYSTEMS = (
    frozenset(_TERMS[each])
    for each in ("generic", "salts", "never_alone", "given_on_purpose", "systems")
)
UNREAD = tuple(map(words, _TERMS["unread"]))
_TOLERATED = _TERMS["tolerated"]
_NOT_TOLERATED = frozenset(_TERMS["not_tolerated"])
_HARMLESS = tuple(_TERMS["harmless"])
_HARMLESS_WORDS = frozenset(map(words, _HARMLESS))
_ASIDES = re.compile(r"[,;()\[\]]")
_PARTS = re.compile(r"[/+,;:&()\[\]]| - | and |(?<=[a-z]{5})-(?=[a-z]{5})")
"""Between substances of one name: a hyphen counts only between long words, as in "abacavir-lamivudine"."""
_TELLING = 3
"""Letters of the shortest word that tells a substance."""


def concepts(item: Item) -> tuple[JsonObject, ...]:
    """Return the concepts by which an allergy names its substance: its code, then those of its reactions."""
    reactions = [each for each in objs(item.resource, "reaction") if "substance" in each]
    return (obj(item.resource, "code"), *[obj(each, "substance") for each in reactions])


def names(item: Item) -> Iterator[str]:
    """Yield every name that an allergy gives its substance."""
    for concept in concepts(item):
        yield text(concept, "text")
        yield from (text(coding, "display") for coding in objs(concept, "coding"))


def phrases(said: Iterable[str]) -> frozenset[Phrase]:
    """Return the words of each substance that names hold, without what tells of none: "Allergy to X sulfate" is X."""
    whole = {each.lower() for each in said}
    parts = [part for each in whole for part in _PARTS.split(each)]
    return frozenset(filter(None, map(_substance, parts)))


def _substance(part: str) -> Phrase:
    told = tuple([each for each in words(part) if each not in _GENERIC])
    bare = tuple([each for each in told if each not in _SALTS])
    if not bare and len(told) == 1:
        return ()  # "sodium" alone is in the name of many a medicine and an allergy of none
    return bare or told


def is_comparable(phrase: Phrase) -> bool:
    """Return whether words tell a substance well enough to look for them in the name of a medicine."""
    return any(len(each) >= _TELLING and each not in _NEVER_ALONE for each in phrase)


def is_given_on_purpose(said: Phrase) -> bool:
    """Return whether the name of a medicine says that it is given to those who are allergic to it."""
    return not _ON_PURPOSE.isdisjoint(said)


def coded(found: Iterable[JsonObject]) -> frozenset[tuple[str, str]]:
    """Return the codes of concepts that are of substances and medicines alike."""
    return frozenset(pair for each in found for pair in codings(each) if pair[0] in _SYSTEMS)


def holds_any(phrase: Phrase, wanted: Iterable[Phrase]) -> bool:
    """Return whether the words of one of several stand among others, together and in their order."""
    for each in wanted:
        if each and each[0] in phrase:
            size = len(each)
            if any(phrase[at : at + size] == each for at in range(len(phrase) - size + 1)):
                return True
    return False


def is_tolerating(word: str) -> bool:
    """Return whether a word tells that something is tolerated, or was."""
    return word.startswith(_TOLERATED)


def tolerated(part: Phrase) -> Phrase:
    """Return the words of what a part of a name says is tolerated, () where it says that something is not."""
    at = next((at for at, word in enumerate(part) if is_tolerating(word)), len(part))
    return part[at + 1 :] if _NOT_TOLERATED.isdisjoint(part[:at]) else ()


def harming(name: str) -> str:
    """Return a name of an allergy without what it says is tolerated: "ACE inhibitor (tolerates ARB)" tells one."""
    said = name.casefold()
    if _TOLERATED not in said and not any(each in said for each in _HARMLESS):
        return name
    return " . ".join(" ".join(_until_harmless(words(each))) for each in _ASIDES.split(name))


def _until_harmless(part: Phrase) -> Phrase:
    for at, word in enumerate(part):
        is_harmless = is_tolerating(word) or part[at : at + 2] in _HARMLESS_WORDS
        if is_harmless and _NOT_TOLERATED.isdisjoint(part[:at]):
            return part[:at]
    return part


def note(item: Item) -> str:
    """Return what the note of an allergy says where its name tells no substance, "" where nothing of it can be read.

    "Other (see comments)" names nothing. A note that tells of what was tolerated, or of somebody else, is not read.
    """
    written = next(
        (found for each in objs(item.resource, "note") if (found := text(each, "text"))), ""
    )
    if not written or phrases(names(item)):
        return ""
    said = written[:NOTE_MAX]
    return "" if holds_any(words(said), UNREAD) else said
