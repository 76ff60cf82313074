"""Medicines in words: name, dose as written, who says so, since when, what was merged."""

from collections.abc import Collection, Iterable

from cds_service.brief.facts.medicine_changes import Change, changes
from cds_service.brief.facts.medicine_entries import (
    ORDER,
    REPORT,
    Entry,
    changed_at,
    entries,
    is_aged,
    past_stay,
    stay_ended,
)
from cds_service.brief.facts.medicines import alert_groups, place
from cds_service.brief.record import Item, Record
from cds_service.brief.wording.words import (
    TEXT_MAX,
    dated,
    day,
    joined,
    more,
    named,
    names,
    note_of,
    short,
    status_word,
)
from cds_service.domain.brief import Statement
from cds_service.domain.json import JsonObject
from cds_service.domain.tables import Ingredient
from cds_service.fhir.elements import code, is_true, number, obj, objs, text

_PLANNED = {"proposal": "proposed", "plan": "planned"}


def medication(statement: Statement, record: Record, items: list[Item]) -> str:
    """Write a medicine and, after it, every entry that was merged into it; or high-alert ones by name alone."""
    cited = entries_of(record, items)
    if "grouped" in statement.flags:
        return _alerts(record, cited)
    denied = [each for each in cited if each.type == REPORT and each.status in _DENIED]
    rest = [each for each in cited if each not in denied] if denied else []
    ordered = sorted(rest or cited, key=place)
    first, others = ordered[0], ordered[1:]
    also = _also(record, first, others) if others else ""
    denials = map(_denial, denied) if rest else ()
    unordered = "not ordered" if first.is_reported and not first.is_planned else ""
    head = joined((_entry(record, first), unordered))
    return joined((head, *denials, _alert(ordered), f"also: {also}" if also else ""), "; ")


def entries_of(record: Record, items: Iterable[Item]) -> list[Entry]:
    """Return what is known of the medicines that are cited."""
    known = record.once(entries)
    return [known[item.ref] for item in items]


def _denial(item: Entry) -> str:
    """Write a report that a medicine, which is on the list all the same, is not taken."""
    when = dated(f"reported as {_DENIED[item.status]}", item.when)
    return joined((when, reason_of(item)))


def _also(record: Record, first: Entry, others: list[Entry]) -> str:
    """Write the entries beside the first; from the third of the same words on, how many and since when."""
    same = [each for each in others if is_alike(first, each)]
    if len(same) < _MANY:
        return joined((_entry(record, each, first) for each in others), "; ")
    rest = joined((_entry(record, each, first) for each in others if each not in same), "; ")
    count = f"{len(same)} more orders of the same, {day(same[-1].when)} to {day(same[0].when)}"
    return joined((rest, count), "; ")


_MANY = 3


def is_alike(one: Entry, other: Entry) -> bool:
    """Return whether two dated orders say the same but for their dates."""
    if one.is_reported or other.is_reported or one.when is None or other.when is None:
        return False
    is_same = one.status == other.status and _is_of_same_words(one, other)
    return is_same and not reason_of(other)


def _is_of_same_words(one: Entry, other: Entry) -> bool:
    return one.title == other.title and dose_of(one) == dose_of(other)


def _alerts(record: Record, items: list[Entry]) -> str:
    """Write high-alert medicines on one line, each ingredient once; what is not in force by how it stands."""
    found: dict[Ingredient, Entry] = {}
    for item in items:
        for each in item.alerts:
            before = found.get(each)
            if before is None or (standing(record, before) and not standing(record, item)):
                found[each] = item
    said: dict[str, list[str]] = {"": []}
    for each, item in sorted(found.items(), key=lambda pair: (pair[0].high_alert, pair[0].name)):
        # Two anticoagulants stand side by side; that insulin is an insulin need not be said.
        group = "" if set(each.high_alert.split()) & set(each.name.split()) else each.high_alert
        aside = joined((group, reason_of(item)), "; ")
        told = f"{each.name} ({aside})" if aside else each.name
        said.setdefault(standing(record, item), []).append(told)
    plain = said.pop("") or [name_of(item) for item in items if not found]
    rest = [f"{stands}: {joined(names_)}" for stands, names_ in said.items()]
    if plain:
        return joined((f"High-alert: {joined(plain)}", *rest), "; ")
    return f"High-alert, {joined(rest, '; ')}"


def change(statement: Statement, record: Record, items: list[Item]) -> str:
    """Write what became of a medicine since the last visit; or of several on one line."""
    cited = entries_of(record, items)
    if "grouped" in statement.flags:
        is_undated = "undated" in statement.flags
        return _ended_somewhen(cited) if is_undated else _changes(record, cited)
    newest = next((each for each in cited if each.ref == statement.refs[0]), cited[0])
    before = next((each for each in cited if each is not newest), None)
    if newest.type == REPORT:
        return _reported(record, newest, statement.flags)
    if newest.status in {"stopped", "cancelled", "completed"} or "on_hold" in statement.flags:
        return _stopped(record, newest)
    if "renewed" in statement.flags:
        return f"Ordered again: {_entry(record, newest)}; the order before it was not read"
    if before is None:
        word = (_planned(newest) or "new").capitalize()
        return f"{word}: {_entry(record, newest)}"
    return f"Changed: {_entry(record, newest)}; before: {_entry(record, before)}"


