"""Visits of a record: which was the last, which is the next, which were emergencies or stays."""

from bisect import bisect_left
from collections.abc import Iterable, Iterator
from itertools import accumulate
from typing import Literal

from cds_service.brief.record import Item, Record
from cds_service.domain.json import JsonObject
from cds_service.domain.needs import NeedName
from cds_service.domain.tables import words
from cds_service.fhir.dates import Moment
from cds_service.fhir.elements import code, codes, displays, has_code, obj, objs, reference, text

Setting = Literal["emergency", "inpatient", "observation", ""]
_SETTINGS: tuple[Setting, ...] = ("emergency", "inpatient", "observation")
_BOOKED = frozenset({"booked", "pending", "arrived", "checked-in", "proposed"})
_GOING_ON = frozenset({"in-progress", "onleave", "arrived", "triaged"})
NEVER_TOOK_PLACE = frozenset({"cancelled", "planned"})
_DAY = 86_400.0


_NO_VISIT = ("no_visit", "elsewhere", "hospice")
"""Contacts that are never the last visit."""


def setting(record: Record, item: Item) -> Setting:
    """Return whether an Encounter was an emergency, a stay or an observation; "" for any other."""
    return record.each(_setting, item)


def _setting(record: Record, item: Item) -> Setting:
    where = record.each(_where, item)
    for each in _SETTINGS:
        if each in where:
            return each
    return ""


def is_ambulatory(record: Record, item: Item) -> bool:
    """Return whether an Encounter was a visit in person to a clinic."""
    in_clinic = "ambulatory" in record.each(_where, item)
    return in_clinic and not _is_only(record, item, *_NO_VISIT, "call")


def _where(record: Record, item: Item) -> frozenset[str]:
    """Return of what kind the class of an Encounter is, by its code; by words, its type's too, where none is known."""
    kinds = record.tables.encounter_kinds
    found = [kinds[each] for each in _class(item) if each in kinds]
    if len(found) == 1:
        return found[0]
    return frozenset().union(*found) if found else _where_in_words(record, item)


def _where_in_words(record: Record, item: Item) -> frozenset[str]:
    """Return the same by words; an outpatient whose type tells of a hospital was not seen in a clinic."""
    by_class = frozenset(_kinds_in_words(record, _class_in_words(item)))
    by_type = frozenset(_kinds_in_words(record, objs(item.resource, "type")))
    return by_type | (by_class - {"ambulatory"} if "hospital" in by_type else by_class)


def _kinds_in_words(record: Record, concepts: Iterable[JsonObject]) -> Iterator[str]:
    known = record.tables.encounter_words
    for concept in concepts:
        for said in (text(concept, "text"), *displays(concept)):
            if said and (kind := known.get(words(said))):
                yield kind


def _class_in_words(item: Item) -> list[JsonObject]:
    """Return the classes of an Encounter as concepts: the Coding of R4, too."""
    classes = objs(item.resource, "class")
    return [each if "coding" in each else {"coding": [each]} for each in classes]


def _is_only(record: Record, item: Item, *kinds: str) -> bool:
    """Return whether an Encounter is a contact of these kinds alone; False where nothing says of what kind it is.

    Its types say so; where they say nothing (an encounter for a problem) or there is none, its reasons do.
    """
    said = record.each(_contacts, item)
    return bool(said) and all(each in kinds for each in said)


def is_hospice(record: Record, item: Item) -> bool:
    """Return whether an Encounter is the care of a hospice."""
    return "hospice" in record.each(_contacts, item)


def is_contact(record: Record, item: Item) -> bool:
    """Return whether an Encounter is a contact without a doctor, as a dialysis, an infusion or a vaccination."""
    return _is_only(record, item, "no_visit")


def _contacts(record: Record, item: Item) -> list[str]:
    said = [_contact(record, each) for each in objs(item.resource, "type")]
    if set(said) <= {"by_reason"}:
        said = [_contact(record, each) for each in objs(item.resource, "reasonCode")]
    if not any(said) and not record.each(_where, item):
        said = [_contact(record, each) for each in _class_in_words(item)]
    return said


