"""What is over in words: illnesses that have ended, procedures of years ago, by name and date."""

from cds_service.brief.facts.past import ended, past_by_entry
from cds_service.brief.record import Item, Record
from cds_service.brief.wording.words import code_name, dated, day, joined, status_word
from cds_service.domain.brief import Statement


def illnesses(statement: Statement, record: Record) -> str:
    """Write illnesses that have ended by name, when each ended and of how many entries, in the order of the rules."""
    by_ref = record.once(past_by_entry)
    cited = (record.items[ref] for ref in statement.refs)
    sets = dict.fromkeys(by_ref.get(each.ref, (each,)) for each in cited)
    return f"No longer active: {joined(_over(record, entries) for entries in sets)}"


def _over(record: Record, entries: tuple[Item, ...]) -> str:
    newest = entries[0]
    recorded = record.moment(newest.resource.get("recordedDate"))
    when = dated("ended", ended(record, newest)) or (
        dated("recorded", recorded) or dated("began", newest.when) or "undated"
    )
    count = f"{len(entries)} entries" if len(entries) > 1 else ""
    return f"{code_name(newest, 'problem without a name')} ({joined((when, count))})"


def procedures(statement: Statement, items: list[Item]) -> str:
    """Write older operations, or other procedures, by name, each with the date of the newest."""
    listed = joined(
        f"{code_name(each, 'procedure')} ({joined((day(each.when), state(each)))})"
        for each in items
    )
    head = "Earlier operations" if "lasting" in statement.flags else "Older procedures"
    return f"{head}, by date of the newest: {listed}"


def state(item: Item) -> str:
    """Return how a procedure stands where it was not plainly done."""
    return status_word(item, "completed", "final") or ("" if item.status else "no status")
