"""What an EHR may keep beside a filed note: where it comes from (Provenance), and that it was filed (AuditEvent).

Sources: FHIR R4 Provenance and AuditEvent; the codes are HL7's own.
"""

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from fhir.resources.R4B.provenance import Provenance

from cds_service.domain.filing import ApprovedBrief
from cds_service.fhir.audit_event import audit_event

US = "Pre-visit brief service"
_PARTICIPANT = "http://terminology.hl7.org/CodeSystem/provenance-participant-type"
_MOST_SOURCES = 200


def provenance(approved: ApprovedBrief, location: str, at: datetime) -> dict[str, Any]:
    """Return who made the note at `location`, and of what: the person as its author, this software as its assembler."""
    resource = {
        "resourceType": "Provenance",
        "target": [{"reference": location}],
        "recorded": _instant(at),
        "agent": [
            _agent("author", {"reference": approved.approver}),
            _agent("assembler", {"display": US}),
        ],
        "entity": [
            {"role": "source", "what": {"reference": each}}
            for each in approved.sources[:_MOST_SOURCES]
        ],
    }
    Provenance.model_validate(resource)
    return resource


def filing_event(approved: ApprovedBrief, location: str, at: datetime) -> dict[str, Any]:
    """Return that the note at `location` was filed, for whom and by whom."""
    rest = {
        "system": "http://terminology.hl7.org/CodeSystem/audit-event-type",
        "code": "rest",
        "display": "RESTful Operation",
    }
    create = {"system": "http://hl7.org/fhir/restful-interaction", "code": "create"}
    return audit_event(
        {
            "type": rest,
            "subtype": [create],
            "action": "C",
            "recorded": _instant(at),
            "outcome": "0",
            "agent": [
                {"who": {"reference": approved.approver}, "requestor": True},
                {"who": {"display": US}, "requestor": False},
            ],
            "source": {"observer": {"display": US}},
            "entity": [
                {"what": {"reference": location}},
                {"what": {"reference": f"Patient/{approved.patient}"}},
            ],
        }
    )


def _agent(kind: str, who: dict[str, str]) -> dict[str, Any]:
    return {"type": {"coding": [{"system": _PARTICIPANT, "code": kind}]}, "who": who}


def _instant(at: datetime) -> str:
    return at.isoformat(timespec="seconds")


BESIDE: Mapping[str, tuple[Callable[[ApprovedBrief, str, datetime], dict[str, Any]], str]] = {
    "Provenance": (provenance, "target"),
    "AuditEvent": (filing_event, "entity"),
}
"""By type: what makes it, and the search parameter that finds it by its note."""