def _reported(record: Record, item: Entry, flags: Collection[str]) -> str:
    """Write what a report alone tells of a medicine: that it was stopped, was begun, or is named for the first time."""
    if item.status in _DENIED:
        when = dated("ended", item.ended) or dated("reported", item.when)
        head = f"Reported as {_DENIED[item.status]}: {name_of(item)}"
        return joined((head, when, reason_of(item)), "; ")
    if "reported" in flags:
        return f"In no earlier entry: {_entry(record, item)}"
    return f"Reported as {_begun(item)}: {_entry(record, item)}"


def _begun(item: Entry) -> str:
    return dated("begun", item.course.begin)


_DENIED = {"stopped": "stopped", "not-taken": "not taken"}


def _changes(record: Record, items: list[Entry]) -> str:
    """Write new, changed, stopped and held orders, each by name; those that are not in force by how they stand.

    Of very many the first are named, high-alert medicines before others: each stands on a line of its own as well.
    """
    cited = {item.ref for item in items}
    found = [each for each in record.once(changes) if each.item.ref in cited]
    named_ = found[: record.tables.count["listed"]]
    said: dict[str, list[str]] = {"new": [], "changed": [], "stopped": []}
    for each in named_:
        said.setdefault(_word(record, each), []).append(_briefly(record, each))
    parts = [f"{word} {joined(told)}" for word, told in said.items() if told]
    listed = joined((*parts, more(found, named_)), "; ")
    return f"Drug changes since the last visit: {listed or joined(name_of(i) for i in items)}"


def _word(record: Record, change_: Change) -> str:
    """Return what became of an order, and how it stands where it is not in force: "new", "new, on hold:"."""
    item = change_.item
    if item.type == REPORT:
        return _word_of_report(record, change_)
    if change_.word == "stopped":
        return item.status
    if change_.word == "on_hold":
        return "on hold"
    stands = standing(record, item)
    word = "" if item.is_planned else change_.word
    return f"{joined((word, stands))}:" if stands else word


def _word_of_report(record: Record, change_: Change) -> str:
    item = change_.item
    if change_.word == "stopped":
        return f"reported as {_DENIED[item.status]}"
    word = "in no earlier entry" if change_.word == "reported" else "reported as begun"
    return f"{joined((word, standing(record, item)))}:"


def _ended_somewhen(items: list[Entry]) -> str:
    """Write stopped orders of which nothing tells when they ended, each with the day it was ordered."""
    listed = joined(f"{name_of(each)} (ordered {day(each.when) or 'undated'})" for each in items)
    return f"Stopped, when is not recorded (most orders were stamped anew on one day): {listed}"


def _briefly(record: Record, change_: Change) -> str:
    stay = _from_stay(record, change_.item) if change_.word == "stopped" else ""
    when = _when_reported(change_) if change_.item.type == REPORT else ""
    aside = joined((_before(change_), when, stay, reason_of(change_.item)), "; ")
    words = name_of(change_.item)
    return f"{words} ({aside})" if aside else words


def _when_reported(change_: Change) -> str:
    item = change_.item
    if change_.word == "new":
        return day(item.course.begin)
    return dated("ended", item.ended) if change_.word == "stopped" else ""


def _before(change_: Change) -> str:
    if change_.before is None:
        return ""
    names_ = [name_of(item) for item in (change_.item, change_.before)]
    if names_[0].casefold() != names_[1].casefold():
        return f"before: {names_[1]}"
    doses = [short(dose_of(item), 60) for item in (change_.item, change_.before)]
    return f"{doses[0] or 'no dose'}; before: {doses[1] or 'no dose'}"


def reason_of(item: Item) -> str:
    """Return why an entry was ended, put on hold or not taken, as it is recorded."""
    words = names(item.resource, "statusReason") if "statusReason" in item.resource else ""
    return f"reason: {words}" if words else ""


def _from_stay(record: Record, item: Item) -> str:
    """Say of an order that outlived its stay where it was written: whether it was for home is not recorded."""
    return dated("ordered in a stay that ended", past_stay(record, item))


def _stopped(record: Record, item: Entry) -> str:
    """Write an order that was stopped or put on hold: by its written end, else by when its record was last changed."""
    is_held = item.status == "on-hold"
    end = None if is_held else item.ended
    when = dated("ended", end) or dated("record of", changed_at(record, item))
    word = "On hold" if is_held else item.status.capitalize()
    when = when or "when is not recorded"
    stay = "" if is_held else _from_stay(record, item)
    return joined((f"{word}: {name_of(item)}", when, stay, reason_of(item)), "; ")