def _contact(record: Record, concept: JsonObject) -> str:
    """Return what kind of contact a type or a reason is by its whole name or its code, "" where it is not known."""
    said = [text(concept, "text")]
    for coding in objs(concept, "coding"):
        said += [text(coding, "display"), code(coding, "code")]
    known, contacts = record.once(_known), record.tables.contacts
    for each in said:
        if each not in known:
            known[each] = contacts.get(words(each), "")
        if known[each]:
            return known[each]
    return ""


def _known(_: Record) -> dict[str, str]:
    """Return what is known of each text once it was looked up: a chart has many encounters of few types."""
    return {}


def _class(item: Item) -> set[str]:
    """Return the class codes of an Encounter: a Coding in R4, CodeableConcepts in R5."""
    found: set[str] = set()
    for each in objs(item.resource, "class"):
        found.add(code(each, "code"))
        found.update(codes(each))
    return found


def last_visit(record: Record) -> Item | None:
    """Return the last finished clinic visit; where there is none, the last of another kind, a call behind all others.

    Emergencies and stays are never it, and neither is what took place during one: a wound clinic on a patient of
    the ward knew nothing of how the stay ended. Nor is a contact at which nobody reads the chart, such as a flu shot.
    """
    past = (
        item
        for item in record.of("Encounter")
        if item.status == "finished"
        and item.when is not None
        and item.when.at <= record.now.at
        and not setting(record, item)
        and not _is_only(record, item, *_NO_VISIT)
        and not _is_during_a_stay(record, item, item.when)
    )
    last = call = None
    for item in past:
        if is_ambulatory(record, item):
            return item
        if _is_only(record, item, "call"):
            call = call or item
        elif "hospital" not in record.each(_where, item):
            last = last or item
    return last or call


def is_first_visit(record: Record) -> bool:
    """Return whether the patient was never seen here, as far as encounters that were all read tell, or a Bundle."""
    needs: tuple[NeedName, ...] = ("encounters",)
    were_read = record.proves_absence(needs) or record.is_bundle(needs)
    return were_read and record.once(last_visit) is None


def until(record: Record, item: Item) -> Moment | None:
    """Return when an encounter was over: now for a stay that goes on, its start where nothing else is known.

    A stay that nobody closed goes on only for so long (`days.stay_open`), the care of a hospice for as long as
    encounters are told.
    """
    ended = record.moment(obj(item.resource, "period").get("end"))
    if ended or item.when is None or item.status not in _GOING_ON:
        return ended or item.when
    hospice = is_hospice(record, item)
    is_stay = setting(record, item) in {"inpatient", "observation"}
    if not (is_stay or hospice):
        return item.when
    longest = record.tables.days["encounters" if hospice else "stay_open"]
    return record.now if 0 <= record.days_ago(item.when) <= longest else item.when


def _is_during_a_stay(record: Record, item: Item, when: Moment) -> bool:
    """Return whether an encounter is a part of an emergency or a stay, or began during an acute one."""
    whole = record.get(reference(item.resource, "partOf")) if "partOf" in item.resource else None
    if whole and setting(record, whole):
        return True
    starts, ends = record.once(_stays)
    place = bisect_left(starts, when.at)
    return place > 0 and ends[place - 1] > when.at + (0 if has_clock(when) else _DAY)


def _stays(record: Record) -> tuple[list[float], list[float]]:
    """Return when acute emergencies and stays began, oldest first, and when all until then were over.

    A day without a time is left out at both ends: whether a visit of that day was during the stay is not known. A stay
    in a nursing home is none, nor one longer than `days.stay_open`: clinics see such patients, or it was closed late.
    """
    longest = record.tables.days["stay_open"]
    spans = sorted(
        (begun.at + (0 if has_clock(begun) else _DAY), over.at)
        for item in record.of("Encounter")
        if _is_acute(record, item)
        and item.status not in NEVER_TOOK_PLACE
        and (begun := item.when)
        and (over := until(record, item))
        and (over.date - begun.date).days <= longest
    )
    return [start for start, _ in spans], list(accumulate((end for _, end in spans), max))


