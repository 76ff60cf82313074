"""The draft note of a brief: a DocumentReference that a clinician files by accepting a suggestion."""

from typing import Any

from cds_service.domain.brief import Brief, Line, made_by_words
from cds_service.domain.evidence import Context
from cds_service.domain.note import NOT_REVIEWED, Note, NoteSection
from cds_service.fhir.dates import clock_of
from cds_service.fhir.elements import clean
from cds_service.fhir.note import to_document_reference
from cds_service.vendors.profile import NoteRules


def draft_note(
    *, title: str, brief: Brief, brief_id: str, context: Context, rules: NoteRules
) -> dict[str, Any]:
    """Build the unsigned note as this vendor takes it.

    Its identifier is that of the brief's first note, so that accepting the suggestion and approving in the
    app can never file two notes.
    """
    sections = [
        NoteSection(title=part.title, lines=tuple(map(_told, part.lines)))
        for part in brief.sections
    ]
    if brief.gaps:
        sections.append(NoteSection(title="Not available", lines=brief.gap_texts))
    as_of = f"Brief as of {brief.as_of.isoformat()} ({made_by_words(brief.versions)})"
    note = Note(
        brief=brief_id,
        patient=context.patient,
        encounter=context.encounter,
        title=title,
        notice=NOT_REVIEWED,
        head=tuple(filter(None, (as_of, clock_of(context.zone)))),
        sections=tuple(sections),
        at=context.now,
    )
    return to_document_reference(note, rules)


def _told(line: Line) -> str:
    restricted = "[restricted] " if "restricted" in line.statement.flags else ""
    why = f" (model's reason, not verified: {line.statement.why})" if line.statement.why else ""
    return clean(f"{restricted}{line.text}{why}")
