"""Changes since the last visit: visits elsewhere, reports, medicines, problems, allergies, results."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import timedelta
from decimal import Decimal

from cds_service.brief.facts import allergies, medicine_changes, observations, problems, reports
from cds_service.brief.facts.panels import in_panels
from cds_service.brief.facts.purpose import is_wanted
from cds_service.brief.facts.ranges import far_out
from cds_service.brief.facts.readings import reading
from cds_service.brief.facts.visits import (
    NEVER_TOOK_PLACE,
    is_after_last_visit,
    is_contact,
    is_first_visit,
    is_hospice,
    is_since_last_visit,
    last_visit,
    released,
    setting,
    until,
)
from cds_service.brief.record import Item, Record
from cds_service.brief.sections.common import grouped
from cds_service.domain.brief import Flag, Statement
from cds_service.fhir.dates import Moment

_ABOUT_AS_NEW = timedelta(days=1)
_UNMEASURED = Decimal("0.25")
"""Widths of its range that a result counts as outside where nothing tells how far: in words, or without a range."""
_OF_ALL: frozenset[Flag] = frozenset({"abnormal", "new"})
"""Flags of results that stand on a line that they share, too."""


def title(record: Record) -> str:
    """Return what the section is called: of a patient who was never seen here it tells a fixed time."""
    if not is_first_visit(record):
        return "Changes since the last visit"
    return f"Last {record.tables.days['first_visit']} days (no earlier visit was found)"


def statements(record: Record) -> Iterator[Statement]:
    """Yield what came after the last visit; where none was found, what is out of the ordinary of late.

    Nothing where encounters were not all read: whether there was a visit is not known then.
    """
    if is_first_visit(record):
        yield from _of_late(record)
    if record.once(last_visit) is None:
        return
    visits, contacts = _encounters(record)
    yield from visits
    for item in record.of("Procedure"):
        if item.status in {"completed", ""} and is_since_last_visit(record, item):
            yield Statement(kind="procedure", refs=(item.ref,), flags=("new",))
    yield from _reports(record, lambda item: reports.is_new(record, item))
    for change in record.once(medicine_changes.changes):
        yield change.statement()
    unknown = [item.ref for item in record.once(medicine_changes.stopped_unknown_when)]
    yield from grouped(record, "medication_change", unknown, "stopped", "undated")
    yield from _summary(record)
    yield from _results(record, lambda each: each.is_new)
    yield from _unremarkable(record)
    yield from contacts


def _of_late(record: Record) -> Iterator[Statement]:
    """Yield emergencies, stays, reports and results out of range or in words of a fixed time; nothing is called new."""

    def is_late(when: Moment | None) -> bool:
        return when is not None and record.days_ago(when) <= record.tables.days["first_visit"]

    for item in record.of("Encounter"):
        if _is_care(record, item) and _took_place(record, item) and is_late(until(record, item)):
            yield Statement(kind="encounter", refs=(item.ref,), flags=_weight(record, item))
    yield from _reports(record, lambda item: is_late(released(record, item)))
    yield from _results(record, lambda each: is_late(released(record, each.items[0])))
    worded, named = _of_no_mark(record, lambda each: is_late(released(record, each.items[0])))
    yield from _together(record, worded)
    for each, then in _were_out(record, named):
        yield Statement(kind="result", refs=(each.items[0].ref, then.ref), flags=("changed",))


def _reports(record: Record, is_told: Callable[[Item], bool]) -> Iterator[Statement]:
    """Yield the reports that are to be told, those that plainly say nothing out of the ordinary last."""
    found = [item for item in record.once(reports.reports) if is_told(item)]
    for item in reports.by_weight(record, found):
        yield reports.statement(record, item)


def _encounters(record: Record) -> tuple[list[Statement], list[Statement]]:
    """Return emergencies, stays and the care of a hospice, then the other finished visits; and contacts apart."""
    seen = [
        item
        for item in record.of("Encounter")
        if is_after_last_visit(record, _told_by(record, item)) and _took_place(record, item)
    ]
    visits: list[Statement] = []
    contacts: list[Statement] = []
    for item in sorted(seen, key=lambda item: not _is_care(record, item)):
        is_care = _is_care(record, item)
        weight = _weight(record, item) if is_care else ()
        place = contacts if not is_care and is_contact(record, item) else visits
        place.append(Statement(kind="encounter", refs=(item.ref,), flags=("new", *weight)))
    return visits, contacts


def _weight(record: Record, item: Item) -> tuple[Flag, ...]:
    """Return that a line must be shown, and may stand above the fold unless the stay does that an emergency became."""
    over = until(record, item)
    if setting(record, item) == "emergency" and over and over.at in record.once(_admissions):
        return ("must_show",)
    return ("must_show", "acute")


def _admissions(record: Record) -> frozenset[float]:
    """Return when stays began, to the minute: a day alone does not tell that one followed the other."""
    return frozenset(
        item.when.at
        for item in record.of("Encounter")
        if setting(record, item) in {"inpatient", "observation"}
        and _took_place(record, item)
        and item.when
        and item.when.shown != item.when.day
    )


def _is_care(record: Record, item: Item) -> bool:
    """Return whether an encounter is an emergency, a stay or the care of a hospice."""
    return bool(setting(record, item)) or is_hospice(record, item)


def _told_by(record: Record, item: Item) -> Moment | None:
    """Return what makes an encounter new: the end of an emergency, a stay or a hospice's care; the start of others."""
    return until(record, item) if _is_care(record, item) else item.when


