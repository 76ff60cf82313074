"""Prevention: what the record holds of vaccines and screening. It never says that anything is due."""

from collections.abc import Iterator

from cds_service.brief.facts import observations, problems
from cds_service.brief.facts.visits import names
from cds_service.brief.record import Item, Record
from cds_service.brief.sections.common import absence
from cds_service.domain.brief import Flag, Statement
from cds_service.fhir.elements import codings, name, obj

_DONE = frozenset({"completed", "final", "amended", "corrected", "appended"})


def statements(record: Record) -> Iterator[Statement]:
    """Yield influenza first, other vaccines, screening found, and an old HbA1c beside diabetes."""
    yield from _vaccines(record)
    for ref in _screenings(record):
        yield Statement(kind="procedure", refs=(ref,))
    yield from _diabetes(record)


def _vaccines(record: Record) -> Iterator[Statement]:
    given: dict[str, list[Item]] = {}
    for item in record.of("Immunization"):
        if item.status in {"completed", ""}:
            given.setdefault(_vaccine(record, item), []).append(item)
    for vaccine in sorted(given, key=lambda each: (each != "influenza", each)):
        items = given[vaccine]
        dated = all(item.when for item in items)  # one of unknown date may be of this season
        stale = vaccine == "influenza" and dated and _proven(record) and _is_old(record, items[0])
        flags: tuple[Flag, ...] = ("stale",) if stale else ()
        yield Statement(kind="immunization", refs=tuple(i.ref for i in items), flags=flags)
    if not given:
        yield from absence(record, "immunizations")


def _proven(record: Record) -> bool:
    return record.proves_absence(("immunizations",)) or record.is_bundle(("immunizations",))


def _is_old(record: Record, item: Item) -> bool:
    return (
        item.when is not None
        and record.days_ago(item.when) > record.tables.days["immunization_season"]
    )


def _vaccine(record: Record, item: Item) -> str:
    """Return what doses of one vaccine share: influenza as one, else its code, else its name."""
    terms = record.tables.terms["influenza"]
    said = names(item)
    if any(word in said for word in terms["words"]) and not any(
        w in said for w in terms["not_words"]
    ):
        return "influenza"
    concept = obj(item.resource, "vaccineCode")
    coded = next((each for _, each in codings(concept)), "")
    return name(concept).casefold() or coded or item.ref


def _screenings(record: Record) -> Iterator[str]:
    """Yield the newest procedure or report of each screening that took place, by code, else by its words."""
    newest: dict[str, str] = {}
    for item in record.of("Procedure", "DiagnosticReport"):
        if item.status in _DONE:
            for each in _screened(record, item):
                newest.setdefault(each, item.ref)
    yield from dict.fromkeys(
        newest[each.name] for each in record.tables.screenings if each.name in newest
    )


def _screened(record: Record, item: Item) -> list[str]:
    known = {each for _, each in codings(obj(item.resource, "code"))}
    looked_for = record.tables.screenings
    by_code = [each.name for each in looked_for if not known.isdisjoint(each.codes)]
    if by_code:
        return by_code
    said = names(item)
    return [each.name for each in looked_for if any(word in said for word in each.words)]


def _diabetes(record: Record) -> Iterator[Statement]:
    """Yield an HbA1c that is older than its window, where diabetes is active."""
    if not any(_is_diabetes(record, each.items[0]) for each in record.once(problems.problems)):
        return
    for each in record.once(observations.series):
        newest = each.items[0].when
        is_a1c = each.group is not None and each.group.name == "HbA1c"
        if is_a1c and newest and record.days_ago(newest) > observations.stale_days(record, each):
            yield observations.statement(record, each)


def _is_diabetes(record: Record, item: Item) -> bool:
    terms = record.tables.terms["diabetes"]
    known = {each for _, each in codings(obj(item.resource, "code"))}
    prefixes = tuple(terms["icd10_prefixes"])
    return bool(known & set(terms["snomed"])) or any(each.startswith(prefixes) for each in known)
