"""The patient's own identifiers, removed from every string before a model sees it.

Names, numbers, addresses and dates of birth of the patient, relatives and contacts are known from the record
itself, so they are looked for as they are, whatever field they turn up in. This lowers what a model learns of who
the patient is. It is not de-identification in the sense of 45 CFR 164.514(b).
"""

import re
import unicodedata
from collections.abc import Iterable, Iterator
from datetime import date
from functools import lru_cache

from cds_service.domain.evidence import Ledger
from cds_service.domain.json import JsonObject
from cds_service.fhir.elements import code, objs, strings, text

REMOVED = "[removed]"
_HOLDERS = ("Patient", "RelatedPerson", "Person", "Coverage")
_SHORTEST = 2
_PLACE_MIN = 4
_NUMBER_MIN = 4
_MONTHS = "january february march april may june july august september october november december"
_PATTERNS = re.compile(
    r"(?<![\w.+-])[\w.+-]+@[\w-]+\.[\w.]+"  # mail; begun at a word's begin only, or it costs the square
    r"|\b(?:https?|ftp|www)[:.]\S+"  # addresses on the web
    r"|(?<![\w.])\+?\(?\d{3}\)?[ .-]?\d{3}[ .-]\d{4}\b"  # telephone
    r"|\b\d{3}-\d{2}-\d{4}\b"  # social security
    r"|(?<![\w.,])\d{7,}(?![\w.])"  # a long number
    r"|\b(?:MRN|SSN|DOB|member id|account)\b[ :#]{0,9}[\w/.-]{0,40}\d[\w/.-]*",
    re.IGNORECASE,
)


class Identifiers:
    """What identifies one patient, as one expression."""

    def __init__(self, ledger: Ledger) -> None:
        found = {
            each
            for kind in _HOLDERS
            for item in ledger.of_type(kind)
            for each in _of(item.resource)
        }
        ordered = sorted(found, key=lambda each: (-len(each), each))
        self._known = re.compile("|".join(ordered)) if ordered else None

    def removed(self, words: str, *, free: bool = False) -> str:
        """Return a text without them; free text also without whatever looks like an identifier of anybody."""
        if free:
            words = _PATTERNS.sub(REMOVED, words)
        if self._known is None or not words:
            return words
        parts, at = [], 0
        for found in self._known.finditer(fold(words)):
            parts += [words[at : found.start()], REMOVED]
            at = found.end()
        return "".join([*parts, words[at:]]) if parts else words


@lru_cache(maxsize=4096)
def _folded(char: str) -> str:
    return unicodedata.normalize("NFKD", char)[0].lower()[:1] or char


def fold(words: str) -> str:
    """Return a text in lower case and without accents, of the same length."""
    return words.lower() if words.isascii() else "".join(map(_folded, words))


def _of(person: JsonObject) -> Iterator[str]:
    """Yield expressions for everything that identifies in one resource, and in the contacts inside it."""
    for each in (person, *objs(person, "contact")):
        yield from _names(each)
        yield from _places(each)
        for contact in objs(each, "telecom"):
            yield from _number(code(contact, "value"))
    for identifier in objs(person, "identifier"):
        yield from _number(code(identifier, "value"))
    yield from _number(code(person, "subscriberId"))
    yield from _birth(code(person, "birthDate"))


def _names(person: JsonObject) -> Iterator[str]:
    for human in objs(person, "name"):
        whole = [text(human, "text"), text(human, "family"), *strings(human, "given")]
        for part in {word for name in whole for word in re.split(r"[\s,]+", name)}:
            bare = part.strip(".'\"()")
            if len(bare) >= _SHORTEST and f" {bare.lower()} " not in _TITLES:
                yield _word(bare)


_TITLES = " mr mrs ms miss dr jr sr md phd ii iii iv de la der den del da di van von bin al "


def _places(person: JsonObject) -> Iterator[str]:
    for address in objs(person, "address"):
        for line in (*strings(address, "line"), text(address, "text"), text(address, "city")):
            if len(line) >= _PLACE_MIN:
                yield _word(line)
        yield from _number(code(address, "postalCode"))


def _word(words: str) -> str:
    """Return an expression for words of folded text, however they are spaced."""
    spaced = r"[\s,.]+".join(re.escape(each) for each in re.split(r"[\s,.]+", fold(words)) if each)
    return rf"(?<!\w){spaced}(?!\w)" if spaced else r"(?!)"


def _number(value: str) -> Iterator[str]:
    """Yield an expression for a number or an address of mail, however its parts are set apart."""
    letters = [each for each in fold(value) if each.isalnum()]
    if len(letters) >= _NUMBER_MIN:
        yield r"(?<!\w)\(?" + r"[\W_]{0,3}".join(map(re.escape, letters)) + r"(?!\w)"
        digits = [each for each in letters if each.isdigit()]
        if len(digits) > _LOCAL and len(digits) == len(letters):  # without its country code
            yield r"(?<!\d)\(?" + r"[\W_]{0,3}".join(digits[-_LOCAL:]) + r"(?!\w)"


_LOCAL = 10


def _birth(value: str) -> Iterator[str]:
    try:
        born = date.fromisoformat(value)
    except ValueError:
        return
    y, m, d = born.year, born.month, born.day
    month = _MONTHS.split()[m - 1]
    short = rf"{month[:3]}(?:{month[3:]})?\.?" if month[3:] else month
    yield from _any(
        (
            rf"{y}[-/.]?{m:02}[-/.]?{d:02}",
            rf"0?{m}[-/.]0?{d}[-/.](?:{y}|{y % 100:02})",
            rf"0?{d}[-/.]0?{m}[-/.](?:{y}|{y % 100:02})",
            rf"{short} 0?{d}(?:st|nd|rd|th)?,? {y}",
            rf"0?{d}(?:st|nd|rd|th)?\.? (?:of )?{short},? {y}",
        )
    )


def _any(parts: Iterable[str]) -> Iterator[str]:
    yield from (rf"(?<!\w){part}(?!\w)" for part in parts)
