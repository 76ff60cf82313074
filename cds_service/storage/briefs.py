"""The rows of briefs: what is due, what changes state, what is ready. One statement in each function.

Functions take the connection of the caller's transaction, so that a change and its audit entry are one. What is
sealed is sealed by the caller's `Database`.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import (
    Select,
    bindparam,
    exists,
    func,
    literal,
    or_,
    select,
    true,
    union_all,
    update,
)
from sqlalchemy.ext.asyncio import AsyncConnection

from cds_service.domain.states import OPEN, State, can_move
from cds_service.domain.visit import GRACE
from cds_service.storage.clock_ahead import CLOCKS
from cds_service.storage.database import Database
from cds_service.storage.tables import (
    AUDIT,
    AUDIT_HEAD,
    BRIEF,
    IS_APPROVED,
    IS_EXPECTED,
    IS_PREPARED,
)

ENDED: frozenset[State] = frozenset({"cancelled", "expired"})
"""How open ones end with their visit, which a visit that is booked all the same does not keep to."""


@dataclass(frozen=True, slots=True)
class Row:
    """What stands of a brief outside its seals, and the seals as they are."""

    id: str
    site: str
    state: State
    source: str
    patient: str = field(repr=False)
    """A blind index."""
    visit: str | None = field(repr=False)
    revision: int
    created: datetime
    changed: datetime
    due: datetime | None
    ready_at: datetime | None
    expires_at: datetime | None
    rules_version: str
    versions: Mapping[str, Any]
    reason: str | None
    occasion: bytes | None = field(repr=False)


_ROW = tuple(BRIEF.c[name] for name in Row.__dataclass_fields__)


def _row(found: Any) -> Row:  # noqa: ANN401  # a SQLAlchemy row
    return Row(*found)


async def get(connection: AsyncConnection, brief_id: str) -> Row | None:
    """Return a row, or None."""
    found = (await connection.execute(select(*_ROW).where(BRIEF.c.id == brief_id))).first()
    return _row(found) if found else None


async def hold_state(connection: AsyncConnection, brief_id: str) -> State | None:
    """Return a brief's state, which nobody else changes before the end of this transaction."""
    query = select(BRIEF.c.state).where(BRIEF.c.id == brief_id).with_for_update()
    return (await connection.execute(query)).scalar_one_or_none()


async def sources(connection: AsyncConnection, brief_id: str) -> bytes | None:
    """Return the sealed record of a brief, or None."""
    query = select(BRIEF.c.sources).where(BRIEF.c.id == brief_id)
    return (await connection.execute(query)).scalar_one_or_none()


async def add(
    connection: AsyncConnection, database: Database, rows: Sequence[dict[str, Any]]
) -> None:
    """Add rows; one whose id is there already stays as it is."""
    if rows:
        await connection.execute(database.insert_new(BRIEF), list(rows))


async def move(
    connection: AsyncConnection,
    brief_id: str,
    origin: State,
    target: State,
    *,
    at: datetime,
    **columns: object,
) -> bool:
    """Change a state; False when the brief is not in `origin` any more: somebody was here before.

    Raises `ValueError` for a change that the table of `domain/states.py` does not have.
    """
    if not can_move(origin, target):
        msg = f"{origin} does not lead to {target}"
        raise ValueError(msg)
    changed = (
        update(BRIEF)
        .where(BRIEF.c.id == brief_id, BRIEF.c.state == origin)
        .values(state=target, changed=at, **columns)
        .returning(BRIEF.c.id)
    )
    return (await connection.execute(changed)).first() is not None


async def put_off(
    connection: AsyncConnection,
    row: Row,
    *,
    at: datetime,
    due: datetime,
    reason: str | None,
    **columns: object,
) -> bool:
    """Have a requested brief begun at another time, as a new revision; False when somebody was here before."""
    later = (
        update(BRIEF)
        .where(
            BRIEF.c.id == row.id, BRIEF.c.state == "requested", BRIEF.c.revision == row.revision
        )
        .values(changed=at, due=due, reason=reason, revision=row.revision + 1, **columns)
        .returning(BRIEF.c.id)
    )
    return (await connection.execute(later)).first() is not None


async def set_columns(connection: AsyncConnection, brief_id: str, **columns: object) -> None:
    """Change what is not the state."""
    await connection.execute(update(BRIEF).where(BRIEF.c.id == brief_id).values(**columns))


async def name_visit(
    connection: AsyncConnection, brief_id: str, visit: str, occasion: bytes
) -> None:
    """Say which visit a brief is for that was asked for before its Appointment was known."""
    named = update(BRIEF).where(BRIEF.c.id == brief_id, BRIEF.c.visit.is_(None))
    await connection.execute(named.values(visit=visit, occasion=occasion))


