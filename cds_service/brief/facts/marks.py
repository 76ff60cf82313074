"""How a laboratory marks a result: by a code that we know, else in its own words, which are quoted.

A mark that nobody here can read is a mark all the same: what carries one is never called unmarked.
"""

import re
from collections.abc import Mapping, Sequence
from typing import Literal, NamedTuple

from typing_extensions import override

from cds_service.domain.json import JsonObject
from cds_service.domain.tables import words
from cds_service.fhir.elements import code, objs, text
from cds_service.rulebook import DEFAULT

Level = Literal["critical", "abnormal", "marked", "normal", ""]
Side = Literal["high", "low", ""]

LEVELS: tuple[Level, ...] = ("critical", "abnormal", "marked", "normal", "")
"""Worst first. "marked": by something that says neither that a result is out of range nor that it is not."""

_OUT = LEVELS[:2]


class Mark(NamedTuple):
    """What one result is marked with: an HL7 code, or words as the record has them."""

    level: Level
    code: str = ""
    words: str = ""
    side: Side = ""

    @override
    def __repr__(self) -> str:
        """Show nothing of the words."""
        return f"Mark({self.level})"


_NONE = Mark("")
_UNREADABLE = Mark("marked")
_TERMS = DEFAULT.terms["interpretation"]
_SIDES: Mapping[str, Side] = {"H": "high", "L": "low"}
_CODES: Mapping[str, Mark] = {
    each: Mark(level, each, side=_SIDES.get(each[0], "") if level in _OUT else "")
    for level in LEVELS
    for each in _TERMS[level or "unsaid"]
}
_HL7_ONLY = frozenset(_TERMS["hl7_only"])
_EXACT: Mapping[str, Mark] = {
    said: _CODES[each] if each else _NONE
    for said, each in DEFAULT.terms["interpretation_words"].items()
} | {each.lower(): own for each, own in _CODES.items() if each not in _HL7_ONLY}
_WHOLE: Mapping[tuple[str, ...], Mark] = {words(said): own for said, own in _EXACT.items()}
_SINGLE: Mapping[str, frozenset[str]] = {
    each: frozenset(said) for each, said in DEFAULT.terms["interpretation_single_words"].items()
}

_REPORT: Mapping[str, frozenset[str]] = {
    each: frozenset(said) for each, said in DEFAULT.terms["interpretation_report"].items()
}
_REPORT_HEDGES = _SINGLE["hedges"] | _REPORT["hedges"]
_TOLD_HEDGES = _REPORT_HEDGES | _REPORT["earlier"]
_NEAR = 3
"""Words behind "critical result" that may say that there is none, as in "critical findings: there are none"."""
_SENTENCE_END = re.compile(r"(?<!\bDr)[.;!?]\s", re.IGNORECASE)

_BEGINS = tuple(DEFAULT.terms["interpretation_beginnings"]["critical"])
_MARK_WORDS = (
    frozenset().union(*(_SINGLE[each] for each in ("critical", "abnormal", "high", "low")))
    | frozenset(each.lower() for each, own in _CODES.items() if own.level in _OUT)
    | _EXACT.keys()
)


def mark(resource: JsonObject) -> Mark:
    """Return the worst that an Observation or a component is marked with."""
    if "interpretation" not in resource:
        return _of_value(text(resource, "valueString")) if "valueString" in resource else _NONE
    concepts = objs(resource, "interpretation")
    if len(concepts) == 1:
        return _of_concept(concepts[0])
    return _worst([_of_concept(each) for each in concepts])


def _of_value(said: str) -> Mark:
    """Read the mark behind a number in a text, `6.9 HI CRIT`: a number and nothing but words of marks."""
    first, _, rest = said.partition(" ")
    heard = frozenset(words(rest))
    if not heard or not heard <= _MARK_WORDS or not first.replace(".", "", 1).isdigit():
        return _NONE
    own = _of_words(rest)
    return own._replace(words="") if own.level in _OUT else _NONE


def is_critical_by_note(resource: JsonObject) -> bool:
    """Return whether a laboratory's note says that a critical result was told to somebody."""
    for each in objs(resource, "note"):
        found = frozenset(words(text(each, "text")))
        if (
            found & _SINGLE["critical"]
            and found & _SINGLE["told"]
            and not found & _SINGLE["hedges"]
        ):
            return True
    return False


