"""Notes on file: that they exist, of what type, from when and by whom. Not what they say."""

from collections.abc import Iterator

from cds_service.brief.record import Record
from cds_service.domain.brief import Flag, Statement


def statements(record: Record) -> Iterator[Statement]:
    """Yield the newest notes, and one line for all older ones."""
    notes = [item.ref for item in record.of("DocumentReference") if item.status != "superseded"]
    for ref in notes[: record.tables.count["notes"]]:
        yield Statement(kind="note", refs=(ref,))
    older = notes[record.tables.count["notes"] :]
    if older:
        flags: tuple[Flag, ...] = ("grouped",) if len(older) > 1 else ()
        yield Statement(kind="note", refs=tuple(older), flags=flags)
