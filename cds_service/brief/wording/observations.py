"""Results and vital signs in words: value, unit, flag, range, date, earlier values, trend."""

from collections.abc import Callable

from cds_service.brief.facts.marks import is_only_noted
from cds_service.brief.facts.observations import (
    as_new,
    has_value,
    in_order,
)
from cds_service.brief.facts.purpose import day_of_visit
from cds_service.brief.facts.readings import Reading, group_of, reading
from cds_service.brief.facts.visits import last_visit
from cds_service.brief.record import Item, Record
from cds_service.brief.wording.trends import earlier_values, trend
from cds_service.brief.wording.values import (
    aside,
    pressure,
    status,
    unit_in_words,
    value_of,
    without_unit,
)
from cds_service.brief.wording.words import day, joined, named, note_of, stamp
from cds_service.domain.brief import Statement
from cds_service.domain.json import JsonObject
from cds_service.domain.tables import Group
from cds_service.fhir.elements import displays, obj, text

NOTE_MAX = 200
"""Characters of a laboratory's comment: where the value is "See note" it holds the result."""


def result(statement: Statement, record: Record, items: list[Item]) -> str:
    """Write a series: the newest value first, whatever order its references came in."""
    if "grouped" in statement.flags and "worded" in statement.flags:
        return _in_words(statement, record, [record.items[ref] for ref in statement.refs])
    if "grouped" in statement.flags:
        name_ = _scored if statement.kind == "result" and "new" in statement.flags else title
        return grouped(record, items, _head(statement, record), name_)
    ordered = in_order(record, items)
    newest, *earlier = ordered
    if "changed" in statement.flags:
        word = "critical" if "critical" in statement.flags else "out of range"
        return _was_out(record, newest, earlier, word)
    group, same = group_of(record, newest), as_new(record, ordered)
    before = [each for each in earlier if each not in same] if same else earlier
    ahead = newest.when is not None and record.is_future(newest.when)
    parts = [
        told(record, newest),
        "dated in the future" if ahead else "",
        status(newest),
        _old(record, newest, group),
        _others(record, newest, same),
        _note(statement, newest),
        earlier_values(record, newest, before),
        trend(record, newest, earlier, group),
    ]
    return joined(parts, "; ")


def _was_out(record: Record, newest: Item, earlier: list[Item], word: str) -> str:
    """Write the value that was out first where a later one is not: a heading that begins with that one misleads."""
    level = "critical" if word == "critical" else "abnormal"
    found = [each for each in earlier if reading(record, each).level == level]
    then = found[0] if found else newest
    others = [each for each in earlier if each is not then]
    since = " since the last visit" if record.once(last_visit) else ""
    parts = [
        f"Was {word}{since}: {told(record, then)}",
        status(then),
        note_of(then.resource, NOTE_MAX),
        f"now {_value(record, newest, title(record, newest))}",
        status(newest),
        earlier_values(record, newest, others),
    ]
    return joined(parts, "; ")


def told(record: Record, item: Item) -> str:
    """Write the name of a test, a value and its date."""
    name_ = title(record, item)
    return f"{name_}{_glue(item.resource)}{_value(record, item, name_)}"


def _value(record: Record, item: Item, name_: str) -> str:
    own = reading(record, item)
    shown = _amount(item, own, name_).removesuffix(".")  # a sentence goes on with its date
    said = joined((shown, aside(item.resource, own)), " ")
    if "valueDateTime" in item.resource:  # two dates in a row cannot be told apart
        return f"{said} (recorded {stamp(item)})"
    return f"{said or 'no value recorded'}, {stamp(item)}"


def _amount(item: Item, own: Reading, name_: str) -> str:
    """Return a value without a unit that its name says already: INR 3.6 INR, PHQ-9 score 11 score."""
    shown, unit_ = value_of(item.resource, own), unit_in_words(own.unit)
    is_said = f" {name_}".casefold().endswith(f" {unit_.casefold()}")
    return without_unit(shown, unit_) if is_said else shown


