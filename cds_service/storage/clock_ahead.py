"""What a clock that was ahead left behind: briefs of a time that has not come, and what waits for it."""

from datetime import datetime, timedelta

from sqlalchemy import or_, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from cds_service.storage.tables import BRIEF, IS_PREPARED

CLOCKS = timedelta(minutes=5)
"""Clocks that differ by less are taken for right; what says that it was made later was made by one that was ahead."""


async def made_ahead(connection: AsyncConnection, site: str, now: datetime) -> list[str]:
    """Return the prepared briefs of a site that were made by a clock that was ahead.

    When real time comes to it, such a brief would be told as the newest, and as new.
    """
    query = select(BRIEF.c.id).where(
        BRIEF.c.site == site, IS_PREPARED, BRIEF.c.ready_at > now + CLOCKS
    )
    return list((await connection.execute(query)).scalars())


async def bring_forward(connection: AsyncConnection, now: datetime) -> int:
    """Have begun now what was to be begun at once, or waits, by a clock that was ahead; returns how many these are.

    What is to be begun at a moment of its visit stays.
    """
    by_that_clock = or_(BRIEF.c.due <= BRIEF.c.changed, BRIEF.c.reason.is_not(None))
    waits = (BRIEF.c.state == "requested") & (BRIEF.c.changed > now + CLOCKS) & by_that_clock
    brought = await connection.execute(update(BRIEF).where(waits).values(due=now, changed=now))
    return brought.rowcount
