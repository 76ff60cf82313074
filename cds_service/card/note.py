"""The draft note of a brief: a DocumentReference that a clinician files by accepting a suggestion."""

from base64 import b64encode
from datetime import datetime
from typing import Any

from cds_service.domain.evidence import Context
from cds_service.fhir.write import document_reference
from cds_service.vendors.profile import NoteRules

IDENTIFIER_SYSTEM = "urn:ietf:rfc:3986"
NOTICE = "Drafted by software from the record; not reviewed. Check against the chart before use."


def draft_note(
    *, title: str, text: str, brief_id: str, context: Context, rules: NoteRules
) -> dict[str, Any]:
    """Build the note as this vendor takes it: `docStatus` as the profile says, one attachment.

    The identifier is the brief's, so that accepting the suggestion and approving in the app can never file
    two notes.
    """
    when = _instant(context.now)
    fields: dict[str, Any] = {
        "identifier": [{"system": IDENTIFIER_SYSTEM, "value": f"urn:uuid:{brief_id}"}],
        "status": "current",
        "docStatus": rules.draft_status,
        "type": {
            "coding": [
                {
                    "system": rules.type_system,
                    "code": rules.type_code,
                    "display": rules.type_display,
                }
            ],
            "text": title,
        },
        "subject": {"reference": f"Patient/{context.patient}"},
        "date": when,
        "description": title,
        "content": [
            {
                "attachment": {
                    "contentType": rules.content_type,
                    "data": b64encode(f"{NOTICE}\n\n{text}\n".encode()).decode(),
                    "title": title,
                    "creation": when,
                }
            }
        ],
    }
    if rules.category_allowed:
        fields["category"] = [{"coding": [_CLINICAL_NOTE]}]
    surroundings: dict[str, Any] = {}
    if context.encounter is not None:
        surroundings["encounter"] = [{"reference": f"Encounter/{context.encounter}"}]
    if rules.period_end_required:
        surroundings["period"] = {"end": when}
    if surroundings:
        fields["context"] = surroundings
    return document_reference(fields)


_CLINICAL_NOTE = {
    "system": "http://hl7.org/fhir/us/core/CodeSystem/us-core-documentreference-category",
    "code": "clinical-note",
    "display": "Clinical Note",
}


def _instant(moment: datetime) -> str:
    return moment.isoformat(timespec="seconds")