def _took_place(record: Record, item: Item) -> bool:
    """Return whether an encounter is over, or an emergency, a stay or such care that is not; never this visit."""
    if item.ref == f"Encounter/{record.context.encounter}":
        return False
    return item.status == "finished" or (
        _is_care(record, item) and item.status not in NEVER_TOOK_PLACE
    )


def _summary(record: Record) -> Iterator[Statement]:
    """Yield new problems and allergies."""
    for problem in record.once(problems.problems):
        if problem.place != "remission" and problem.is_new:
            yield problems.statement(problem)
    for item in record.once(allergies.allergies):
        if is_since_last_visit(record, item):
            yield allergies.statement(item)


def _results(
    record: Record, is_told: Callable[[observations.Series], bool]
) -> Iterator[Statement]:
    """Yield results out of range that are to be told: those of the reason of the visit, then the farthest out."""
    found = [
        each
        for each in record.once(observations.series)
        if each.section == "results" and each.level in {"abnormal", "critical"} and is_told(each)
    ]
    told = {each.group.name: each.items[0] for each in found if each.group}
    found = [each for each in found if not _is_told_by(each, told)]
    found.sort(key=lambda each: each.items[0].when or record.now, reverse=True)
    yield from _together(record, sorted(found, key=lambda each: _harm(record, each)))


def _harm(record: Record, each: observations.Series) -> tuple[bool, bool, int, Decimal]:
    """Return what new results out of range are ordered by: a panel of one time says nothing of which matters.

    What is critical goes before the rest, the newer fortnight before the older, and within it the farthest out.
    """
    newest = each.items[0]
    days = record.days_ago(newest.when) if newest.when else 0
    far = _distance(newest)
    fortnight = max(days, 0) // record.tables.days["as_one"]
    return not is_wanted(record, each), each.level != "critical", fortnight, -far


def _together(record: Record, found: Sequence[observations.Series]) -> Iterator[Statement]:
    """Yield results one by one, but those in words of one panel on one line."""
    for parts in in_panels(record, found):
        told = [observations.statement(record, each) for each in parts]
        if len(told) == 1:
            yield from told
            continue
        flags = dict.fromkeys(each for one in told for each in one.flags if each in _OF_ALL)
        refs = [one.refs[0] for one in told]
        yield from grouped(record, "result", refs, *dict.fromkeys(("worded", *flags)))


def _is_told_by(each: observations.Series, told: Mapping[str, Item]) -> bool:
    """Return whether the test that says the same is told, and about as new: an older value of it hides nothing."""
    other = told.get(each.group.beside) if each.group else None
    mine = each.items[0].when
    if other is None or mine is None:
        return other is not None
    return other.when is not None and mine.date - other.when.date <= _ABOUT_AS_NEW


def _unremarkable(record: Record) -> Iterator[Statement]:
    """Yield the results of the same time that nothing marks as out of range: those in words told, others by name."""
    worded, named = _of_no_mark(record, lambda each: each.is_new)
    yield from _together(record, worded)
    former = _were_out(record, named)
    for each, then in former:
        yield Statement(
            kind="result", refs=(each.items[0].ref, then.ref), flags=("changed", "new")
        )
    told = {each for each, _ in former}
    yield from grouped(
        record, "result", [each.items[0].ref for each in named if each not in told], "new"
    )


def _were_out(
    record: Record, found: Sequence[observations.Series]
) -> list[tuple[observations.Series, Item]]:
    """Return the few results that were farthest out of range of late and are not now, with that value.

    One that was critical is told under "Needs attention".
    """
    former = [
        (each, then)
        for each in found
        if len(each.items) > 1 and (then := _farthest_out(record, each))
    ]
    former.sort(key=lambda pair: -_distance(pair[1]))
    return former[: record.tables.count["were_out"]]


def _farthest_out(record: Record, each: observations.Series) -> Item | None:
    out = observations.former(record, each, {"critical", "abnormal"})
    if any(reading(record, item).level == "critical" for item in out):
        return None
    return max(out, key=_distance, default=None)


def _distance(item: Item) -> Decimal:
    return far_out(item.resource) or _UNMEASURED


_Told = list[observations.Series]


def _of_no_mark(
    record: Record, is_told: Callable[[observations.Series], bool]
) -> tuple[_Told, _Told]:
    """Return results that are to be told and that nothing marks as out of range, newest first: in words, and others.

    Of what is not final the words alone, and what a final value stands behind.
    """
    worded, named = [], []
    for each in _unmarked(record, is_told):
        if observations.is_in_words(record, each):
            worded.append(each)
        elif each.aside != "preliminary" or each.items[-1].status != "preliminary":
            named.append(each)
    return worded, named


def _unmarked(record: Record, is_told: Callable[[observations.Series], bool]) -> _Told:
    """Return results that are to be told and that nothing marks as out of range, newest first."""
    found = [
        each
        for each in record.once(observations.series)
        if each.section == "results"
        and each.level in {"marked", "normal", ""}
        and each.aside in {"", "undated", "preliminary"}
        and observations.is_told(each.items[0].resource)
        and is_told(each)
    ]
    return sorted(found, key=lambda each: each.items[0].when or record.now, reverse=True)
