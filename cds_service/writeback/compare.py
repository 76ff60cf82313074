"""The note that was read back against the note that was approved: what differs, and whether that is expected.

Only what we sent is looked at. What a server adds (its id, its narrative, a category) is its own.
"""

import re
from base64 import b64decode
from binascii import Error as NotBase64
from collections.abc import Callable, Iterator, Mapping
from html import unescape

from cds_service.domain.filing import Difference
from cds_service.domain.json import JsonObject
from cds_service.fhir.elements import code, codings, obj, objs, reference, text
from cds_service.vendors.profile import NoteRules

_HIDDEN, _SHOWN = re.compile(r"<(?:head|style|script)\b"), re.compile(r"</(?:head|style|script)>")
_TAG = re.compile(r"<[^<>]*>")
_RTF = re.compile(r"\\'([0-9a-f]{2})|\\u(-?\d+) ?\??|\\[a-z]+-?\d* ?|[{}]|\\\*")
_LOCAL = re.compile(r"(?:^|/)([A-Z][A-Za-z]+/[^/]+)$")
_MAYBE_REPLACED = ("date", "description", "category", "author", "title")
"""Elements that servers are known to set by themselves; the words and whose they are is not among them."""


def compare(sent: JsonObject, stored: JsonObject, rules: NoteRules) -> tuple[Difference, ...]:
    """Return what differs, in the order in which a reader would ask; empty when nothing does."""
    return tuple(_differences(sent, stored, rules))


def _differences(sent: JsonObject, stored: JsonObject, rules: NoteRules) -> Iterator[Difference]:
    yield from _content(sent, stored)
    for element, is_same in _ESSENTIAL.items():
        if not is_same(sent, stored):
            yield Difference(element, expected=False)
    if not _identifiers(sent) <= _identifiers(stored):
        yield Difference("identifier", expected="identifier" not in rules.find)
    for name in _MAYBE_REPLACED:
        if name in sent and sent.get(name) != stored.get(name):
            yield Difference(name, expected=True)


def _content(sent: JsonObject, stored: JsonObject) -> Iterator[Difference]:
    mine, theirs = _text(sent), _text(stored)
    if theirs is None:
        yield Difference("content", expected=False)
    elif mine != theirs:
        yield Difference("content", expected=_words(mine or "") == _words(theirs))
    if len(objs(stored, "content")) > 1:
        yield Difference("content.count", expected=False)


_ESSENTIAL: Mapping[str, Callable[[JsonObject, JsonObject], bool]] = {
    "status": lambda sent, stored: code(sent, "status") == code(stored, "status"),
    "docStatus": lambda sent, stored: code(sent, "docStatus") == code(stored, "docStatus"),
    "subject": lambda sent, stored: _subject(sent) == _subject(stored),
    "context.encounter": lambda sent, stored: _encounters(sent) <= _encounters(stored),
    "type": lambda sent, stored: _types(sent) <= _types(stored),
}
"""Elements that no vendor's rendering may change."""


def _subject(resource: JsonObject) -> str:
    return _local(reference(resource, "subject"))


def _types(resource: JsonObject) -> set[tuple[str, str]]:
    return set(codings(obj(resource, "type")))


def holds(resource: JsonObject, identifier: str) -> bool:
    """Return whether a resource is the note of this identifier: it carries it, or its text's last line does."""
    if any(value == identifier for _, value in _identifiers(resource)):
        return True
    found = _text(resource)
    return found is not None and identifier.removeprefix("urn:uuid:") in found


def _identifiers(resource: JsonObject) -> set[tuple[str, str]]:
    return {(code(x, "system"), code(x, "value")) for x in objs(resource, "identifier")}


def _encounters(resource: JsonObject) -> set[str]:
    found = objs(obj(resource, "context"), "encounter")
    return {_local(code(each, "reference")) for each in found}


def _local(reference_found: str) -> str:
    found = _LOCAL.search(reference_found.partition("/_history/")[0])
    return found[1] if found else reference_found


def _text(resource: JsonObject) -> str | None:
    """Return the text of the first attachment that carries its data, else None."""
    for each in objs(resource, "content"):
        data = code(obj(each, "attachment"), "data")
        if data:
            try:
                return b64decode(data).decode("utf-8", errors="replace")
            except (NotBase64, ValueError):
                return None
    return None


def _words(content: str) -> list[str]:
    """Return the words of a text without its layout: tags, rich text controls and white space."""
    plain = content
    if plain.lstrip().startswith("{\\rtf"):
        plain = _RTF.sub(_character, plain)
    elif plain.lstrip().startswith("<"):
        plain = unescape(_without_tags(plain))
    return [word for word in plain.casefold().split() if word not in {"-", "•"}]


def _without_tags(markup: str) -> str:
    """Return markup without tags and without what is not shown; the end of what never ends is looked for once."""
    kept, at = [], 0
    while begin := _HIDDEN.search(markup, at):
        end = _SHOWN.search(markup, begin.end())
        if end is None:
            break
        kept.append(markup[at : begin.start()])
        at = end.end()
    return _TAG.sub(" ", " ".join([*kept, markup[at:]]))


def _character(control: re.Match[str]) -> str:
    if control[1]:
        return bytes.fromhex(control[1]).decode("cp1252", errors="replace")
    if control[2]:
        return chr(int(control[2]) % 0x10000)
    return " " if control[0].startswith(("\\par", "\\line", "\\tab")) else ""


def attachment_url(resource: JsonObject) -> str:
    """Return where the text lies when the server took it out of the resource, else ""."""
    return next(
        (
            url
            for each in objs(resource, "content")
            if (url := text(obj(each, "attachment"), "url"))
        ),
        "",
    )
