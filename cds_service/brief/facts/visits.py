"""Visits of a record: which was the last, which is the next, which were emergencies or stays."""

from typing import Literal

from cds_service.brief.record import Item, Record
from cds_service.brief.tables import TERMS
from cds_service.fhir.elements import codings, has_code, objs, text

Setting = Literal["emergency", "inpatient", "observation", ""]
_SETTINGS: tuple[Setting, ...] = ("emergency", "inpatient", "observation")
_BOOKED = frozenset({"booked", "pending", "arrived", "checked-in", "proposed"})


def setting(item: Item) -> Setting:
    """Return whether an Encounter was an emergency, a stay or an observation; "" for any other."""
    found = item.resource.get("class")
    known = {found.get("code")} if isinstance(found, dict) else set()
    known |= {each for concept in objs(item.resource, "class") for _, each in codings(concept)}
    return next((each for each in _SETTINGS if known & set(TERMS["encounter"][each])), "")


def last_visit(record: Record) -> Item | None:
    """Return the last finished encounter that was neither an emergency nor a stay."""
    for item in record.of("Encounter"):
        past = item.when is not None and item.when.at <= record.now.at
        if past and item.status == "finished" and not setting(item):
            return item
    return None


def is_since_last_visit(record: Record, item: Item) -> bool:
    """Return whether something is dated after the day of the last visit; False without either date."""
    visit = record.once(last_visit)
    if visit is None or visit.when is None or item.when is None:
        return False
    return item.when.date > visit.when.date


def next_appointment(record: Record) -> Item | None:
    """Return the nearest Appointment that is booked for today or later."""
    ahead = [
        item
        for item in record.of("Appointment")
        if item.status in _BOOKED and item.when and record.days_ago(item.when) <= 0
    ]
    return min(ahead, key=lambda item: (item.when, item.ref), default=None)


def is_booked(item: Item) -> bool:
    """Return whether an Appointment is on the book."""
    return item.status in _BOOKED


def names(item: Item) -> str:
    """Return every name that the code of a resource goes by, in lower case, for a search of words."""
    concepts = (*objs(item.resource, "code"), *objs(item.resource, "vaccineCode"))
    found = [text(each, "text") for each in concepts]
    found += [text(coding, "display") for each in concepts for coding in objs(each, "coding")]
    return " | ".join(found).casefold()


def is_category(item: Item, *wanted: str) -> bool:
    """Return whether a resource is in one of these categories."""
    return any(has_code(category, *wanted) for category in objs(item.resource, "category"))
