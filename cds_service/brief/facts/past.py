"""Illnesses of the past: those that have ended and of which no entry stands."""

from cds_service.brief.facts.conditions import Entry, conditions
from cds_service.brief.facts.problems import merged, problems
from cds_service.brief.record import Item, Record
from cds_service.fhir.dates import Moment
from cds_service.fhir.elements import obj


def past(record: Record) -> tuple[tuple[Item, ...], ...]:
    """Return the illnesses that have ended and of which none stands, newest end first, the entries of each together."""
    over = [(item, known) for item, known in record.once(conditions) if _is_over(known)]
    if not over:
        return ()
    standing = {
        key for each in record.once(problems) for known in each.entries for key in known.own
    }
    over.sort(key=lambda pair: pair[1].is_plain)
    kept = [(item, known) for item, known in over if standing.isdisjoint(known.sought)]
    found = [
        sorted((item for item, _ in read), key=lambda item: _newest_end_first(record, item))
        for read in merged(kept)
    ]
    return tuple(
        tuple(items)
        for items in sorted(found, key=lambda items: _newest_end_first(record, items[0]))
    )


def _is_over(known: Entry) -> bool:
    """Return whether an entry is of an illness and says that it has ended, not that there was none."""
    return not (known.status or known.is_refuted or known.is_none or known.is_finding)


def _newest_end_first(record: Record, item: Item) -> tuple[float, str]:
    when = ended(record, item) or item.when
    return -when.at if when else 0.0, item.ref


def ended(record: Record, item: Item) -> Moment | None:
    """Return when an entry says that its illness ended."""
    said = item.resource
    return record.moment(said.get("abatementDateTime")) or record.moment(
        obj(said, "abatementPeriod").get("end")
    )


def past_by_entry(record: Record) -> dict[str, tuple[Item, ...]]:
    """Return the entries that are one illness of the past, by the reference of each of them."""
    return {item.ref: items for items in record.once(past) for item in items}
