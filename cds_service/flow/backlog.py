"""How work ahead stands: what is late, what is stuck, what waits for a person. For readiness, metrics and notes.

Late is what should have been begun, or was begun, a quarter of an hour ago and is not done. A backlog that moves is
late and well; late work of a site of which nothing moved in all that time is stuck, and somebody has to look.
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
    late: Mapping[str, int] = field(default_factory=dict)
    """Briefs that are not begun or not done, and approved notes that are not filed."""
    stuck: tuple[str, ...] = ()
    failed: Mapping[str, int] = field(default_factory=dict)
    """Briefs that could not be made and notes in doubt: what `queue list` names and a person settles."""
    paused: Mapping[str, str] = field(default_factory=dict)
    """Why an EHR is left alone for now."""
    unread: Mapping[str, str] = field(default_factory=dict)
    """Why the last poll of a schedule failed: visits that it has may not be prepared for."""
    without_patient: Mapping[str, int] = field(default_factory=dict)
    """Appointments that name no patient, and cannot be prepared for."""

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
        for name, number in self.late.items():
            moves = "nothing of it moves" if name in self.stuck else "it is being worked on"
            if name in self.paused:
                moves = f"nothing is read ahead for now: {self.paused[name]}"
            yield f"site {name}: {number} briefs or notes are late and {moves}; see `cds-service queue list`"
        for name in self.paused.keys() - self.late.keys():
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
    late: Counter[str] = Counter()
    for wanted, found in (
        (prepares, await briefs.due_sites(connection, since)),
        (prepares, await briefs.resting(connection, ("preparing",), since)),
        (files, await briefs.resting(connection, ("approved", "writing"), since)),
    ):
        late.update({name: number for name, number in found.items() if wanted(name)})
    known = await feeds.feeds(connection)
    polled = {name: feed for name, feed in known.items() if polls(name) and feed.is_polled(now)}
    paused = {name: pause.reason for name, feed in known.items() if (pause := feed.pause(now))}
    moving = await briefs.moving(connection, since) if late else frozenset()
    return Backlog(
        as_of=now,
        late=late,
        stuck=tuple(sorted(late.keys() - paused.keys() - moving)),
        failed=await briefs.for_a_person(connection),
        paused=paused,
        unread={name: f.reason or "" for name, f in polled.items() if f.is_unread(now)},
        without_patient={n: f.without_patient for n, f in polled.items() if f.without_patient},
    )
