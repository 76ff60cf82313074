"""Which resources of a record are labelled as restricted."""

from cds_service.brief.record import Record
from cds_service.fhir.elements import code, obj, objs
from cds_service.sensitive.labels import RESTRICTED


def restricted(record: Record) -> frozenset[str]:
    """Return the references of everything that carries such a label."""
    return frozenset(
        ref
        for ref, item in record.items.items()
        if "security" in (meta := obj(item.resource, "meta"))
        and any(code(label, "code") in RESTRICTED for label in objs(meta, "security"))
    )
