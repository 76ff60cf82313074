"""Typed accessors over plain FHIR JSON: tolerant in what we read.

Real records break strict models. Each accessor returns what is there in the expected shape, else an
empty value of that shape; none raises. Text is stripped of control characters and of characters that
cannot be seen, nothing else.
"""

import re
from base64 import b64decode
from binascii import Error as NotBase64
from collections.abc import Sequence
from decimal import Decimal
from math import isfinite

from cds_service.domain.json import EMPTY, Json, JsonObject

FHIR_ID = re.compile(r"[A-Za-z0-9\-.]{1,64}")
_CONTROL = re.compile(
    r"[\x00-\x1f\x7f-\x9f\u061c\u200b\u200e\u200f\u2028-\u202e\u2060-\u2064\u2066-\u206f\ufeff"
    r"\U000e0000-\U000e007f\ud800-\udfff]+"
)
"""Control, direction-changing, invisible and tag characters, and lone surrogates."""


def obj(parent: Json, name: str) -> JsonObject:
    """Return the object member `name`, or an empty object; a list of one counts as that one."""
    try:
        value = parent.get(name)
    except AttributeError:
        return EMPTY
    if isinstance(value, dict):
        return value
    one = isinstance(value, list) and len(value) == 1 and isinstance(value[0], dict)
    return value[0] if one else EMPTY


def objs(parent: Json, name: str) -> Sequence[JsonObject]:
    """Return the objects of the list member `name`; a bare object counts as a list of one."""
    try:
        value = parent.get(name)
    except AttributeError:
        return ()
    if value is None:
        return ()
    if not isinstance(value, list):
        return (value,) if isinstance(value, dict) else ()
    for item in value:
        if not isinstance(item, dict):
            return [each for each in value if isinstance(each, dict)]
    return value  # as most are


def text(parent: Json, name: str) -> str:
    """Return the string member `name` on one line, without control characters; else ""."""
    try:
        value = parent.get(name)
    except AttributeError:
        return ""
    if not isinstance(value, str):
        return ""
    # What `clean` asks first, without the call: this runs for every name of a record.
    if value.isprintable() and "  " not in value and value.strip() == value:
        return value
    return clean(value)


def clean(value: str) -> str:
    """Return a string on one line: control, direction-changing and invisible characters become spaces."""
    if value.isprintable() and "  " not in value and value.strip() == value:
        return value  # as most are: no space at an end or beside another
    return " ".join(_CONTROL.sub(" ", value).split())


def code(parent: Json, name: str) -> str:
    """Return a primitive `code` member, or ""."""
    try:
        value = parent.get(name)
    except AttributeError:
        return ""
    return value if isinstance(value, str) else ""


def codings(concept: Json) -> list[tuple[str, str]]:
    """Return (system, code) of each coding of a CodeableConcept that has a code."""
    pairs = []
    try:
        for coding in concept.get("coding", ()):
            value, system = coding.get("code"), coding.get("system")
            if value and isinstance(value, str):
                pairs.append((system if isinstance(system, str) else "", value))
    except _NO_LIST_OF_OBJECTS:
        return codings({"coding": objs(concept, "coding")})
    return pairs


def codes(concept: Json) -> list[str]:
    """Return the code of each coding of a CodeableConcept that has one, in whatever system."""
    values = []
    try:
        for coding in concept.get("coding", ()):
            value = coding.get("code")
            if value and isinstance(value, str):
                values.append(value)
    except _NO_LIST_OF_OBJECTS:
        return codes({"coding": objs(concept, "coding")})
    return values


def states(resource: Json, member: str) -> list[str]:
    """Return the codes of a status; of one that is only in words those, written like a code.

    Some systems send no more, and some a bare word, as releases of FHIR before R4 had it.
    """
    concept = obj(resource, member)
    coded = codes(concept)
    if coded:
        return coded
    said = text(concept, "text") or text(resource, member)
    return [said.casefold().replace(" ", "-")]


def has_code(concept: Json, *wanted: str) -> bool:
    """Return whether any coding carries one of these codes, in whatever system."""
    try:
        for coding in concept.get("coding", ()):
            if coding.get("code") in wanted:
                return True
    except _NO_LIST_OF_OBJECTS:
        return has_code({"coding": objs(concept, "coding")}, *wanted)
    return False


