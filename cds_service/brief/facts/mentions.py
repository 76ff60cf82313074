"""Where a record names a thing in words: nothing is called absent or old while an entry may be of it."""

from collections.abc import Collection

from cds_service.brief.facts.visits import names
from cds_service.brief.record import Item, Record
from cds_service.domain.tables import words
from cds_service.fhir.elements import name, obj, objs, text

DONE = ("Observation", "DiagnosticReport", "Procedure")
"""What may be a test or a screening that took place."""
ANYWHERE = (*DONE, "ServiceRequest", "Condition", "DocumentReference")
"""Likewise, or that tells of one."""


def mentions(record: Record, item: Item, wanted: Collection[str]) -> bool:
    """Return whether an entry names one of these: the beginning of a word, or with a space at its end a whole one."""
    said = record.each(_said, item)
    return any(f" {each}" in said for each in wanted)


def _said(record: Record, item: Item) -> str:
    """Return every name that an entry and its parts go by, and what it concludes, as words between spaces."""
    del record
    said = item.resource
    parts = [names(item)]
    for member in ("component", "contained"):
        parts += [name(obj(each, "code")) for each in objs(said, member)]
    parts += [text(each, "display") for each in objs(said, "result")]
    parts += [text(said, member) for member in ("conclusion", "description", "valueString")]
    parts += [name(each) for each in (*objs(said, "conclusionCode"), *objs(said, "type"))]
    return f" {' '.join(words(' '.join(parts)))} "
