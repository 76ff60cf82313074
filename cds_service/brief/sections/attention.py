"""Needs attention: what no brief may leave out, whatever else it chooses."""

from collections.abc import Iterator

from cds_service.brief.facts import allergies, medicines, observations, problems
from cds_service.brief.facts.visits import is_since_last_visit
from cds_service.brief.record import Item, Record
from cds_service.brief.tables import COUNT, DAYS, TERMS
from cds_service.domain.brief import Flag, Kind, Statement
from cds_service.fhir.elements import codings, has_code, obj

_LOOKED_AT = COUNT["earlier"]
_CONFLICT: tuple[Flag, ...] = ("must_show", "conflict")


def statements(record: Record) -> Iterator[Statement]:
    """Yield critical results, conflicts, severe allergies, flags, pregnancy, and high-alert medicines."""
    yield from _critical(record)
    yield from _conflicts(record)
    for item in record.once(allergies.allergies):
        if allergies.is_severe(item):
            yield allergies.statement(item)
    for item in active_flags(record):
        yield Statement(kind="flag", refs=(item.ref,), flags=("must_show",))
    yield from _pregnancy(record)
    for medicine in record.once(medicines.medicines):
        if medicine.alerts:
            yield medicines.statement(record, medicine)


def active_flags(record: Record) -> list[Item]:
    """Return the flags that stand: active, or of no status, and not past their end."""
    kept = []
    for item in record.of("Flag"):
        end = record.moment(obj(item.resource, "period").get("end"))
        if item.status in {"active", ""} and (end is None or record.days_ago(end) <= 0):
            kept.append(item)
    return kept


def _critical(record: Record) -> Iterator[Statement]:
    """Yield series whose newest value is critical, or that held a critical value since the last visit."""
    for each in record.once(observations.series):
        newest, *earlier = each.items
        recent = newest.when is None or record.days_ago(newest.when) <= DAYS["results"]
        unseen = any(
            is_since_last_visit(record, item) and observations.level(item.resource) == "critical"
            for item in earlier[:_LOOKED_AT]
        )
        if (recent and each.level == "critical") or unseen:
            kind: Kind = "vital" if each.section == "vitals" else "result"
            yield observations.statement(record, each, kind, "must_show", "critical")


def _conflicts(record: Record) -> Iterator[Statement]:
    groups = (
        allergies.against_medicines(record),
        allergies.denials(record),
        medicines.doubles(record),
        medicines.contradictions(record),
        problems.both_ways(record),
    )
    for group in groups:
        for items in group:
            refs = tuple(item.ref for item in items)
            yield Statement(kind="conflict", refs=refs, flags=_CONFLICT)


def _pregnancy(record: Record) -> Iterator[Statement]:
    terms = TERMS["pregnancy"]
    for problem in record.once(problems.problems):
        if problem.place != "remission" and problems.is_pregnancy(problem.items[0]):
            yield problems.statement(record, problem, "must_show")
    for each in record.once(observations.series):
        newest = each.items[0]
        if newest.when is None or record.days_ago(newest.when) > DAYS["pregnancy"]:
            continue
        known = {value for _, value in codings(obj(newest.resource, "code"))}
        answer = obj(newest.resource, "valueCodeableConcept")
        pregnant = known & set(terms["status_codes"]) and has_code(
            answer, *terms["pregnant_values"]
        )
        if pregnant or known & set(terms["due_date_codes"]):
            yield Statement(kind="observation", refs=(newest.ref,), flags=("must_show",))
