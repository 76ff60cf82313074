"""Which resources of a record are labelled as restricted."""

from cds_service.brief.record import Record
from cds_service.fhir.elements import code, obj, objs
from cds_service.sensitive.labels import RESTRICTED


def restricted(record: Record) -> frozenset[str]:
    """Return the references of everything that carries such a label."""
    found = set()
    for ref, item in record.items.items():
        meta = item.resource.get("meta")
        if isinstance(meta, dict) and "security" not in meta:
            continue  # as most are
        labels = objs(obj(item.resource, "meta"), "security")
        if any(code(label, "code") in RESTRICTED for label in labels):
            found.add(ref)
    return frozenset(found)
