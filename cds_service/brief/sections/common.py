"""What several sections say alike: that nothing was found, and many names on one line."""

from collections.abc import Iterator, Sequence

from cds_service.brief.facts.labels import restricted
from cds_service.brief.record import Record
from cds_service.domain.brief import Flag, Kind, Statement
from cds_service.domain.needs import NeedName


def absence(record: Record, *needs: NeedName) -> Iterator[Statement]:
    """Yield that nothing was found, where every search of these needs proves it or a Bundle holds none."""
    if record.proves_absence(needs) or record.is_bundle(needs):
        yield Statement(kind="absence", refs=(), needs=needs)


def grouped(
    record: Record, kind: Kind, told: Sequence[str | Sequence[str]], *flags: Flag
) -> Iterator[Statement]:
    """Yield lines that name many things each, so that none is left out; a thing is one reference or several.

    What is labelled as restricted stands on lines of its own: withholding it takes nothing else away.
    """
    labelled = record.once(restricted)
    things = [(each,) if isinstance(each, str) else tuple(each) for each in told]
    for part in (
        [refs for refs in things if labelled.isdisjoint(refs)],
        [refs for refs in things if not labelled.isdisjoint(refs)],
    ):
        for start in range(0, len(part), record.tables.count["listed"]):
            some = part[start : start + record.tables.count["listed"]]
            refs = tuple(ref for refs in some for ref in refs)
            yield Statement(kind=kind, refs=refs, flags=("grouped", *flags))
