"""Makes OperationOutcomes, the standard's codes and a vendor's own."""

from __future__ import annotations

from cds_service.simulator.wire import Json

VENDOR_SYSTEM = "urn:oid:1.2.840.114350.1.13.0.1.7.2.657369"


def outcome(code: str, text: str, *, severity: str = "error") -> Json:
    """Make an OperationOutcome; a number as code is a vendor's own code."""
    details: Json = {"text": text}
    if code.isdigit():
        details["coding"] = [{"system": VENDOR_SYSTEM, "code": code, "display": text}]
    issue = {
        "severity": severity,
        "code": "processing" if code.isdigit() else code,
        "details": details,
        "diagnostics": text,
    }
    return {"resourceType": "OperationOutcome", "issue": [issue]}
