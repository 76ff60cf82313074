"""Needs attention: what no brief may leave out, whatever else it chooses. The order is the clinical one."""

from collections.abc import Iterable, Iterator

from cds_service.brief.facts import (
    allergies,
    medicine_changes,
    medicine_conflicts,
    medicines,
    observations,
    problems,
)
from cds_service.brief.facts.answers import answers_of_danger
from cds_service.brief.facts.orders import is_referral, overdue, turned_down
from cds_service.brief.facts.purpose import is_of_visit
from cds_service.brief.record import Item, Record
from cds_service.brief.sections.common import gathered, grouped
from cds_service.domain.brief import Flag, Kind, Statement
from cds_service.fhir.elements import codes, has_code, obj


def statements(record: Record) -> Iterator[Statement]:
    """Yield what must be read: critical results and conflicts first, lists of names last."""
    yield from _critical(record)
    yield from dangers(record)
    yield from _conflicts(record)
    for item in record.once(allergies.allergies):
        if allergies.is_severe(item):
            yield allergies.statement(item)
    yield from _waiting(record)
    yield from _drug_changes(record)
    for item in active_flags(record):
        yield Statement(kind="flag", refs=(item.ref,), flags=("must_show",))
    yield from record.once(pregnancy)
    yield from _other_conflicts(record)
    alerts = [
        [item.ref for item in medicine.items]
        for medicine in record.once(medicines.medicines)
        if medicine.alerts
    ]
    yield from grouped(record, "medication", alerts, "must_show", "high_alert")


def _waiting(record: Record) -> Iterator[Statement]:
    """Yield orders and referrals that wait: those that were turned down, with the task, then the visit's own."""
    waiting = sorted(
        record.once(overdue),
        key=lambda item: (not turned_down(record, item), not is_of_visit(record, item)),
    )
    for are_referrals in (False, True):
        refs = [
            [item.ref, *(each.ref for each in turned_down(record, item))]
            for item in waiting
            if is_referral(record, item) is are_referrals
        ]
        yield from gathered(record, "order_open", refs, "must_show")


def _drug_changes(record: Record) -> Iterator[Statement]:
    """Yield every new, changed and stopped order since the last visit on one line."""
    known = [each.refs for each in record.once(medicine_changes.changes) if each.word != "renewed"]
    yield from gathered(record, "medication_change", known, "must_show")


def active_flags(record: Record) -> list[Item]:
    """Return the flags that stand: active, or of no status, and not past their end."""
    kept = []
    for item in record.of("Flag"):
        end = record.moment(obj(item.resource, "period").get("end"))
        if item.status in {"active", ""} and (end is None or record.days_ago(end) <= 0):
            kept.append(item)
    return kept


def _critical(record: Record) -> Iterator[Statement]:
    """Yield series whose newest value is critical, then those that held a critical value since the last visit."""
    former = []
    for each in record.once(observations.series):
        kind: Kind = "vital" if each.section == "vitals" else "result"
        if each.level == "critical":
            when = each.items[0].when
            if when is None or record.days_ago(when) <= record.tables.days["results"]:
                yield observations.statement(record, each, kind, "must_show", "critical")
        elif _was_critical(record, each):
            flags: tuple[Flag, ...] = ("must_show", "critical", "changed")
            former.append(observations.statement(record, each, kind, *flags))
    yield from former


def _was_critical(record: Record, each: observations.Series) -> bool:
    """Return whether a value that is told beside the newest was critical and came after the last visit."""
    return any(
        observations.is_new(record, item) and observations.level(record, item) == "critical"
        for item in each.items[1 : 1 + record.tables.count["earlier"]]
    )


def dangers(record: Record) -> Iterator[Statement]:
    """Yield what of late tells of suicide, self-harm, abuse or violence: entries, then answers by name alone."""
    for problem in problems.dangers(record):
        yield problems.statement(record, problem, "must_show", "acute")
    answers = [(item.ref,) for item in record.once(answers_of_danger)]
    yield from gathered(record, "observation", answers, "must_show", "acute")


def _conflicts(record: Record) -> Iterator[Statement]:
    """Yield what does not agree on medicines: allergies first, then high-alert medicines, then the rest."""
    for items in record.once(allergies.against_medicines):
        severe: tuple[Flag, ...] = ("severe",) if allergies.is_severe(items[0]) else ()
        if severe or not allergies.is_intolerance(items[0]):
            yield _conflict(record, items, "allergen", *severe)
    found = [
        _conflict(record, items, "stopped") for items in medicine_conflicts.contradictions(record)
    ]
    found += [
        _conflict(record, items, "doubled")
        for items in record.once(medicine_conflicts.doubles)
        if not medicine_conflicts.is_regimen(record, items)
    ]
    yield from sorted(found, key=lambda each: "high_alert" not in each.flags)


def _other_conflicts(record: Record) -> Iterator[Statement]:
    """Yield what does not agree and is of no medicine; then what is worth a look and of less weight."""
    for items in (*record.once(allergies.denials), *problems.both_ways(record)):
        yield _conflict(record, items)
    for items in record.once(allergies.against_medicines):
        if allergies.is_intolerance(items[0]) and not allergies.is_severe(items[0]):
            yield _plain_conflict(items)
    for items in record.once(medicine_conflicts.doubles):
        if medicine_conflicts.is_regimen(record, items):
            yield _plain_conflict(items)


def _plain_conflict(items: Iterable[Item], *more: Flag) -> Statement:
    refs = tuple(item.ref for item in items)
    return Statement(kind="conflict", refs=refs, flags=("must_show", "conflict", *more))


def _conflict(record: Record, items: tuple[Item, ...], *more: Flag) -> Statement:
    drugs = (item for item in items if item.type in {medicines.ORDER, medicines.REPORT})
    alert: tuple[Flag, ...] = ()
    if any(medicines.alerts_of(record, item) for item in drugs):
        alert = ("high_alert",)
    return _plain_conflict(items, *more, *alert)


def pregnancy(record: Record) -> tuple[Statement, ...]:
    """Return a pregnancy: on the problem list, or as a recent status or due date."""
    return (*_pregnancies(record), *_statuses(record))


def _pregnancies(record: Record) -> Iterator[Statement]:
    """Yield a pregnancy that may be of today: its newest date is no older than one lasts, or there is none."""
    for problem in record.once(problems.problems):
        if problem.place != "remission" and problems.is_pregnancy(record, problem.items[0]):
            newest = max(problems.dates(record, problem), default=None)
            if newest is None or record.days_ago(newest) <= record.tables.days["pregnancy"]:
                yield problems.statement(record, problem, "must_show")


def _statuses(record: Record) -> Iterator[Statement]:
    terms, oldest = record.tables.terms["pregnancy"], record.tables.days["pregnancy"]
    status_codes, due_date_codes = set(terms["status_codes"]), set(terms["due_date_codes"])
    for each in record.once(observations.series):
        newest = each.items[0]
        if newest.when is None or record.days_ago(newest.when) > oldest:
            continue
        known = codes(obj(newest.resource, "code"))
        answer = obj(newest.resource, "valueCodeableConcept")
        asked = not status_codes.isdisjoint(known)
        pregnant = asked and has_code(answer, *terms["pregnant_values"])
        if pregnant or not due_date_codes.isdisjoint(known):
            yield Statement(kind="observation", refs=(newest.ref,), flags=("must_show",))
