"""The line that earlier values of a result draw, as numbers for one small picture."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import tzinfo
from decimal import Decimal

from cds_service.domain.evidence import Ledger
from cds_service.fhir.dates import Moment, parse
from cds_service.fhir.elements import code, number, obj

WIDTH, HEIGHT, _EDGE = 96, 24, 3
_FEWEST = 2


@dataclass(frozen=True, slots=True)
class Trend:
    """Points in a box of WIDTH by HEIGHT, oldest first; the last one is the newest value."""

    points: tuple[tuple[float, float], ...]
    label: str
    """The same in words, for who does not see it."""

    @property
    def path(self) -> str:
        """Return the points as an SVG `points` attribute."""
        return " ".join(f"{x:g},{y:g}" for x, y in self.points)


def trend(refs: Iterable[str], ledger: Ledger, zone: tzinfo) -> Trend | None:
    """Return the trend of the cited observations that share the newest one's unit; None for fewer than two."""
    read = (_point(ref, ledger, zone) for ref in refs)
    found = sorted(filter(None, read), key=lambda each: each[0])
    if not found:
        return None
    same = [each for each in found if each[2] == found[-1][2]]
    if len(same) < _FEWEST:
        return None
    times = [each[0].at for each in same]
    values = [float(each[1]) for each in same]
    points = zip(_scaled(times, WIDTH), _scaled(values, HEIGHT), strict=True)
    words = ", ".join(f"{each[1]} on {each[0].day}" for each in same)
    return Trend(
        points=tuple((round(x, 1), round(HEIGHT - y, 1)) for x, y in points),
        label=f"Oldest to newest: {words}",
    )


def _scaled(values: list[float], size: int) -> list[float]:
    low, span = min(values), max(values) - min(values)
    room = size - 2 * _EDGE
    return [_EDGE + (room * (v - low) / span if span else room / 2) for v in values]


def _point(ref: str, ledger: Ledger, zone: tzinfo) -> tuple[Moment, int | Decimal, str] | None:
    item = ledger.evidence.get(ref)
    if item is None:
        return None
    quantity = obj(item.resource, "valueQuantity")
    value = number(quantity, "value")
    when = parse(code(item.resource, "effectiveDateTime") or code(item.resource, "issued"), zone)
    if value is None or when is None:
        return None
    return when, value, code(quantity, "code") or code(quantity, "unit")
