"""What an engine is launched with."""

from collections.abc import Callable
from dataclasses import dataclass, field

from cds_service.domain.steps import Workflow


@dataclass(frozen=True, slots=True)
class Registered:
    """One workflow and its queue."""

    name: str
    workflow: Workflow
    at_once: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """Everything that the running engine is given; `Engine` says what each is."""

    url: str = field(repr=False)
    seal: Callable[[bytes], bytes]
    open: Callable[[bytes], bytes]
    me: str
    hang_s: float
    tries: tuple[float, ...]
    passing: tuple[type[Exception], ...]
    longest_s: float
    registered: tuple[Registered, ...]
