"""The audit for others: each entry as a FHIR R4 AuditEvent, and signed heads to keep in another place."""

import json
import re
from collections.abc import AsyncIterator, Mapping
from typing import Any

from cds_service.domain.errors import CdsError, NotAllowed, NothingToSay, NotTrusted
from cds_service.fhir.audit_event import audit_event
from cds_service.storage import Connection, Database
from cds_service.storage.chain import Head, walk

_OURS = "cds-service"
_DICOM = "http://dicom.nema.org/resources/ontology/DCM"
_PATIENT_RECORD = {"system": _DICOM, "code": "110110", "display": "Patient Record"}
_ACTIVITY = {"system": _DICOM, "code": "110100", "display": "Application Activity"}
_SECURITY = {"system": _DICOM, "code": "110113", "display": "Security Alert"}
_REASONS = "http://terminology.hl7.org/CodeSystem/v3-ActReason"
_ENTITY = "http://terminology.hl7.org/CodeSystem/audit-entity-type"
_ROLE = "http://terminology.hl7.org/CodeSystem/object-role"
_SUCCESS, _MINOR, _SERIOUS = "0", "4", "8"
_REFUSED = frozenset({NotTrusted.code, NotAllowed.code})
_FAILED = frozenset(kind.code for kind in CdsError.__subclasses__()) - {NothingToSay.code}
_REFERENCE = re.compile(r"[A-Z][A-Za-z]+/[A-Za-z0-9.-]{1,64}")


async def events(
    database: Database, connection: Connection, site: str
) -> AsyncIterator[dict[str, Any]]:
    """Yield a site's entries in order as AuditEvents. Whose chart it was stands in them, unsealed."""
    async for row in walk(connection, site):
        patient = ""
        if row["patient"] is not None:
            place = f"audit|patient|{row['id']}|{site}"
            patient = (await database.open(row["patient"], place=place)).decode()
        yield audit_event(_fields(dict(row), patient))


def _fields(row: Mapping[str, Any], patient: str) -> dict[str, Any]:
    """Return the members of one AuditEvent (R4, section 6.4)."""
    told = f"{row['outcome']}: {row['facts']['reason']}" if "reason" in row["facts"] else ""
    return {
        "id": row["id"],
        "type": _kind(row, patient),
        "subtype": [{"display": row["action"]}],
        "action": "E",
        "recorded": row["at"].isoformat(),
        "outcome": _outcome(row["outcome"]),
        "outcomeDesc": told or row["outcome"],
        "purposeOfEvent": [{"coding": [{"system": _REASONS, "code": row["purpose"]}]}],
        "agent": [_agent(row)],
        "source": {"site": row["site"], "observer": {"display": _OURS}},
        "entity": [*_patient(patient), _entry(row)],
    }


def _kind(row: Mapping[str, Any], patient: str) -> dict[str, str]:
    if row["outcome"] in _REFUSED:
        return _SECURITY
    return _PATIENT_RECORD if patient else _ACTIVITY


def _outcome(outcome: str) -> str:
    if outcome == "crashed":
        return _SERIOUS
    return _MINOR if outcome in _FAILED else _SUCCESS


def _agent(row: Mapping[str, Any]) -> dict[str, Any]:
    """Return who acted: the person where the EHR named one, else the EHR's issuer, else us."""
    actor = row["actor"]
    if actor:
        named = {"reference": actor} if _REFERENCE.fullmatch(actor) else {"display": actor}
        return {"who": named, "requestor": True}
    issuer = row["facts"].get("issuer")
    if issuer:
        return {"who": {"identifier": {"value": issuer}}, "requestor": True}
    return {"who": {"display": _OURS}, "requestor": False}


def _patient(patient: str) -> list[dict[str, Any]]:
    if not patient:
        return []
    return [
        {
            "what": {"reference": patient},
            "type": {"system": _ENTITY, "code": "1", "display": "Person"},
            "role": {"system": _ROLE, "code": "1", "display": "Patient"},
        }
    ]


def _entry(row: Mapping[str, Any]) -> dict[str, Any]:
    """Return what else the entry says, so that nothing is lost on the way."""
    said = {"seq": row["seq"], "mac": row["mac"].hex(), "brief": row["brief"]}
    said |= {"trace": row["trace"], **row["facts"]}
    return {
        "type": {"system": _ENTITY, "code": "2", "display": "System Object"},
        "name": "entry",
        "detail": [
            {"type": name, "valueString": value if isinstance(value, str) else json.dumps(value)}
            for name, value in said.items()
            if value != ""  # nothing else that is empty is left out
        ],
    }


def head_line(head: Head) -> dict[str, str | int]:
    """Return a head as JSON: where a chain ended, signed with the audit's key."""
    return {"site": head.site, "seq": head.seq, "mac": head.mac.hex(), "seal": head.seal.hex()}


def read_head(line: Mapping[str, Any]) -> Head:
    """Return a head from its JSON. Raises ValueError, KeyError or TypeError for anything else."""
    return Head(
        site=str(line["site"]),
        seq=int(line["seq"]),
        mac=bytes.fromhex(line["mac"]),
        seal=bytes.fromhex(line["seal"]),
    )
