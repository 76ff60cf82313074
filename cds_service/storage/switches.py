"""What an operator switched off: a row for each site, service or agent that is off; on again removes it."""

from datetime import datetime

from sqlalchemy import delete, select
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncConnection

from cds_service.storage.database import Database
from cds_service.storage.in_time import in_time
from cds_service.storage.tables import SWITCH

WHOLE_SITE = ""
"""In place of a service: everything of the site."""
AGENT = "agent"
"""In place of a service: the model alone; the rules' briefs go on."""
READ_S = 1.0
"""A read that takes longer counts as failed, so that readiness tells of a database that hangs."""
Off = frozenset[tuple[str, str]]


async def switched_off(database: Database) -> Off | None:
    """Return all (site, what) that are off; None while the database cannot be read, or not in time."""
    try:
        return await in_time(_read(database), READ_S)
    except (SQLAlchemyError, OSError):  # a time-out is one of them
        return None


async def _read(database: Database) -> Off:
    async with database.reading() as connection:
        rows = await connection.execute(select(SWITCH.c.site, SWITCH.c.what))
        return frozenset((row.site, row.what) for row in rows)


async def set_switch(
    connection: AsyncConnection, *, site: str, what: str, on: bool, by: str, at: datetime
) -> None:
    """Switch off or on, in the caller's transaction; doing it twice changes nothing."""
    here = (SWITCH.c.site == site) & (SWITCH.c.what == what)
    await connection.execute(delete(SWITCH).where(here))
    if not on:
        row = {"site": site, "what": what, "by": by, "at": at}
        await connection.execute(SWITCH.insert(), [row])