_NO_LIST_OF_OBJECTS = (AttributeError, TypeError)
"""What reading a `coding` raises that is no list of objects: these run for every entry, and most are one."""


def reference(parent: object, name: str) -> str:
    """Return `parent.name.reference`, or ""."""
    return code(obj(parent, name), "reference")


def type_and_id(resource: JsonObject) -> tuple[str, str]:
    """Return (resourceType, id); "" for either when it is missing or not a legal FHIR id."""
    identity = code(resource, "id")
    return code(resource, "resourceType"), identity if FHIR_ID.fullmatch(identity) else ""


def version(resource: JsonObject) -> str:
    """Return `meta.versionId`, or ""."""
    return code(obj(resource, "meta"), "versionId")


def strings(parent: object, name: str) -> list[str]:
    """Return the strings of the list member `name`, each on one line; a bare string is a list of one."""
    value = parent.get(name) if isinstance(parent, dict) else None
    items = value if isinstance(value, list) else [value]
    return [clean(item) for item in items if isinstance(item, str)]


def is_true(parent: object, name: str) -> bool:
    """Return whether the boolean member `name` is there and true."""
    return isinstance(parent, dict) and parent.get(name) is True


def name(concept: JsonObject) -> str:
    """Return the words of a CodeableConcept: its text, else the display that a person chose, else the first.

    A code without words has no name: the answer is "".
    """
    words = text(concept, "text")
    if words:
        return words
    first = ""
    for coding in objs(concept, "coding"):
        shown = text(coding, "display")
        if shown and not _is_absent(coding):
            if is_true(coding, "userSelected"):
                return shown
            first = first or shown
    return first


def displays(concept: Json) -> list[str]:
    """Return the display of each coding of a CodeableConcept."""
    return [text(each, "display") for each in objs(concept, "coding")]


_ABSENT = "data-absent-reason"


def is_masked(concept: JsonObject) -> bool:
    """Return whether a concept says of itself that it is withheld, by an extension or in place of its code."""
    for each in (*objs(concept, "coding"), *objs(concept, "extension")):
        if _is_absent(each) and "masked" in {each.get("code"), each.get("valueCode")}:
            return True
    return False


def _is_absent(each: JsonObject) -> bool:
    return (code(each, "system") or code(each, "url")).endswith(_ABSENT)


def medication(resource: object) -> tuple[JsonObject, JsonObject]:
    """Return the concept and the reference of what is ordered or taken; FHIR R5 has both in one member."""
    concept = obj(resource, "medicationCodeableConcept")
    named = obj(resource, "medicationReference")
    if concept or named:
        return concept, named
    both = obj(resource, "medication")
    return obj(both, "concept"), obj(both, "reference")


def number(parent: Json, name: str) -> int | Decimal | None:
    """Return the number member `name` as it was sent; None for anything else, true and false included.

    So for one that is beyond anything that is measured: nobody can reckon with it.
    """
    try:
        value = parent.get(name)
    except AttributeError:
        return None
    if isinstance(value, Decimal):
        return value if -_DIGITS < value.adjusted() < _DIGITS else None
    if isinstance(value, float):  # a caller that did not decode with `domain.json`
        return Decimal(repr(value)) if isfinite(value) else None
    return value if isinstance(value, int) and not isinstance(value, bool) else None


_DIGITS = 100
"""Digits of the largest number that may be a value: Avogadro's has 24."""
INLINE_MAX = 4_000
"""Characters of base64 that are read of an attachment: the beginning is enough to quote."""


def inline_text(attachment: JsonObject) -> str:
    """Return the beginning of the plain text that an Attachment carries within itself, on one line; else ""."""
    if not code(attachment, "contentType").startswith("text/plain"):
        return ""
    data = code(attachment, "data")[:INLINE_MAX]
    try:
        return clean(b64decode(data).decode("utf-8", errors="replace"))
    except (NotBase64, ValueError):
        return ""


def is_error(resource: JsonObject) -> bool:
    """Return whether a resource says of itself that it was entered in error."""
    if resource.get("status") == "entered-in-error":
        return True
    verified = "verificationStatus"
    return verified in resource and "entered-in-error" in states(resource, verified)
