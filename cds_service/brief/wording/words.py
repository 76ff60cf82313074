"""Small pieces of sentences: names of bounded length, lists, dates, people."""

import re
from collections.abc import Iterable, Sized

from cds_service.brief.record import Item, Record
from cds_service.domain.json import JsonObject
from cds_service.fhir.dates import Moment
from cds_service.fhir.elements import clean, is_masked, name, obj, objs, text

_TAG = re.compile(
    r" \((?:disorder|finding|situation|procedure|regime/therapy|organism|substance|event|person|product"
    r"|medicinal product|physical object|observable entity|qualifier value|morphologic abnormality|body structure"
    r"|social concept|environment|record artifact|assessment scale|specimen|clinical drug|occupation)\)$"
)
"""The tag at the end of a SNOMED CT name tells its place in the terminology, not anything of the patient."""

_PROPERTY = re.compile(
    r" ?\[(?:#|Mass|Moles|Units|Volume|Presence|Type|Identifier|Interpretation|Titer|Ratio|Reported|Entitic |"
    r"Enzymatic activity|Catalytic activity|Time|Length|Velocity)[^\[\]]*\]"
)
"""What a LOINC name says in brackets of the kind of its value: the value itself shows it."""

NAME_MAX = 100
TEXT_MAX = 240


def short(words: str, limit: int = NAME_MAX) -> str:
    """Return a text of at most `limit` characters; where it was cut it ends with "…"."""
    return words if len(words) <= limit else words[: limit - 1].rstrip() + "…"


def spoken(words: str) -> str:
    """Return a name as one says it, of bounded length: without the marks of its terminology."""
    said = _TAG.sub("", words) if words.endswith(")") else words
    return short(_PROPERTY.sub("", said).replace(" --", ", ").strip() if "[" in said else said)


WITHHELD = "Name withheld (masked)"


def named(concept: JsonObject, unknown: str) -> str:
    """Return the name of a concept, or `unknown` where it has no words; what is withheld is said to be."""
    if not concept:
        return unknown
    return spoken(name(concept)) or (WITHHELD if is_masked(concept) else unknown)


def code_name(item: Item, unknown: str) -> str:
    """Return the name of a resource's `code`."""
    return named(obj(item.resource, "code"), unknown)


def names(parent: JsonObject, member: str) -> str:
    """Return the names of a list of concepts, each once, joined by commas."""
    if member not in parent:
        return ""
    found = [spoken(name(concept)) for concept in objs(parent, member)]
    return ", ".join(dict.fromkeys(filter(None, found)))


def joined(parts: Iterable[str], mark: str = ", ") -> str:
    """Return the parts that are not empty, joined."""
    return mark.join(filter(None, parts))


def more(whole: Sized, named_: Sized) -> str:
    """Return `and 3 more`, "" where every thing is named."""
    rest = len(whole) - len(named_)
    return f"and {rest} more" if rest else ""


def day(when: Moment | None) -> str:
    """Return a stored date without its time, "" when there is none."""
    return when.day if when else ""


def moment(when: Moment | None) -> str:
    """Return a stored date with its time, "undated" when there is none."""
    return when.shown if when else "undated"


def stamp(item: Item) -> str:
    """Return when something was, as stored; a date that cannot be read is quoted as it was written."""
    if item.when is None and item.odd_date:
        return f'date written as "{short(item.odd_date, 30)}"'
    return moment(item.when)


def dated(word: str, when: Moment | None) -> str:
    """Return `recorded 2019-04-02`, or "" without a date."""
    return f"{word} {when.day}" if when else ""


def reasons(item: Item, record: Record) -> str:
    """Return why something was done or ordered: its reason codes, else what its reasons refer to."""
    coded = names(item.resource, "reasonCode")
    if coded:
        return coded
    told = (
        text(each, "display") or name(obj(record.target(item.resource, each), "code"))
        for each in objs(item.resource, "reasonReference")
    )
    return joined(dict.fromkeys(spoken(each) for each in told if each))


def person(record: Record, holder: JsonObject, named_by: JsonObject) -> str:
    """Return who a Reference names: its display, else the name in the resource, else ""."""
    shown = text(named_by, "display")
    if shown:
        return short(shown)
    found = record.target(holder, named_by)
    human = next(iter(objs(found, "name")), {})
    given = " ".join(each for each in _given(human))
    whole = text(human, "text") or joined((given, text(human, "family")), " ")
    return short(whole or text(found, "name"))


def _given(human: JsonObject) -> list[str]:
    value = human.get("given")
    return [each for each in value if isinstance(each, str)] if isinstance(value, list) else []


def status_word(item: Item, *usual: str) -> str:
    """Return the status in plain words unless it is one of the usual ones; "" when there is none."""
    if item.status == "unknown":
        return "status unknown"
    return "" if item.status in usual else short(clean(item.status).replace("-", " "), 40)


def coded_word(parent: JsonObject, member: str) -> str:
    """Return a primitive code in plain words."""
    return short(text(parent, member).replace("-", " "), 40)


QUOTE_MAX = 300
_CUT = " (cut; the record has more)"


def quoted(words: str, limit: int = QUOTE_MAX) -> str:
    """Return words of the record as a quotation; where it was cut it says so."""
    if not words:
        return ""
    return f"“{short(words, limit)}”{_CUT if len(words) > limit else ''}"


def from_heading(record: Record, words: str) -> str:
    """Return words of a report as a quotation: a long one from where a heading tells what was found."""
    if len(words) <= QUOTE_MAX:
        return quoted(words)
    for heading in record.tables.terms["report"]["headings"]:
        places = [found.start() for found in re.finditer(rf"(?i)\b{heading}\s*:", words)]
        if places and places[-1]:
            said = quoted(f"… {words[places[-1] :]}")
            return said if said.endswith(_CUT) else said + _CUT
    return quoted(words)


def note_of(resource: JsonObject, limit: int = 120) -> str:
    """Return the first note that a resource carries, quoted, "" when it has none."""
    words = next((said for each in objs(resource, "note") if (said := text(each, "text"))), "")
    return f"note: {quoted(words, limit)}" if words else ""
