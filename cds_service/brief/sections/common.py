"""What several sections say alike: that nothing was found, and many names on one line."""

from collections.abc import Iterator, Sequence

from cds_service.brief.facts.labels import restricted
from cds_service.brief.record import Record
from cds_service.domain.brief import Flag, Kind, Statement
from cds_service.domain.needs import NeedName

_Things = list[tuple[str, ...]]


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
    most = record.tables.count["listed"]
    for part in _by_label(record, told) if told else ():
        for start in range(0, len(part), most):
            yield _line(kind, part[start : start + most], flags)


def gathered(
    record: Record, kind: Kind, told: Sequence[Sequence[str]], *flags: Flag
) -> Iterator[Statement]:
    """Yield one line for all of what another section tells one by one: it names the first few and counts the rest."""
    for part in _by_label(record, told) if told else ():
        if part:
            yield _line(kind, part, flags)


def _by_label(record: Record, told: Sequence[str | Sequence[str]]) -> tuple[_Things, _Things]:
    labelled = record.once(restricted)
    things = [(each,) if isinstance(each, str) else tuple(each) for each in told]
    plain = [refs for refs in things if labelled.isdisjoint(refs)]
    return plain, [refs for refs in things if not labelled.isdisjoint(refs)]


def _line(kind: Kind, things: _Things, flags: tuple[Flag, ...]) -> Statement:
    refs = tuple(dict.fromkeys(ref for refs in things for ref in refs))
    return Statement(kind=kind, refs=refs, flags=("grouped", *flags))