def is_critical_in_report(said: str) -> bool:
    """Return whether a report says of itself that a critical result was told to somebody, then or within two sentences.

    What "critical" stands before is asked, too: critical care and a critical stenosis are no alarm of whoever read it.
    """
    if not any(each in said.casefold() for each in _SINGLE["critical"]):
        return False
    sentences = [words(each) for each in _SENTENCE_END.split(said)]
    return any(
        _names_critical(each) and any(map(_is_told, sentences[at : at + 3]))
        for at, each in enumerate(sentences)
    )


def _names_critical(sentence: Sequence[str]) -> bool:
    """Return whether a sentence has "critical result"; "critical results are" tells what is done with such."""
    return any(
        one in _SINGLE["critical"]
        and two in _REPORT["result"]
        and three not in _REPORT["rule"]
        and _is_there(sentence[:at], sentence[at + 2 :])
        for at, (one, two, three) in enumerate(
            zip(sentence, sentence[1:], (*sentence[2:], ""), strict=False)
        )
    )


def _is_there(before: Sequence[str], behind: Sequence[str]) -> bool:
    """Return whether no words around "critical result" deny it: a "without" far behind is of something else."""
    return (
        _TOLD_HEDGES.isdisjoint(before)
        and _REPORT_HEDGES.isdisjoint(behind[:_NEAR])
        and (_REPORT_HEDGES - _REPORT["asides"]).isdisjoint(behind)
    )


def _is_told(heard: Sequence[str]) -> bool:
    return _TOLD_HEDGES.isdisjoint(heard) and any(
        word in _REPORT["told"] and not _is_empty(heard[at + 1 :]) for at, word in enumerate(heard)
    )


def _is_empty(behind: Sequence[str]) -> bool:
    """Return whether behind "called" stands that it was nobody, "to: N/A", or nothing behind a "to"."""
    has_to = behind[:1] != () and behind[0] in _REPORT["to"]
    whom = " ".join(behind[1:] if has_to else behind)
    return whom in _REPORT["nobody"] or (has_to and not whom)


def is_only_noted(resource: JsonObject) -> bool:
    """Return whether a number has neither mark nor range, but a note of the laboratory, which may say what it means."""
    return (
        "note" in resource
        and "valueQuantity" in resource
        and "interpretation" not in resource
        and "referenceRange" not in resource
    )


def _worst(marks: Sequence[Mark]) -> Mark:
    if len(marks) == 1:
        return marks[0]
    return min(marks, key=lambda each: LEVELS.index(each.level), default=_NONE)


def _of_concept(concept: JsonObject) -> Mark:
    """Read a code that we know; words count beside it only where they say worse, else in its place."""
    coded, said = objs(concept, "coding"), text(concept, "text")
    known = []
    for coding in coded:
        each = code(coding, "code")
        if each in _CODES and (each not in _HL7_ONLY or _is_of_hl7(code(coding, "system"))):
            known.append(_CODES[each])
        said = said or text(coding, "display")
    written = _of_words(said) if said else _UNREADABLE if coded else _NONE
    if not known:
        return written
    if written.level in _OUT:
        known.append(written)
    return _worst(known)


def _is_of_hl7(system: str) -> bool:
    """Return whether a code has HL7's meaning: letters such as S and R mean other things elsewhere."""
    return not system or system.endswith(("ObservationInterpretation", "0078"))


def _of_words(said: str) -> Mark:
    plain = said.strip(" .()").lower()
    if plain in _EXACT:
        return _EXACT[plain]
    heard = words(said)
    whole = _WHOLE.get(heard)
    known = [_CODES[each.upper()] for each in heard if each.upper() in _CODES]
    worst = whole or _worst(known if len(known) == len(heard) else ())  # "Low*", "H*", "A H"
    if worst.level in _OUT:
        return Mark(worst.level, "", said, worst.side)
    found = frozenset(heard)
    if not found & _SINGLE["hedges"]:
        for level in _OUT:
            if found & _SINGLE[level] or (level == "critical" and _begins_critical(heard)):
                return Mark(level, "", said, _side(found))
    return Mark("marked", "", said)


def _begins_critical(heard: Sequence[str]) -> bool:
    """Return whether a mark of one word begins like one of a critical value: `PANICHIGH`."""
    return len(heard) == 1 and heard[0].startswith(_BEGINS)


def _side(found: frozenset[str]) -> Side:
    high, low = bool(found & _SINGLE["high"]), bool(found & _SINGLE["low"])
    return "" if high == low else "high" if high else "low"
