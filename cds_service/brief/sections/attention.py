"""Needs attention: what no brief may leave out, whatever else it chooses. The order is the clinical one."""

from collections.abc import Iterable, Iterator

from cds_service.brief.facts import (
    allergies,
    code_status,
    medicine_changes,
    medicine_conflicts,
    medicine_entries,
    medicines,
    observations,
    pregnancies,
    problems,
    reports,
)
from cds_service.brief.facts.answers import answers_of_danger
from cds_service.brief.facts.order_kinds import is_referral
from cds_service.brief.facts.orders import overdue, turned_down
from cds_service.brief.facts.purpose import is_of_visit
from cds_service.brief.record import Item, Record
from cds_service.brief.sections.common import gathered, grouped
from cds_service.domain.brief import Flag, Kind, Statement


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
    for item in filter(lambda item: code_status.is_in_force(record, item), record.of("Flag")):
        yield Statement(kind="flag", refs=(item.ref,), flags=("must_show",))
    of_pregnancy = record.once(pregnancy)
    yield from (each for each in of_pregnancy if each.kind != "conflict")
    yield from _other_conflicts(record)
    yield from (each for each in of_pregnancy if each.kind == "conflict")
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


def _critical(record: Record) -> Iterator[Statement]:
    """Yield series whose newest value is critical, reports that say so, then series that held such a value of late."""
    former = []
    for each in record.once(observations.series):
        if each.level == "critical":
            when = each.items[0].when
            if when is None or record.days_ago(when) <= record.tables.days["results"]:
                yield observations.statement(record, each, _kind(each), "must_show", "critical")
        elif len(each.items) > 1 and (found := observations.former(record, each, {"critical"})):
            former.append((each, found[0]))
    for item in reports.critical(record):
        yield reports.statement_of_critical(record, item)
    for each, then in former:
        flags: tuple[Flag, ...] = ("must_show", "critical", "changed")
        yield observations.statement_of_former(record, each, then, _kind(each), *flags)


def _kind(each: observations.Series) -> Kind:
    return "vital" if each.section == "vitals" else "result"


def dangers(record: Record) -> Iterator[Statement]:
    """Yield what of late tells of suicide, self-harm, abuse or violence: entries, then answers by name alone."""
    for problem in problems.dangers(record):
        yield problems.statement(problem, "must_show", "acute")
    answers = [(item.ref,) for item in record.once(answers_of_danger)]
    yield from gathered(record, "observation", answers, "must_show", "acute")


def _conflicts(record: Record) -> Iterator[Statement]:
    """Yield what does not agree on medicines: allergies first, then high-alert medicines, then the rest."""
    for met in record.once(allergies.against_medicines):
        worst = met.allergies[0]
        severe: tuple[Flag, ...] = ("severe",) if allergies.is_severe(worst) else ()
        if severe or not allergies.is_intolerance(worst):
            yield _conflict((*met.allergies, met.medicine), "allergen", *severe)
    denied = record.once(medicine_conflicts.contradictions)
    found = [_conflict(items, "stopped") for items in denied]
    found += [
        _plain_conflict(items, "doubled", *_alert(medicine_conflicts.alerts_in_common(items)))
        for items in record.once(medicine_conflicts.unplanned)
    ]
    yield from sorted(found, key=lambda each: "high_alert" not in each.flags)


def _other_conflicts(record: Record) -> Iterator[Statement]:
    """Yield what does not agree and is of no medicine; then what is worth a look and of less weight."""
    if record.once(code_status.disagreement):
        yield _plain_conflict(record.once(code_status.disagreement))
    for items in (*record.once(allergies.denials), *problems.both_ways(record)):
        yield _conflict(items)
    for met in record.once(allergies.against_medicines):
        worst = met.allergies[0]
        if allergies.is_intolerance(worst) and not allergies.is_severe(worst):
            yield _plain_conflict((*met.allergies, met.medicine))
    for items in record.once(medicine_conflicts.regimens):
        yield _plain_conflict(items)


def _plain_conflict(items: Iterable[Item], *more: Flag) -> Statement:
    refs = tuple(item.ref for item in items)
    return Statement(kind="conflict", refs=refs, flags=("must_show", "conflict", *more))


def _conflict(items: tuple[Item, ...], *more: Flag) -> Statement:
    drugs = (item for item in items if isinstance(item, medicine_entries.Entry))
    return _plain_conflict(items, *more, *_alert(any(each.alerts for each in drugs)))


def _alert(told: object) -> tuple[Flag, ...]:
    return ("high_alert",) if told else ()


def pregnancy(record: Record) -> tuple[Statement, ...]:
    """Return a pregnancy: on the problem list, or as a recent status or due date; last, on one line, what is over."""
    found = record.once(pregnancies.signs)
    standing = [_pregnancy(each) for each in found if not pregnancies.is_over(record, each)]
    over, end = (
        [each for each in found if pregnancies.is_over(record, each)],
        record.once(pregnancies.end),
    )
    if over and end:
        refs = dict.fromkeys((end.item.ref, *(ref for each in over for ref in each.refs)))
        flags: tuple[Flag, ...] = ("must_show", "conflict", "stale")
        standing.append(Statement(kind="conflict", refs=tuple(refs), flags=flags))
    return tuple(standing)


def _pregnancy(sign: pregnancies.Sign) -> Statement:
    if isinstance(sign.told, problems.Problem):
        return problems.statement(sign.told, "must_show")
    return Statement(kind="observation", refs=sign.refs, flags=("must_show",))
