"""How work ahead stands: what is late, what is stuck, what waits for a person. For readiness, metrics and notes.

Late is what should have been begun, or was begun, a quarter of an hour ago and is not done. A backlog that moves is
late and well; late briefs of a site of which none moved in all that time are stuck, as are late notes, and somebody
has to look. Neither stands for the other; an EHR that is left alone is not read, but its notes are filed.
"""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from cds_service.storage import Connection, briefs, feeds

LATE = timedelta(minutes=15)


@dataclass(frozen=True, slots=True, kw_only=True)
class Backlog:
    """What one look at the queue found, by site."""

    as_of: datetime | None = None
    """When the queue was looked at; None before the first look."""
    late_briefs: Mapping[str, int] = field(default_factory=dict)
    """Briefs that are not begun or not done."""
    late_notes: Mapping[str, int] = field(default_factory=dict)
    """Approved notes that are not filed."""
    stuck_briefs: frozenset[str] = frozenset()
    stuck_notes: frozenset[str] = frozenset()
    failed: Mapping[str, int] = field(default_factory=dict)
    """Briefs that could not be made and notes in doubt: what `queue list` names and a person settles."""
    paused: Mapping[str, str] = field(default_factory=dict)
    """Why an EHR is left alone for now."""
    unread: Mapping[str, str] = field(default_factory=dict)
    """Why the last poll of a schedule failed: visits that it has may not be prepared for."""
    without_patient: Mapping[str, int] = field(default_factory=dict)
    """Appointments that name no patient, and cannot be prepared for."""

    @property
    def late(self) -> Mapping[str, int]:
        """Return how many briefs and notes are late."""
        return Counter(self.late_briefs) + Counter(self.late_notes)

    @property
    def stuck(self) -> tuple[str, ...]:
        """Return the sites of which late briefs, or late notes, do not move."""
        return tuple(sorted(self.stuck_briefs | self.stuck_notes))

    def told(self) -> dict[str, object]:
        """Return it as plain JSON."""
        return {
            "as_of": self.as_of and self.as_of.isoformat(),
            "late": dict(self.late),
            "stuck": list(self.stuck),
            "failed": dict(self.failed),
            "paused": dict(self.paused),
            "unread": dict(self.unread),
            "without_patient": dict(self.without_patient),
        }

    def notes(self) -> Iterator[str]:
        """Yield it in sentences."""
        for kind, late, stuck in (
            ("briefs", self.late_briefs, self.stuck_briefs),
            ("notes", self.late_notes, self.stuck_notes),
        ):
            for name, number in late.items():
                moves = "they do not move" if name in stuck else "they are being worked on"
                if kind == "briefs" and name in self.paused:
                    moves = f"nothing is read ahead for now: {self.paused[name]}"
                yield f"site {name}: {number} {kind} are late and {moves}; see `cds-service queue list`"
        for name in self.paused.keys() - self.late_briefs.keys():
            yield f"site {name}: nothing is read ahead for now: {self.paused[name]}"
        for name, reason in self.unread.items():
            yield f"site {name}: its schedule could not be read: {reason}; visits may be missed"
        for name, number in self.without_patient.items():
            yield f"site {name}: {number} appointments name no patient; nothing is prepared for them"
        for name, number in self.failed.items():
            yield f"site {name}: {number} briefs or notes wait for a person; see `cds-service queue list`"


async def look(
    connection: Connection,
    now: datetime,
    *,
    prepares: Callable[[str], bool],
    files: Callable[[str], bool],
    polls: Callable[[str], bool],
) -> Backlog:
    """Look at the queue; the three say of a site's name whether its briefs, notes and visits are wanted now."""
    since = now - LATE
    unbegun = await briefs.due_sites(connection, since)
    undone = await briefs.resting(connection, ("preparing",), since)
    unfiled = await briefs.resting(connection, ("approved", "writing"), since)
    late_briefs = _of(Counter(unbegun) + Counter(undone), prepares)
    late_notes = _of(unfiled, files)
    known = await feeds.feeds(connection)
    polled = {name: feed for name, feed in known.items() if polls(name) and feed.is_polled(now)}
    paused = {name: pause.reason for name, feed in known.items() if (pause := feed.pause(now))}
    prepared = (
        await briefs.moving(connection, since, action="prepare") if late_briefs else frozenset()
    )
    filed = await briefs.moving(connection, since, action="write") if late_notes else frozenset()
    return Backlog(
        as_of=now,
        late_briefs=late_briefs,
        late_notes=late_notes,
        stuck_briefs=frozenset(late_briefs.keys() - paused.keys() - prepared),
        stuck_notes=frozenset(late_notes.keys() - filed),
        failed=await briefs.for_a_person(connection),
        paused=paused,
        unread={name: f.reason or "" for name, f in polled.items() if f.is_unread(now)},
        without_patient={n: f.without_patient for n, f in polled.items() if f.without_patient},
    )


def _of(found: Mapping[str, int], wanted: Callable[[str], bool]) -> Mapping[str, int]:
    return {name: number for name, number in found.items() if wanted(name)}
