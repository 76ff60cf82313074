"""Which resources of a record are labelled as restricted."""

from cds_service.brief.record import Record
from cds_service.fhir.elements import code, obj, objs

_RESTRICTED = frozenset(
    {"R", "V", "42CFRPart2", "ETH", "ETHUD", "HIV", "PSY", "SEX", "SUD", "STD"}
)
"""Security labels, HL7 v3-Confidentiality and v3-ActCode."""


def restricted(record: Record) -> frozenset[str]:
    """Return the references of everything that carries such a label."""
    return frozenset(
        ref
        for ref, item in record.items.items()
        if "security" in (meta := obj(item.resource, "meta"))
        and any(code(label, "code") in _RESTRICTED for label in objs(meta, "security"))
    )
