"""What a soak reports: numbers, some of them with a target."""

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Figure:
    """One number; with a `target` it is met only when it equals it."""

    name: str
    value: float
    target: float | None = None
    of: int | None = None
    """Out of how many, where that is worth saying: a share of nothing proves nothing."""

    @property
    def met(self) -> bool | None:
        """Return whether the target is met; None without one."""
        return None if self.target is None else self.value == self.target and self.of != 0


_VERDICT = {True: "met", False: "MISSED", None: ""}


def as_text(title: str, figures: Sequence[Figure]) -> str:
    """Return a table."""
    wide = max((len(each.name) for each in figures), default=0) + 2
    return "\n".join([title, *(_row(each, wide) for each in figures)])


def _row(each: Figure, wide: int) -> str:
    looked = f"of {each.of}" if each.of is not None else ""
    wanted = f"target {each.target:g}" if each.target is not None else ""
    return f"  {each.name:<{wide}}{each.value:>9g} {looked:<12} {wanted:<11} {_VERDICT[each.met]}".rstrip()