async def due_sites(connection: AsyncConnection, now: datetime) -> dict[str, int]:
    """Return how many requested briefs are due, by site."""
    query = (
        select(BRIEF.c.site, func.count())
        .where(BRIEF.c.state == "requested", BRIEF.c.due <= now)
        .group_by(BRIEF.c.site)
    )
    return {row[0]: row[1] for row in await connection.execute(query)}


async def resting(
    connection: AsyncConnection, states: Iterable[State], before: datetime
) -> dict[str, int]:
    """Return how many briefs have been in one of these states since before a moment, by site."""
    query = (
        select(BRIEF.c.site, func.count())
        .where(BRIEF.c.state.in_(tuple(states)), BRIEF.c.changed <= before)
        .group_by(BRIEF.c.site)
    )
    return {row[0]: row[1] for row in await connection.execute(query)}


async def for_a_person(connection: AsyncConnection) -> dict[str, int]:
    """Return how many briefs cannot go on without a person, by site."""
    query = select(BRIEF.c.site, func.count()).where(BRIEF.c.state.in_(("failed", "unknown")))
    found = await connection.execute(query.group_by(BRIEF.c.site))
    return {row[0]: row[1] for row in found}


async def moving(connection: AsyncConnection, since: datetime, *, action: str) -> frozenset[str]:
    """Return the sites of which the workflows of one kind have done anything since a moment, as the audit says.

    It is asked site by site: the audit is found by site and time, and only grows.
    """
    done = exists().where(
        AUDIT.c.site == AUDIT_HEAD.c.site,
        AUDIT.c.at >= since,
        AUDIT.c.action == action,
        AUDIT.c.outcome.not_in(("cancelled", "expired")),
    )
    query = select(AUDIT_HEAD.c.site).where(done)
    return frozenset(row.site for row in await connection.execute(query))


async def sites(connection: AsyncConnection) -> list[str]:
    """Return the names of all sites that have briefs."""
    return list(await connection.scalars(select(BRIEF.c.site).distinct().order_by(BRIEF.c.site)))


async def under_way(connection: AsyncConnection) -> dict[str, int]:
    """Return how many briefs are being prepared, by site."""
    query = select(BRIEF.c.site, func.count()).where(BRIEF.c.state == "preparing")
    found = await connection.execute(query.group_by(BRIEF.c.site))
    return {row[0]: row[1] for row in found}


async def due(
    connection: AsyncConnection, site: str, now: datetime, *, limit: int
) -> list[tuple[str, int]]:
    """Return (id, revision) of a site's requested briefs that are due: next visits first, those that have been last.

    What has expired is begun no more, whether its end has been noted yet or not.
    """
    end = BRIEF.c.expires_at
    query = (
        select(BRIEF.c.id, BRIEF.c.revision)
        .where(BRIEF.c.state == "requested", BRIEF.c.site == site, BRIEF.c.due <= now)
        .where(or_(end.is_(None), end > now))
        .order_by(end <= now + GRACE, end)
        .limit(limit)
    )
    return [(row.id, row.revision) for row in await connection.execute(query)]


async def in_state(
    connection: AsyncConnection,
    state: State,
    *,
    before: datetime | None = None,
    site: str | None = None,
    limit: int | None = 500,
) -> list[Row]:
    """Return briefs in a state, those first that changed longest ago; only those from before a moment, of one site."""
    query = select(*_ROW).where(BRIEF.c.state == state)
    if before is not None:
        query = query.where(BRIEF.c.changed < before)
    if site is not None:
        query = query.where(BRIEF.c.site == site)
    found = await connection.execute(query.order_by(BRIEF.c.changed).limit(limit))
    return [_row(row) for row in found]


async def overdue(connection: AsyncConnection, before: datetime, *, limit: int = 500) -> list[Row]:
    """Return requested briefs that were due before a moment, longest first, and so many of each site at most.

    The limit is each site's own: a long queue of one hides no other's.
    """
    place = func.row_number().over(partition_by=BRIEF.c.site, order_by=BRIEF.c.due).label("place")
    late = (
        select(BRIEF.c.id, place)
        .where(BRIEF.c.state == "requested", BRIEF.c.due < before)
        .subquery()
    )
    query = select(*_ROW).join(late, late.c.id == BRIEF.c.id).where(late.c.place <= limit)
    found = await connection.execute(query.order_by(BRIEF.c.due))
    return [_row(row) for row in found]


async def late(
    connection: AsyncConnection, site: str, before: datetime, *, limit: int | None = 500
) -> list[Row]:
    """Return requested briefs of a site that were due before a moment, longest first."""
    query = select(*_ROW).where(
        BRIEF.c.state == "requested", BRIEF.c.site == site, BRIEF.c.due < before
    )
    found = await connection.execute(query.order_by(BRIEF.c.due).limit(limit))
    return [_row(row) for row in found]


