"""Prevention: what the record holds of vaccines and screening. It never says that anything is due."""

from collections.abc import Iterator

from cds_service.brief.facts import observations, problems, screenings
from cds_service.brief.facts.conditions import is_coded
from cds_service.brief.facts.purpose import newest_of
from cds_service.brief.facts.vaccines import INFLUENZA, not_given, vaccines
from cds_service.brief.record import Item, Record
from cds_service.brief.sections.common import absence, grouped
from cds_service.domain.brief import Flag, Statement


def statements(record: Record) -> Iterator[Statement]:
    """Yield influenza first, other vaccines, screening found, and an old HbA1c beside diabetes."""
    yield from _vaccines(record)
    yield from _screenings(record)
    yield from _diabetes(record)


def _vaccines(record: Record) -> Iterator[Statement]:
    given = dict(record.once(vaccines))
    flu = given.pop(INFLUENZA, [])
    if flu:
        dated = all(item.when for item in flu)  # one of unknown date may be of this season
        stale = dated and _proven(record) and _is_old(record, flu[0])
        flags: tuple[Flag, ...] = ("stale",) if stale else ()
        yield Statement(kind="immunization", refs=tuple(i.ref for i in flu), flags=flags)
    yield from grouped(record, "immunization", [[i.ref for i in each] for each in given.values()])
    refused = [item.ref for item in record.once(not_given)]
    yield from grouped(record, "immunization", refused)
    if not flu and not given and not refused:
        yield from absence(record, "immunizations")


def _proven(record: Record) -> bool:
    return record.proves_absence(("immunizations",)) or record.is_bundle(("immunizations",))


def _is_old(record: Record, item: Item) -> bool:
    return (
        item.when is not None
        and record.days_ago(item.when) > record.tables.days["immunization_season"]
    )


def _screenings(record: Record) -> Iterator[Statement]:
    """Yield the newest of each screening found, and on one line those that are nowhere in the record."""
    for item in dict.fromkeys(record.once(screenings.newest).values()):
        yield _screening(record, item)
    if record.once(screenings.missing):
        yield Statement(kind="not_found", refs=(), needs=screenings.SEARCHED)


def _screening(record: Record, item: Item) -> Statement:
    """Return the statement of a screening: of a result with those before it."""
    if item.type != "Observation":
        return Statement(kind="procedure", refs=(item.ref,))
    held = next(each for each in record.once(observations.series) if each.items[0] is item)
    return observations.statement(record, held)


def _diabetes(record: Record) -> Iterator[Statement]:
    """Yield an HbA1c that is older than its window, where diabetes is active."""
    terms = record.tables.terms["diabetes"]
    known, prefixes = frozenset(terms["snomed"]), tuple(terms["icd10_prefixes"])
    listed = (each.entries[0].codes for each in record.once(problems.problems))
    if not any(is_coded(each, known, prefixes) for each in listed):
        return
    newest = newest_of(record, "HbA1c")
    if newest and observations.is_stale(record, newest):
        yield observations.statement(record, newest)
