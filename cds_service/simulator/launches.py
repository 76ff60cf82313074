"""Keeps SMART launch contexts: what the EHR knew when the user clicked the link."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable


@dataclass(frozen=True, slots=True)
class Launch:
    """The context of one launch; ids have no resource type in front, `user` has."""

    patient: str | None = None
    user: str = "Practitioner/sim-clinician"
    encounter: str | None = None
    appointment: str | None = None
    app_context: str | None = None


class Launches:
    """Launch contexts by launch id; each can be used once."""

    def __init__(self, *, ids: Callable[[], str]) -> None:
        """Take the source of launch ids."""
        self._ids = ids
        self._open: dict[str, Launch] = {}

    def create(self, launch: Launch) -> str:
        """Remember a context and give its launch id."""
        key = self._ids()
        self._open[key] = launch
        return key

    def take(self, key: str) -> Launch | None:
        """Use up a launch id; None when it is unknown or used."""
        return self._open.pop(key, None)
