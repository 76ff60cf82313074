"""Screenings of a record: the newest of each that took place, and which are nowhere in it."""

from cds_service.brief.facts.visits import names
from cds_service.brief.record import Item, Record
from cds_service.domain.needs import NeedName
from cds_service.domain.tables import Screening
from cds_service.fhir.elements import codes, is_true, obj, text

SEARCHED: tuple[NeedName, ...] = ("procedures", "reports")
_DONE = frozenset({"completed", "final", "amended", "corrected", "appended"})


def newest(record: Record) -> dict[str, Item]:
    """Return the newest procedure or report of each screening, by its name, in the table's order."""
    found: dict[str, Item] = {}
    for item in record.of("Procedure", "DiagnosticReport"):
        if item.status in _DONE:
            for each in _screened(record, item):
                found.setdefault(each, item)
    return {each.name: found[each.name] for each in record.tables.screenings if each.name in found}


def _screened(record: Record, item: Item) -> list[str]:
    known = set(codes(obj(item.resource, "code")))
    looked_for = record.tables.screenings
    by_code = [each.name for each in looked_for if not known.isdisjoint(each.codes)]
    if by_code:
        return by_code
    said = names(item)
    return [each.name for each in looked_for if any(map(said.__contains__, each.words))]


def missing(record: Record) -> tuple[Screening, ...]:
    """Return the screenings that are not in the record and would be looked for in this patient.

    Nothing is missing where procedures or reports were not read in full, nor without an age, nor after death.
    """
    if not (record.proves_absence(SEARCHED) or record.is_bundle(SEARCHED)):
        return ()
    patient = record.get(f"Patient/{record.context.patient}")
    said = patient.resource if patient else {}
    born = record.moment(said.get("birthDate"))
    if born is None or "deceasedDateTime" in said or is_true(said, "deceasedBoolean"):
        return ()
    on, was = record.today, born.date
    years = on.year - was.year - ((on.month, on.day) < (was.month, was.day))
    found, sex = record.once(newest), text(said, "gender")
    return tuple(
        each
        for each in record.tables.screenings
        if found.keys().isdisjoint({each.name, each.unless})
        and each.ages is not None
        and each.ages[0] <= years <= each.ages[1]
        and each.sex in {"", sex}
    )
