"""The typed model of an audit entry as others read it: FHIR R4 AuditEvent, validated."""

from typing import Any

from fhir.resources.R4B.auditevent import AuditEvent


def audit_event(fields: dict[str, Any]) -> dict[str, Any]:
    """Return the fields as an R4 AuditEvent, once the model has found nothing wrong with them.

    Raises pydantic's ValidationError: a breach is our defect.
    """
    resource = {"resourceType": "AuditEvent", **fields}
    AuditEvent.model_validate(resource)
    return resource
