"""Screenings of a record: the newest of each that took place, and which are nowhere in it."""

from collections.abc import Iterator

from cds_service.brief.facts.mentions import ANYWHERE, mentions
from cds_service.brief.facts.observations import is_told, series
from cds_service.brief.facts.visits import names
from cds_service.brief.record import Item, Record, newest_first
from cds_service.domain.needs import NeedName
from cds_service.domain.tables import Screening
from cds_service.fhir.elements import codes, is_true, obj, text

SEARCHED: tuple[NeedName, ...] = ("procedures", "reports", "results")
_DONE = frozenset({"completed", "final", "amended", "corrected", "appended"})


def newest(record: Record) -> dict[str, Item]:
    """Return the newest procedure, report or result of each screening, by its name, in the table's order."""
    found: dict[str, list[Item]] = {}
    for item in (*record.of("Procedure", "DiagnosticReport"), *_results(record)):
        if item.status in _DONE:
            for each in _screened(record, item):
                found.setdefault(each, []).append(item)
    return {
        each.name: newest_first(found[each.name])[0]
        for each in record.tables.screenings
        if each.name in found
    }


def _results(record: Record) -> Iterator[Item]:
    """Yield the newest of each result that may be a screening: those of the groups of tests are none."""
    for each in record.once(series):
        if each.section == "results" and each.group is None and is_told(each.items[0].resource):
            yield each.items[0]


def _screened(record: Record, item: Item) -> set[str]:
    """Return the screenings that an entry is, by code; by words where no code of it is known."""
    known = record.once(_by_code)
    by_code = {
        each for found in codes(obj(item.resource, "code")) for each in known.get(found, ())
    }
    if by_code:
        return by_code
    said = names(item)
    return {each for word, each in record.once(_by_word) if word in said}


def _by_code(record: Record) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for each in record.tables.screenings:
        for known in each.codes:
            found.setdefault(known, []).append(each.name)
    return found


def _by_word(record: Record) -> list[tuple[str, str]]:
    return [(word, each.name) for each in record.tables.screenings for word in each.words]


def missing(record: Record) -> tuple[Screening, ...]:
    """Return the screenings that no entry may be of and that would be looked for in this patient.

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
        and not _may_be_there(record, each)
    )


def _may_be_there(record: Record, screening: Screening) -> bool:
    """Return whether any entry, whatever its status, names a screening or what stands in its way."""
    return any(
        mentions(record, item, screening.maybe)
        or not screening.codes.isdisjoint(codes(obj(item.resource, "code")))
        for item in record.of(*ANYWHERE)
    )
