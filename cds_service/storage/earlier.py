"""What the last brief of a patient came to, whatever asked for it."""

from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy import func, or_, select
from sqlalchemy.ext.asyncio import AsyncConnection

from cds_service.storage.briefs import Row
from cds_service.storage.tables import BRIEF


@dataclass(frozen=True, slots=True)
class Earlier:
    """A brief that was made, or that failed for a reason."""

    id: str
    reason: str | None
    sources: bytes | None = field(repr=False)
    """Its record, sealed."""


async def earlier(
    connection: AsyncConnection, row: Row, patient: str, now: datetime, *, failed: str
) -> Earlier | None:
    """Return the last brief of a patient (a blind index) but `row` that has a record or `failed` for this reason.

    It counts while it may serve. One that failed keeps its reason also where its visit was called off.
    """
    done_at = func.coalesce(BRIEF.c.ready_at, BRIEF.c.changed)
    query = (
        select(BRIEF.c.id, BRIEF.c.reason, BRIEF.c.sources)
        .where(
            BRIEF.c.site == row.site,
            BRIEF.c.patient == patient,
            BRIEF.c.source == "prepare",
            BRIEF.c.id != row.id,
            BRIEF.c.expires_at > now,
            or_(
                BRIEF.c.ready_at.is_not(None),
                BRIEF.c.state.in_(("failed", "cancelled")) & (BRIEF.c.reason == failed),
            ),
        )
        .order_by(done_at.desc())
        .limit(1)
    )
    found = (await connection.execute(query)).first()
    return Earlier(*found) if found else None
