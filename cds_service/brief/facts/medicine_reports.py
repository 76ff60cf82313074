"""What reports alone tell since the last visit: that a medicine was stopped, was begun, or is in no earlier entry."""

from collections.abc import Collection, Iterator
from typing import Literal

from cds_service.brief.facts.medicine_entries import ORDER, Entry, entries, reports
from cds_service.brief.facts.medicines import medicines
from cds_service.brief.facts.visits import is_day_since_last_visit, is_since_last_visit
from cds_service.brief.record import Record
from cds_service.domain.needs import NeedName

News = Literal["new", "reported", "stopped"]

_STOPPED = frozenset({"stopped", "not-taken"})
_TAKEN = frozenset({"active", "on-hold"})
_NEEDS: tuple[NeedName, ...] = ("medications", "medication_statements")


def news(record: Record, told: Collection[object]) -> Iterator[tuple[News, Entry]]:
    """Yield the newest report of each medicine that is news, but for medicines whose orders tell what became of them.

    "new" says that it was begun since the last visit, "reported" only that no earlier entry names it.
    """
    newest: dict[object, Entry] = {}
    for item in reports(record):
        newest.setdefault(item.key, item)
    if newest:
        listed = {each.items[0].key for each in record.once(medicines)}
        for known, item in newest.items():
            is_open = known in listed or known in told
            word = _taken(record, item) if item.is_active else _ended(record, item, is_open)
            if word:
                yield word, item


def _ended(record: Record, item: Entry, is_open: bool) -> News | None:
    is_stopped = item.status in _STOPPED and not is_open
    return "stopped" if is_stopped and _is_stopped_since(record, item) else None


def _taken(record: Record, item: Entry) -> News | None:
    """Return how a medicine that is taken is news: by when it was begun, else by the entries that do not name it."""
    if item.status not in _TAKEN or item.is_said_none:
        return None
    begin = item.course.begin
    word: News = "new" if begin else "reported"
    is_late = (
        is_day_since_last_visit(record, begin)
        if begin
        else is_since_last_visit(record, item) and record.once(_is_kept)
    )
    return word if is_late and not _is_named_before(record, item) else None


def _is_stopped_since(record: Record, item: Entry) -> bool:
    """Return whether a report says that it ended since the last visit; without an end, whether it gives a reason."""
    if item.ended:
        return is_day_since_last_visit(record, item.ended)
    return "statusReason" in item.resource and is_since_last_visit(record, item)


def _is_kept(record: Record) -> bool:
    """Return whether medicines were all read, and some entry of the last visit or before shows that old ones are kept.

    A list that is written anew as a whole dates everything on it alike.
    """
    were_read = record.proves_absence(_NEEDS) or record.is_bundle(_NEEDS)
    return were_read and any(
        item.when and not is_since_last_visit(record, item)
        for item in record.once(entries).values()
    )


def _is_named_before(record: Record, item: Entry) -> bool:
    """Return whether an order, or a report that is not of after the last visit, may be of the same medicine."""
    return any(
        (other.type == ORDER or not is_since_last_visit(record, other))
        and (
            not item.ingredients.isdisjoint(other.ingredients) or item.names[:1] == other.names[:1]
        )
        for other in record.once(entries).values()
    )
