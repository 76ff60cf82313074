"""A note, and what it looks like to each vendor."""

from datetime import UTC, datetime

from cds_service.domain.note import Note, NoteSection
from cds_service.fhir.note import to_document_reference
from cds_service.fhir.write import checked
from cds_service.vendors import load_profile

BRIEF = "5d0c3c0e-5b0f-4f6e-9c57-0d7f3f0f2a11"
AT = datetime(2026, 11, 23, 15, 0, tzinfo=UTC)


def note(**changes):
    facts = {
        "brief": BRIEF,
        "patient": "alba",
        "encounter": "e-1",
        "title": "Pre-visit brief",
        "notice": "AI-assisted draft, reviewed by Lena Brandt, MD on 2026-11-23 09:00 -0600.",
        "head": ("Record as of 2026-11-23T14:00:00Z (rules 1)",),
        "sections": (NoteSection(title="Allergies", lines=("Penicillin: anaphylaxis",)),),
        "at": AT,
        "author": "Practitioner/sim-clinician",
    }
    return Note(**(facts | changes))


def document(vendor="generic-r4", **changes):
    return checked(to_document_reference(note(**changes), load_profile(vendor).note))
