"""What a brief is prepared for: whose chart, and which visit."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta

YEARS = range(1900, 2200)
"""What is said of other years stands for something that is not known."""
GRACE = timedelta(hours=24)
"""After a visit its brief may still be read and approved for so long."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Visit:
    """A patient's visit as far as it is known; a chart that opens without one has neither id nor time."""

    patient: str = field(repr=False)
    """The bare id."""
    merged_from: str | None = field(repr=False, default=None)
    """The bare id of the chart that was asked for, when it was merged into this patient's."""
    appointment: str | None = field(repr=False, default=None)
    encounter: str | None = field(repr=False, default=None)
    start: datetime | None = None
    end: datetime | None = None

    @property
    def patients(self) -> frozenset[str]:
        """Return every id that a schedule may name this visit's patient by."""
        return frozenset({self.patient, self.merged_from or self.patient})

    @property
    def key(self) -> str:
        """Return the `Type/id` that this visit is found by: its appointment, its encounter or its patient."""
        if self.appointment is not None:
            return f"Appointment/{self.appointment}"
        if self.encounter is not None:
            return f"Encounter/{self.encounter}"
        return f"Patient/{self.patient}"
