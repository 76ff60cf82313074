"""What several sections say alike: that nothing was found, and many names on one line."""

from collections.abc import Iterator, Sequence

from cds_service.brief.record import Record
from cds_service.brief.tables import COUNT
from cds_service.domain.brief import Flag, Kind, Statement
from cds_service.domain.needs import NeedName


def absence(record: Record, *needs: NeedName) -> Iterator[Statement]:
    """Yield that nothing was found, where every search of these needs proves it or a Bundle holds none."""
    if record.proves_absence(needs) or record.is_bundle(needs):
        yield Statement(kind="absence", refs=(), needs=needs)


def grouped(kind: Kind, refs: Sequence[str], flag: Flag | None = None) -> Iterator[Statement]:
    """Yield lines that name many resources each, so that none is left out."""
    flags: tuple[Flag, ...] = ("grouped", flag) if flag else ("grouped",)
    for start in range(0, len(refs), COUNT["listed"]):
        yield Statement(kind=kind, refs=tuple(refs[start : start + COUNT["listed"]]), flags=flags)
