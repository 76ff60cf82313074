"""People, visits, orders and notes in words."""

from collections.abc import Iterable, Sequence
from datetime import date

from cds_service.brief.facts.patients import is_deceased, is_replaced, is_retired
from cds_service.brief.facts.visits import is_hospice, setting
from cds_service.brief.record import Item, Record
from cds_service.brief.wording.words import (
    TEXT_MAX,
    coded_word,
    dated,
    day,
    joined,
    moment,
    more,
    named,
    names,
    person,
    reasons,
    short,
    status_word,
)
from cds_service.domain.brief import Statement
from cds_service.domain.json import JsonObject
from cds_service.fhir.dates import Moment
from cds_service.fhir.elements import clean, code, has_code, is_true, name, obj, objs, text


def patient(statement: Statement, record: Record, items: list[Item]) -> str:
    """Write who this is: age, sex, language; never a name or a number that identifies."""
    del statement
    said = items[0].resource
    born = record.moment(said.get("birthDate"))
    died = record.moment(said.get("deceasedDateTime"))
    return joined(
        (
            age(born, died.date if died else record.today) if born else "age not recorded",
            coded_word(said, "gender") or "sex not recorded",
            _death(record, items[0]),
            _language(said),
        )
    )


def _death(record: Record, item: Item) -> str:
    died = record.moment(item.resource.get("deceasedDateTime"))
    known = "recorded as deceased" if is_deceased(item) else ""
    return dated(known, died) or known


def standing(record: Record, item: Item) -> str:
    """Write what a Patient says of itself that comes before all else."""
    said = [_death(record, item)]
    if is_replaced(item):
        said.append("this patient's entry was replaced by another one, which is not in this brief")
    elif is_retired(item):
        said.append("this patient's entry is marked as not in use")
    whole = joined(said, "; ")
    return whole[:1].upper() + whole[1:]


def age(born: Moment, on: date) -> str:
    """Return an age in years, below two years in months, below two months in days."""
    if len(born.day) < len("2000-01-01"):
        return f"born in {born.day}"
    months = (
        (on.year - born.date.year) * 12 + on.month - born.date.month - (on.day < born.date.day)
    )
    if months < 0:
        return "born after today"
    if months < _IN_DAYS:
        return f"{(on - born.date).days} days old"
    return f"{months} months old" if months < _IN_MONTHS else f"{months // 12} years old"


_IN_DAYS, _IN_MONTHS = 2, 24


def _language(said: JsonObject) -> str:
    spoken = objs(said, "communication")
    chosen = next(
        (each for each in spoken if is_true(each, "preferred")), spoken[0] if spoken else {}
    )
    language = named(obj(chosen, "language"), "")
    usual = has_code(obj(chosen, "language"), "en", "en-US")
    return joined(("" if usual else language and f"speaks {language}", _interpreter(said)))


def _interpreter(said: JsonObject) -> str:
    asked = (x for x in objs(said, "extension") if code(x, "url").endswith("-interpreterRequired"))
    return "interpreter needed" if any(is_true(each, "valueBoolean") for each in asked) else ""


def visit(statement: Statement, record: Record, items: list[Item]) -> str:
    """Write why this visit: a booked appointment, or the encounter that is open; or the others, missed or ahead."""
    if "new" in statement.flags:
        return f"Also booked: {_appointments(record, statement.refs[: record.tables.count['named']], statement)}"
    if "grouped" in statement.flags:
        return f"Missed appointments: {_appointments(record, statement.refs, statement)}"
    item = items[0]
    if item.type == "Encounter":
        return f"Current encounter: {_encounter(record, item)}"
    return f"Booked {moment(item.when)}: {_appointment(record, item)}"


def _appointments(record: Record, named_: Sequence[str], statement: Statement) -> str:
    """Write for when and what each of some appointments is or was; the others of the statement are counted."""
    told = (record.items[ref] for ref in named_)
    listed = (joined((day(item.when), _what(record, item)), " ") for item in told)
    return joined((*listed, more(statement.refs, named_)), "; ")


def _what(record: Record, item: Item) -> str:
    """Say in one way what an appointment is for: by its reason, its description or its kind."""
    said = item.resource
    return (
        reasons(item, record)
        or short(text(said, "description"), 60)
        or names(said, "serviceType")
        or named(obj(said, "appointmentType"), "")
    )


def _appointment(record: Record, item: Item) -> str:
    said = item.resource
    kinds = names(said, "serviceType") or named(obj(said, "appointmentType"), "")
    written = [short(text(said, each), TEXT_MAX) for each in ("description", "comment")]
    parts = (
        reasons(item, record) or ("" if any(written) else "reason not recorded"),
        kinds,
        *written,
        joined(_attending(record, item)),
        status_word(item, "booked"),
    )
    return joined(dict.fromkeys(parts), "; ")  # a booking's description often is its reason again