def _is_acute(record: Record, item: Item) -> bool:
    return bool(setting(record, item)) and "nonacute" not in record.each(_where, item)


def is_since_last_visit(record: Record, item: Item) -> bool:
    """Return whether something is dated after the day of the last visit; False without either date.

    For what is written during a visit: an order of that day is of the visit.
    """
    return is_day_since_last_visit(record, item.when)


def is_day_since_last_visit(record: Record, when: Moment | None) -> bool:
    """Return the same of a date."""
    visit = record.once(last_visit)
    if visit is None or visit.when is None or when is None:
        return False
    return when.date > visit.when.date


def is_of_late(record: Record, when: Moment) -> bool:
    """Return whether a day lies after that of the last visit; where no visit is known, in the last weeks."""
    if record.once(last_visit) is None:
        return record.days_ago(when) <= record.tables.days["first_visit"]
    return is_day_since_last_visit(record, when)


def is_after_last_visit(record: Record, when: Moment | None) -> bool:
    """Return whether something came after the last visit: by the clock where both tell one, else by the day."""
    over = record.once(_last_visit_over)
    if over is None or when is None:
        return False
    if over.shown != over.day and when.shown != when.day:  # `has_clock`, without the calls
        return when.at > over.at
    return when.date > over.date


def _last_visit_over(record: Record) -> Moment | None:
    """Return when the last visit was over: its end where that is of the day on which it began."""
    visit = record.once(last_visit)
    if visit is None or visit.when is None:
        return None
    ended = record.moment(obj(visit.resource, "period").get("end"))
    return ended if ended and ended.day == visit.when.day else visit.when


def has_clock(when: Moment) -> bool:
    """Return whether a date has a time of day."""
    return when.shown != when.day


def released(record: Record, item: Item) -> Moment | None:
    """Return when a result or report could first be read: when it was issued, else its own date."""
    return record.moment(item.resource.get("issued")) or item.when


def is_released_of_late(record: Record, item: Item) -> bool:
    """Return whether a result or report could first be read after the last visit; without one, in the last weeks."""
    when = released(record, item)
    if record.once(last_visit) is None:
        return when is not None and record.days_ago(when) <= record.tables.days["first_visit"]
    return is_after_last_visit(record, when)


def missed_visits(record: Record) -> list[Item]:
    """Return the Appointments of the year that the patient did not come to, newest first."""
    return [
        item
        for item in record.of("Appointment")
        if item.status == "noshow"
        and item.when
        and 0 <= record.days_ago(item.when) <= record.tables.days["encounters"]
    ]


def booked_ahead(record: Record) -> list[Item]:
    """Return the Appointments that are booked for today or later, nearest first."""
    ahead = [
        item
        for item in record.of("Appointment")
        if item.status in _BOOKED and item.when and record.days_ago(item.when) <= 0
    ]
    return sorted(ahead, key=lambda item: (item.when, item.ref))


def next_appointment(record: Record) -> Item | None:
    """Return the nearest of them."""
    return next(iter(booked_ahead(record)), None)


def is_booked(item: Item) -> bool:
    """Return whether an Appointment is on the book."""
    return item.status in _BOOKED


def names(item: Item) -> str:
    """Return every name that the code of a resource goes by, in lower case, for a search of words."""
    concepts = objs(item.resource, "code")
    if "vaccineCode" in item.resource:
        concepts = (*concepts, *objs(item.resource, "vaccineCode"))
    found = [text(each, "text") for each in concepts]
    found += [text(coding, "display") for each in concepts for coding in objs(each, "coding")]
    return " | ".join(found).casefold()


def is_category(item: Item, *wanted: str) -> bool:
    """Return whether a resource is in one of these categories."""
    for category in objs(item.resource, "category"):  # noqa: SIM110  # asked of most of a record
        if has_code(category, *wanted):
            return True
    return False