async def postponed(
    connection: AsyncConnection, site: str, *, limit: int | None = 500
) -> list[Row]:
    """Return requested briefs of a site that wait because of something: they have been tried, and have a reason."""
    query = select(*_ROW).where(
        BRIEF.c.state == "requested", BRIEF.c.site == site, BRIEF.c.reason.is_not(None)
    )
    found = await connection.execute(query.order_by(BRIEF.c.due).limit(limit))
    return [_row(row) for row in found]


async def over(connection: AsyncConnection, now: datetime, *, limit: int = 500) -> list[Row]:
    """Return briefs that are open, or could not be made, whose visit is over."""
    query = (
        select(*_ROW)
        .where(BRIEF.c.state.in_((*OPEN, "failed")), BRIEF.c.expires_at <= now)
        .where(or_(BRIEF.c.state != "failed", BRIEF.c.ready_at.is_(None)))
        .order_by(BRIEF.c.expires_at)
        .limit(limit)
    )
    return [_row(row) for row in await connection.execute(query)]


async def of_visit(connection: AsyncConnection, site: str, visit: str, now: datetime) -> list[Row]:
    """Return the briefs of one visit (a blind index) that are open, or could not be made."""
    of_visit = select(*_ROW).where(BRIEF.c.site == site, BRIEF.c.visit == visit)
    could_not = of_visit.where(
        BRIEF.c.state == "failed", BRIEF.c.ready_at.is_(None), BRIEF.c.expires_at > now
    )
    query = union_all(of_visit.where(IS_EXPECTED), could_not)
    return [_row(row) for row in await connection.execute(query)]


@dataclass(frozen=True, slots=True)
class Prepared:
    """A prepared brief, sealed: it can be opened at its own place only."""

    id: str
    site: str
    ready_at: datetime
    expires_at: datetime | None
    versions: Mapping[str, Any]
    body: bytes = field(repr=False)
    seen: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class Approved:
    """The newest brief of a patient that somebody approved, and how far its note got."""

    state: State
    changed: datetime


@dataclass(frozen=True, slots=True)
class OfPatient:
    """What a chart-open wants to know of its patient."""

    prepared: Prepared | None = None
    approved: Approved | None = None


_PREPARED = tuple(Prepared.__dataclass_fields__)
_APPROVED = tuple(Approved.__dataclass_fields__)


SET_ASIDE = datetime(1970, 1, 1, tzinfo=UTC)
"""When a brief is said to have been made that no chart-open is to be answered from any more, whatever its state."""


async def set_aside(
    connection: AsyncConnection, site: str, patient: str, *, until: datetime
) -> None:
    """Answer no chart-open any more from what was prepared for a patient (a blind index) until a moment."""
    whose = (BRIEF.c.site == site, BRIEF.c.patient == patient, BRIEF.c.ready_at <= until)
    older = update(BRIEF).where(*whose, IS_PREPARED)
    await connection.execute(older.values(ready_at=SET_ASIDE))


def _both_of_patient() -> Select[Any]:
    whose = (BRIEF.c.site == bindparam("site"), BRIEF.c.patient == bindparam("patient"))
    prepared = (
        select(*(BRIEF.c[name] for name in _PREPARED))
        .where(
            *whose,
            IS_PREPARED,
            BRIEF.c.ready_at > SET_ASIDE,
            BRIEF.c.ready_at <= bindparam("soon", type_=BRIEF.c.ready_at.type),
            or_(
                BRIEF.c.expires_at.is_(None),
                BRIEF.c.expires_at > bindparam("now", type_=BRIEF.c.expires_at.type),
            ),
        )
        .order_by(BRIEF.c.ready_at.desc())
        .limit(1)
        .subquery()
    )
    approved = (
        select(*(BRIEF.c[name] for name in _APPROVED))
        .where(*whose, IS_APPROVED)
        .order_by(BRIEF.c.changed.desc())
        .limit(1)
        .subquery()
    )
    a_row = select(literal(1).label("row")).subquery()
    either = a_row.outerjoin(prepared, true()).outerjoin(approved, true())
    return select(*prepared.c, *approved.c).select_from(either)


_OF_PATIENT = _both_of_patient()
"""Built once: to build it takes longer than to run it."""


async def of_patient(database: Database, site: str, patient: str, now: datetime) -> OfPatient:
    """Return the newest prepared brief of a patient (a blind index) that may be shown, and the newest approved one."""
    values = {"site": site, "patient": patient, "now": now, "soon": now + CLOCKS}
    found = await database.glance(_OF_PATIENT, values)
    one, other = found[: len(_PREPARED)], found[len(_PREPARED) :]
    return OfPatient(
        prepared=None if one[0] is None else Prepared(*one),
        approved=None if other[0] is None else Approved(*other),
    )