def _attending(record: Record, item: Item) -> list[str]:
    """Return the practitioners of an appointment."""
    actors = (obj(part, "actor") for part in objs(item.resource, "participant"))
    kept = [each for each in actors if code(each, "reference").startswith("Practitioner")]
    return list(dict.fromkeys(person(record, item.resource, each) for each in kept))


def last_visit(statement: Statement, record: Record, items: list[Item]) -> str:
    """Write when the patient was last seen."""
    del statement
    return f"Last visit: {_encounter(record, items[0])}"


def encounter(statement: Statement, record: Record, items: list[Item]) -> str:
    """Write one encounter; emergencies, stays and the care of a hospice say so first."""
    del statement
    word = _SETTINGS.get(setting(record, items[0]))
    hospice = "Hospice: " if not word and is_hospice(record, items[0]) else ""
    return (word or hospice) + _encounter(record, items[0])


_SETTINGS = {
    "emergency": "Emergency: ",
    "inpatient": "Hospital stay: ",
    "observation": "Observation stay: ",
}


def _encounter(record: Record, item: Item) -> str:
    said = item.resource
    end = record.moment(obj(said, "period").get("end"))
    until = f"to {end.day}" if end and item.when and end.day != item.when.day else ""
    parts = objs(said, "participant")
    seen = obj(parts[0], "individual") if parts else {}
    return joined(
        (
            joined((moment(item.when), until), " "),
            *dict.fromkeys((names(said, "type") or _class(said), reasons(item, record))),
            _disposition(said),
            person(record, said, seen),
            status_word(item, *_USUAL[bool(setting(record, item)) or is_hospice(record, item)])
            or ("" if item.status else "no status"),
        )
    )


def _disposition(said: JsonObject) -> str:
    """Say how or whereto a patient left, in the words of the entry."""
    if "hospitalization" not in said:
        return ""
    words = short(named(obj(obj(said, "hospitalization"), "dischargeDisposition"), ""), 60)
    return f"discharge: {words}" if words else ""


_USUAL = {True: ("finished",), False: ("finished", "in-progress")}
"""Statuses that go without saying, of emergencies, stays and hospices and of others: that a stay goes on is news."""


def _class(said: JsonObject) -> str:
    coded = obj(said, "class")
    return short(text(coded, "display")) or "encounter"


def clash(statement: Statement, record: Record, items: list[Item]) -> str:
    """Write how a booked appointment meets the one that is being booked."""
    del statement
    item = items[0]
    word = "Overlaps" if overlaps(record, item) else "Same reason as"
    end = record.moment(item.resource.get("end"))
    until = f" to {end.shown}" if end else ""
    return f"{word} a booked appointment, {moment(item.when)}{until}: {_appointment(record, item)}"


def overlaps(record: Record, item: Item) -> bool:
    """Return whether a booked Appointment overlaps one that is being booked."""
    own = span(record, item.resource)
    drafts = (span(record, draft) for draft in record.context.proposed)
    return own is not None and any(
        each and each[0] < own[1] and own[0] < each[1] for each in drafts
    )


def span(record: Record, appointment: JsonObject) -> tuple[float, float] | None:
    """Return (start, end) of an Appointment in seconds; None without a start."""
    start = record.moment(appointment.get("start"))
    end = record.moment(appointment.get("end"))
    if start is None:
        return None
    minutes = appointment.get("minutesDuration")
    length = minutes * 60 if isinstance(minutes, int) else 0
    return start.at, end.at if end else start.at + max(length, 60)


def note(statement: Statement, record: Record, items: list[Item]) -> str:
    """Write that a note exists: type, date and who wrote it; or how many older ones there are."""
    if "grouped" in statement.flags:
        days = [day(item.when) for item in items if item.when]
        between = f", {days[-1]} to {days[0]}" if days else ""
        return f"{len(items)} older notes{between}"
    item = items[0]
    said = item.resource
    author = next((person(record, said, each) for each in objs(said, "author")), "")
    return joined(
        (
            named(obj(said, "type"), "")
            or short(text(said, "description"))
            or "Note without a type",
            moment(item.when),
            f"by {author}" if author else "",
            _document_status(said),
        )
    )


def _document_status(said: JsonObject) -> str:
    """Return the status words of a note that is not current and final."""
    stored, signed = coded_word(said, "status"), coded_word(said, "docStatus")
    words = ("" if stored == "current" else stored, "" if signed == "final" else signed)
    return joined(words)


def quote(statement: Statement, record: Record, items: list[Item]) -> str:
    """Write words of a note as a quotation, with its date and author."""
    words = short(clean(statement.quote or ""), TEXT_MAX)
    return f"“{words}”: {note(statement, record, items)}"


def names_of(concepts: Iterable[JsonObject]) -> set[str]:
    """Return the names of concepts for comparison."""
    return {name(each).casefold() for each in concepts} - {""}
