"""Reads audit entries for people who ask why: the newest of a site, and those that know an id."""

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import inspect, select

from cds_service.storage.database import Database
from cds_service.storage.tables import AUDIT

Row = Mapping[str, Any]
_MOST = 5000


async def newest_entries(
    database: Database, *, site: str, most: int = _MOST
) -> Sequence[Row] | None:
    """Return a site's newest entries, newest first; None when this database was never served from."""
    async with database.reading() as connection:
        there = await connection.run_sync(lambda known: inspect(known).has_table(AUDIT.name))
        if not there:
            return None
        query = select(AUDIT.c.at, AUDIT.c.action, AUDIT.c.outcome, AUDIT.c.facts)
        query = query.where(AUDIT.c.site == site).order_by(AUDIT.c.seq.desc()).limit(most)
        return [dict(row) for row in (await connection.execute(query)).mappings()]
