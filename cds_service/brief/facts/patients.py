"""What a Patient says of itself that comes before all else: a death, or that another entry is to be used."""

from cds_service.brief.record import Item, Record
from cds_service.fhir.elements import code, is_true, objs


def patient(record: Record) -> Item | None:
    """Return the patient of a record, where it was read."""
    return record.get(f"Patient/{record.context.patient}")


def is_deceased(item: Item) -> bool:
    """Return whether a Patient is recorded as dead, with or without a date."""
    return is_true(item.resource, "deceasedBoolean") or "deceasedDateTime" in item.resource


def is_replaced(item: Item) -> bool:
    """Return whether a Patient says that another entry is to be used in its place, as after a merge."""
    return any(code(each, "type") == "replaced-by" for each in objs(item.resource, "link"))


def is_retired(item: Item) -> bool:
    """Return whether a Patient is marked as no longer in use."""
    return item.resource.get("active") is False


def is_marked(item: Item) -> bool:
    """Return whether any of these is so."""
    return is_deceased(item) or is_replaced(item) or is_retired(item)