def name_of(item: Entry) -> str:
    """Return the name of a medicine."""
    return short(item.title) or named(item.concept, "medicine without a name")


def _entry(record: Record, item: Entry, beside: Entry | None = None) -> str:
    """Write one order or report; beside another of the same words, only what differs."""
    written = dose_of(item)
    same = beside is not None and _is_of_same_words(item, beside)
    head = "same" if same else joined((name_of(item), short(written, TEXT_MAX)), ": ")
    if not written and not same:
        head += ": no dose recorded"
    return joined((head, *_asides(record, item)))


def _asides(record: Record, item: Entry) -> list[str]:
    said = item.resource
    return [
        "not to be given" if is_true(said, "doNotPerform") else "",
        since(item),
        "over a year ago" if is_aged(record, item) else "",
        _status(item),
        reason_of(item),
        _when(item),
        _of_stay(record, item),
        note_of(said) if item.is_reported else "",
    ]


def _planned(item: Entry) -> str:
    return _PLANNED[code(item.resource, "intent")] if item.is_planned else ""


def since(item: Entry) -> str:
    """Return when an entry was ordered, reported, planned or proposed."""
    planned = _planned(item)
    verb = planned or ("reported" if item.is_reported else "ordered")
    when = dated(verb, item.when) or f"{verb}, undated"
    return f"{when}, not ordered" if planned else when


def standing(record: Record, item: Entry) -> str:
    """Return what keeps an entry from being plainly active: a plan, its status, when it begins or ended; else ""."""
    planned = _planned(item)
    unordered = f"{planned}, not ordered" if planned else ""
    return joined((unordered, _status(item), _from(item), _over(item), _of_stay(record, item)))


def in_brief(record: Record, item: Entry, amount: str = "") -> str:
    """Return an entry with its date and how it stands, and with its dose where one is given."""
    head = joined((name_of(item), amount), ": ")
    asides = (_status(item), reason_of(item), _when(item), _of_stay(record, item))
    return joined((head, since(item), *asides))


def _status(item: Item) -> str:
    return status_word(item, "active") or ("" if item.status else "no status")


def _when(item: Entry) -> str:
    """Say that an active entry begins later, and when its course ends or that it has; its supply ends no course."""
    if not any(item.course):
        return ""  # as most: nothing is written of either
    end = item.course.end
    until = f"until {end.day}" if end and item.is_active and not item.is_past_end else ""
    return joined((_from(item), until, _over(item)), " ")


def _from(item: Entry) -> str:
    begin = item.course.begin
    return f"from {begin.day}" if begin and item.is_for_later else ""


def _over(item: Entry) -> str:
    """Say that the end written in an active entry has passed; it stays on the list."""
    return f"written end {item.ended.day} has passed" if item.ended and item.is_past_end else ""


def _of_stay(record: Record, item: Entry) -> str:
    """Say of an active order that it was for a stay that is over; it stays on the list."""
    if item.is_reported or not item.is_of_past_stay:
        return ""
    over = stay_ended(record, item)
    return f"inpatient order of a stay that ended {over.day}" if over else "inpatient order"


def _alert(items: list[Entry]) -> str:
    groups = alert_groups(items)
    return f"high-alert ({joined(groups)})" if groups else ""


def dose_of(item: Entry) -> str:
    """Return the dose as written, else put together from its structure, else ""."""
    if item.dose:
        return item.dose
    member = "dosageInstruction" if item.type == ORDER else "dosage"
    return joined((_structured(each) for each in objs(item.resource, member)), "; ")


def _structured(dosage: JsonObject) -> str:
    own = text(dosage, "patientInstruction")
    amounts = (_amount(each) for each in objs(dosage, "doseAndRate"))
    needed = is_true(dosage, "asNeededBoolean") or "asNeededCodeableConcept" in dosage
    parts = (
        joined(amounts),
        named(obj(dosage, "route"), "").lower(),
        _timing(obj(dosage, "timing")),
        "as needed" if needed else "",
        names(dosage, "asNeededCodeableConcept"),
    )
    return own or joined(parts, " ")


def _amount(dose_and_rate: JsonObject) -> str:
    quantity = obj(dose_and_rate, "doseQuantity")
    amount = number(quantity, "value")
    unit = text(quantity, "unit")
    return "" if amount is None else f"{amount} {unit}" if unit else f"dose {amount},"


def _timing(timing: JsonObject) -> str:
    words = named(obj(timing, "code"), "")
    repeat = obj(timing, "repeat")
    times, period = number(repeat, "frequency"), number(repeat, "period")
    if words or times is None or period is None:
        return words
    each = _PERIODS.get(code(repeat, "periodUnit"), "")
    if not each:
        return ""
    if period == 1:
        return f"every {each}" if times == 1 else f"{times} times a {each}"
    span = f"every {period} {each}s"
    return span if times == 1 else f"{times} times {span}"


_PERIODS = {
    "s": "second",
    "min": "minute",
    "h": "hour",
    "d": "day",
    "wk": "week",
    "mo": "month",
    "a": "year",
}