def _others(record: Record, newest: Item, same: list[Item]) -> str:
    """Write values of the newest one's instant, of which nothing tells whether they came before or after it."""
    if not same:
        return ""
    shown = value_of(newest.resource, reading(record, newest))
    told = [(each.resource, reading(record, each)) for each in same]
    unlike = [each for each in told if value_of(*each) != shown]
    others = list(
        dict.fromkeys(
            joined((value_of(*each) or "no value", aside(*each)), " ") for each in unlike
        )
    )
    if not others:
        return ""
    count, rest = ("two", "the other") if len(others) == 1 else ("several", "the others")
    time = "day" if stamp(newest) == day(newest.when) else "time"
    return (
        f"{count} values of this {time}, which is newer is not recorded: {rest} {joined(others)}"
    )


def _note(statement: Statement, item: Item) -> str:
    """Quote what the laboratory wrote beside a value that is out of range, in words, missing, not final or unmarked."""
    if "note" not in item.resource:
        return ""
    telling = not _TELLING.isdisjoint(statement.flags) or is_only_noted(item.resource)
    if telling or item.status not in {"final", ""} or not has_value(item.resource):
        return note_of(item.resource, NOTE_MAX)
    return ""


_TELLING = frozenset({"critical", "abnormal", "worded", "preliminary"})


def _head(statement: Statement, record: Record) -> str:
    if statement.kind == "observation":
        return _DANGER if "acute" in statement.flags else "Answers on file"
    if "stale" not in statement.flags:
        return "New and not marked out of range"
    if "for_visit" not in statement.flags:
        return "Older"
    ahead = day_of_visit(record) > record.today
    return f"Old {'by the day' if ahead else 'for the reason'} of this visit"


_DANGER = "Answers on file on suicide, self-harm or violence, not a plain no and not told here"


def observation(statement: Statement, record: Record, items: list[Item]) -> str:
    """Write a single observation, as of social history."""
    return result(statement, record, items if "grouped" in statement.flags else items[:1])


def grouped(
    record: Record, items: list[Item], head: str, name_: Callable[[Record, Item], str]
) -> str:
    """Write several results by name and date alone."""
    listed = joined(
        f"{name_(record, each)} ({day(each.when) or 'undated'}{_not_final(each)})"
        for each in items
    )
    return f"{head}, by date of the newest value: {listed}"


def _in_words(statement: Statement, record: Record, items: list[Item]) -> str:
    """Write results in words beside each other, with the time that they share, else each with its own.

    Where they are cited with what came before, that was the same: its days are told.
    """
    newest = items[0].when
    before = [each for each in items if each.when != newest] if "merged" in statement.flags else []
    items = [each for each in items if each not in before]
    days = joined(dict.fromkeys(day(each.when) for each in before))
    same = f"earlier the same ({days})" if before else ""
    times = list(dict.fromkeys(map(stamp, items)))
    shared = times[0] if len(times) == 1 else ""
    age = _old(record, items[0], group_of(record, items[0])) if "stale" in statement.flags else ""
    told = []
    for each in items:
        own = each.resource, reading(record, each)
        said = joined((value_of(*own), aside(*own)), " ")
        whole = joined((said, "" if shared else stamp(each), status(each)))
        told.append(f"{title(record, each)}: {whole}")
    return f"{joined(('In words', shared, age))}: {joined((*told, same), '; ')}"


def _scored(record: Record, item: Item) -> str:
    """Return the name of a test, with its value where it is a score: nothing marks one, and it has no range."""
    said, own = title(record, item), reading(record, item)
    return f"{said} {_amount(item, own, said)}".strip() if "score" in said.casefold() else said


def _not_final(item: Item) -> str:
    return ", preliminary" if item.status == "preliminary" else ""


def _glue(resource: JsonObject) -> str:
    return " " if "valueQuantity" in resource or pressure(resource) else ": "


def title(record: Record, item: Item) -> str:
    """Return the name of an Observation: the site's own words, else our short name, else its display."""
    concept = obj(item.resource, "code")
    own = text(concept, "text")
    group = group_of(record, item)
    is_ours = group is not None and (not own or own in displays(concept))
    words = group.name if group and is_ours else named(concept, "Unnamed observation")
    return f"{words} (not of the patient, but of its focus)" if "focus" in item.resource else words


def _old(record: Record, newest: Item, group: Group | None) -> str:
    """Say that a value is old; the limit is the group's own or the common one."""
    own = group.stale_days if group else None
    if newest.when is None or record.days_ago(newest.when) <= (
        own or record.tables.days["result_stale"]
    ):
        return ""
    return f"over {own} days old" if own else "over a year old"
