"""This visit: who comes, why, when they were last seen, and what the booking meets."""

from collections.abc import Iterator

from cds_service.brief.facts.patients import is_deceased, is_marked, patient
from cds_service.brief.facts.purpose import missing_tests, old_tests
from cds_service.brief.facts.visits import (
    booked_ahead,
    is_booked,
    last_visit,
    missed_visits,
    next_appointment,
)
from cds_service.brief.record import Item, Record
from cds_service.brief.sections.common import gathered, grouped
from cds_service.brief.wording.visits import names_of, overlaps
from cds_service.domain.brief import Flag, Statement
from cds_service.domain.json import JsonObject
from cds_service.fhir.elements import code, objs


def statements(record: Record) -> Iterator[Statement]:
    """Yield the patient, the open encounter, the nearest appointment, the last visit, other ones, and clashes."""
    whose = patient(record)
    if whose and is_marked(whose):
        yield Statement(kind="flag", refs=(whose.ref,), flags=("must_show",))
    if whose:
        yield Statement(kind="patient", refs=(whose.ref,))
    current = record.get(f"Encounter/{record.context.encounter}")
    if current and current.status != "finished":
        yield Statement(kind="visit", refs=(current.ref,), flags=("must_show",))
    booked = record.once(next_appointment)
    if booked:
        yield Statement(kind="visit", refs=(booked.ref,), flags=("must_show",))
    seen = record.once(last_visit)
    if seen:
        yield Statement(kind="last_visit", refs=(seen.ref,))
    yield from _other_appointments(record)
    if not (whose and is_deceased(whose)):
        yield from _wanted_tests(record)


def _other_appointments(record: Record) -> Iterator[Statement]:
    """Yield which visits were missed, which are booked after the next one, and what the one being booked meets."""
    yield from grouped(record, "visit", [item.ref for item in missed_visits(record)])
    clashing = list(_clashes(record))
    also = [(item.ref,) for item in booked_ahead(record)[1:] if item not in clashing]
    yield from gathered(record, "visit", also, "new")
    for item in clashing:
        over: tuple[Flag, ...] = ("conflict",) if overlaps(record, item) else ()
        yield Statement(kind="clash", refs=(item.ref,), flags=("must_show", *over))


def _wanted_tests(record: Record) -> Iterator[Statement]:
    """Yield the results that this visit may want and that are old or missing."""
    old = [each.items[0].ref for each in record.once(old_tests)]
    yield from grouped(record, "result", old, "stale", "for_visit")
    if record.once(missing_tests):
        yield Statement(kind="not_found", refs=(), needs=("results",), flags=("for_visit",))


def _clashes(record: Record) -> Iterator[Item]:
    """Yield booked appointments that overlap a proposed one, or are booked ahead for the same reason."""
    drafts = {code(draft, "id") for draft in record.context.proposed} - {""}
    wanted = {reason for draft in record.context.proposed for reason in _reasons(draft)}
    for item in reversed(record.of("Appointment")):
        if is_booked(item) and item.ref.partition("/")[2] not in drafts:
            ahead = item.when is not None and record.days_ago(item.when) <= 0
            if overlaps(record, item) or (ahead and wanted & _reasons(item.resource)):
                yield item


def _reasons(appointment: JsonObject) -> set[str]:
    return names_of(objs(appointment, "reasonCode"))
