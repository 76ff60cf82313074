"""A note as one vendor takes it: its text by content type, and the DocumentReference round it.

Every rule is a field of the vendor's profile. What a clinician is shown before approving is `shown`: the
text as this vendor's chart will have it, which is less than what is sent where a vendor converts notes.
"""

from base64 import b64encode
from datetime import datetime
from html import escape
from typing import Any

from cds_service.domain.note import Note
from cds_service.vendors.profile import NoteRules

IDENTIFIER_SYSTEM = "urn:ietf:rfc:3986"
WIDTH = 100
_CLINICAL_NOTE = {
    "system": "http://hl7.org/fhir/us/core/CodeSystem/us-core-documentreference-category",
    "code": "clinical-note",
    "display": "Clinical Note",
}
_MARKUP = frozenset({"text/html", "application/xhtml+xml"})


def to_document_reference(note: Note, rules: NoteRules, *, doc_status: str = "") -> dict[str, Any]:
    """Return the note as this vendor's DocumentReference; one attachment.

    What is to be written is checked by the typed model (`fhir.write.checked`); a card's draft is not, because that
    takes a tenth of what a ready brief's call may cost: its shape is asserted for every vendor in the tests.
    """
    when = _instant(note.at)
    document: dict[str, Any] = {
        "resourceType": "DocumentReference",
        "identifier": [{"system": IDENTIFIER_SYSTEM, "value": note.identifier}],
        "status": "current",
        "docStatus": doc_status or rules.draft_status,
        "type": {"coding": [_type(rules)], "text": note.title},
        "subject": {"reference": f"Patient/{note.patient}"},
        "date": when,
        "description": note.title,
        "content": [
            {
                "attachment": {
                    "contentType": rules.content_type,
                    "data": b64encode(content(note, rules).encode()).decode(),
                    "title": note.title,
                    "creation": when,
                }
            }
        ],
    }
    if rules.category_allowed:
        document["category"] = [{"coding": [_CLINICAL_NOTE]}]
    if note.author and rules.author_allowed:
        document["author"] = [{"reference": note.author}]
    if note.relates_to and rules.correction == "relates_to":
        target = {"reference": note.relates_to}
        document["relatesTo"] = [{"code": note.relation or "appends", "target": target}]
    surroundings = _surroundings(note, rules)
    if surroundings:
        document["context"] = surroundings
    return document


def _type(rules: NoteRules) -> dict[str, str]:
    return {
        "system": rules.type_system,
        "code": rules.type_code,
        "display": rules.type_display,
    }


def _surroundings(note: Note, rules: NoteRules) -> dict[str, Any]:
    found: dict[str, Any] = {}
    if note.encounter is not None:
        found["encounter"] = [{"reference": f"Encounter/{note.encounter}"}]
    if rules.period_end_required:
        found["period"] = {"end": _instant(note.visit_end or note.at)}
    return found


def content(note: Note, rules: NoteRules) -> str:
    """Return the text of the attachment, in the content type that this vendor takes."""
    media = rules.content_type.partition(";")[0].strip().lower()
    return _xhtml(note) if media in _MARKUP else plain(note)


def shown(note: Note, rules: NoteRules) -> str:
    """Return the note as a reader of the chart will see it.

    A vendor that turns every note into rich text keeps headings, paragraphs and lists and drops layout: its
    lines are not broken where ours are.
    """
    return plain(note, width=0) if rules.stored_as == "rich_text" else plain(note)


def plain(note: Note, width: int = WIDTH) -> str:
    """Return the note as plain text; lines are broken at `width` columns, or not at all when it is 0."""
    parts = [note.title, note.notice, *(["\n".join(note.head)] if note.head else [])]
    parts += [
        "\n".join([part.title.upper(), *[bullet(line, width) for line in part.lines]])
        for part in note.sections
    ]
    return "\n\n".join([*parts, _reference(note)]) + "\n"


def bullet(text: str, width: int) -> str:
    """Return a dash and a text, broken at spaces; a word that is wider than a line is broken as well."""
    if not width or len(text) <= width - 2:
        return f"- {text}"
    room, lines = max(width, 20) - 2, []
    while len(text) > room:
        space = text.rfind(" ", 0, room + 1)
        cut = space if space > 0 else room
        lines.append(text[:cut])
        text = text[cut:].lstrip()
    return "- " + "\n  ".join([*lines, text])


def _xhtml(note: Note) -> str:
    """Return strict XHTML of headings, paragraphs and lists: what a conversion to rich text keeps."""
    body = [f"<h1>{escape(note.title)}</h1>", f"<p>{escape(note.notice)}</p>"]
    body += [f"<p>{escape(line)}</p>" for line in note.head]
    for part in note.sections:
        items = "".join(f"<li>{escape(line)}</li>" for line in part.lines)
        body.append(f"<h2>{escape(part.title)}</h2><ul>{items}</ul>")
    body.append(f"<p>{escape(_reference(note))}</p>")
    title = f"<head><title>{escape(note.title)}</title></head>"
    return f'<html xmlns="http://www.w3.org/1999/xhtml">{title}<body>{"".join(body)}</body></html>'


def _reference(note: Note) -> str:
    """Return the last line: a note whose identifier the server did not keep is found by it."""
    return f"Reference {note.identifier.removeprefix('urn:uuid:')}"


def _instant(moment: datetime) -> str:
    return moment.isoformat(timespec="seconds")
