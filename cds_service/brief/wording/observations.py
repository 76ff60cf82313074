"""Results and vital signs in words: value, unit, flag, range, date, earlier values, trend."""

from decimal import Decimal

from cds_service.brief.facts.observations import (
    group_of,
)
from cds_service.brief.facts.purpose import day_of_visit
from cds_service.brief.record import Item, Record
from cds_service.brief.wording.trends import earlier_values, trend
from cds_service.brief.wording.values import aside, pressure, shown_unit, status, value_of
from cds_service.brief.wording.words import day, joined, named, stamp
from cds_service.domain.brief import Statement
from cds_service.domain.json import JsonObject
from cds_service.domain.tables import Group
from cds_service.fhir.elements import obj, objs, text

Number = int | Decimal


def result(statement: Statement, record: Record, items: list[Item]) -> str:
    """Write a series: the newest value first, whatever order its references came in."""
    newest, earlier = items[0], items[1:]
    group = group_of(record, newest.resource)
    if "grouped" in statement.flags:
        return grouped(record, items, _head(statement, record))
    name_ = title(record, newest.resource)
    shown = value_of(newest.resource)
    unit_ = shown_unit(obj(newest.resource, "valueQuantity"))
    if unit_ and f" {name_}".casefold().endswith(f" {unit_.casefold()}"):
        shown = shown.removesuffix(f" {unit_}")  # INR 3.6 INR, PHQ-9 score 11 score
    said = joined((shown, aside(newest.resource)), " ")
    when = stamp(newest)
    ahead = newest.when is not None and record.is_future(newest.when)
    parts = [
        f"{name_}{_glue(newest.resource)}{said or 'no value recorded'}, {when}",
        "dated in the future" if ahead else "",
        status(newest),
        _old(record, newest, group),
        earlier_values(newest, earlier),
        trend(record, newest, earlier, group),
    ]
    return joined(parts, "; ")


def _head(statement: Statement, record: Record) -> str:
    if statement.kind == "observation":
        return "Answers on file"
    if "stale" not in statement.flags:
        return "New and not marked out of range"
    if "for_visit" not in statement.flags:
        return "Older"
    ahead = day_of_visit(record) > record.today
    return f"Old {'by the day' if ahead else 'for the reason'} of this visit"


def observation(statement: Statement, record: Record, items: list[Item]) -> str:
    """Write a single observation, as of social history."""
    return result(statement, record, items if "grouped" in statement.flags else items[:1])


def grouped(record: Record, items: list[Item], head: str) -> str:
    """Write several results by name and date alone."""
    listed = joined(
        f"{title(record, each.resource)} ({day(each.when) or 'undated'})" for each in items
    )
    return f"{head}, by date of the newest value: {listed}"


def _glue(resource: JsonObject) -> str:
    return " " if "valueQuantity" in resource or pressure(resource) else ": "


def title(record: Record, resource: JsonObject) -> str:
    """Return the name of an Observation: the site's own words, else our short name, else its display."""
    concept = obj(resource, "code")
    own = text(concept, "text")
    displays = {text(coding, "display") for coding in objs(concept, "coding")}
    group = group_of(record, resource) if not own or own in displays else None
    words = group.name if group else named(concept, "Unnamed observation")
    return f"{words} (not of the patient, but of its focus)" if "focus" in resource else words


def _old(record: Record, newest: Item, group: Group | None) -> str:
    """Say that a value is old; the limit is the group's own or the common one."""
    own = group.stale_days if group else None
    if newest.when is None or record.days_ago(newest.when) <= (
        own or record.tables.days["result_stale"]
    ):
        return ""
    return f"over {own} days old" if own else "over a year old"
