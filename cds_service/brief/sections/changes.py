"""Changes since the last visit: emergencies and stays, medicines, problems, allergies, results."""

from collections.abc import Iterator

from cds_service.brief.facts import allergies, medicines, observations, problems
from cds_service.brief.facts.visits import is_since_last_visit, last_visit, setting
from cds_service.brief.record import Record
from cds_service.domain.brief import Statement


def statements(record: Record) -> Iterator[Statement]:
    """Yield what is dated after the day of the last visit; nothing where no visit is known."""
    if record.once(last_visit) is None:
        return
    yield from _events(record)
    yield from medicines.changes(record)
    yield from _summary(record)
    for each in record.once(observations.series):
        newest = each.items[0]
        out = each.level in {"abnormal", "critical"}
        if out and each.section == "results" and is_since_last_visit(record, newest):
            yield observations.statement(record, each)


def _events(record: Record) -> Iterator[Statement]:
    """Yield emergencies, stays and procedures."""
    for item in record.of("Encounter"):
        if setting(item) and is_since_last_visit(record, item) and item.status != "cancelled":
            yield Statement(kind="encounter", refs=(item.ref,), flags=("new",))
    for item in record.of("Procedure"):
        if item.status in {"completed", ""} and is_since_last_visit(record, item):
            yield Statement(kind="procedure", refs=(item.ref,), flags=("new",))


def _summary(record: Record) -> Iterator[Statement]:
    """Yield new problems and allergies."""
    for problem in record.once(problems.problems):
        if problem.place != "remission" and problems.is_new(record, problem.items[0]):
            yield problems.statement(record, problem)
    for item in record.once(allergies.allergies):
        if is_since_last_visit(record, item):
            yield allergies.statement(item)
