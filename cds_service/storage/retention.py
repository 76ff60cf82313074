"""What is deleted: answers and feedback after some days, used tokens once they have expired. The audit stays."""

import asyncio
from collections.abc import Iterator
from datetime import datetime, timedelta

from sqlalchemy import Column, ColumnElement, delete, select

from cds_service.storage.database import Database
from cds_service.storage.tables import BRIEF, CARD, FEEDBACK, REPLAY

BATCH = 500
"""Rows deleted in one transaction: others get their turn in between."""
_PAUSE_S = 0.05
_UNDECIDED = ("ready", "expired", "cancelled")
"""Briefs that no clinician decided about and nothing is being done with."""


async def forget(database: Database, *, now: datetime, keep: timedelta) -> dict[str, int]:
    """Delete what is older than `keep`, in small batches; return how many rows, by table."""
    gone = {}
    for column, is_old in _old(now, now - keep):
        gone[column.table.name] = await _delete(database, column, is_old)
    return gone


def _old(now: datetime, before: datetime) -> Iterator[tuple[Column[object], ColumnElement[bool]]]:
    """Yield each table's key and which of its rows are to go."""
    undecided = BRIEF.c.state.in_(_UNDECIDED)
    yield BRIEF.c.id, undecided & (BRIEF.c.changed < before)
    yield CARD.c.uuid, CARD.c.created < before
    yield FEEDBACK.c.key, FEEDBACK.c.received < before
    yield REPLAY.c.key, REPLAY.c.expires < now.timestamp()


async def _delete(database: Database, key: Column[object], is_old: ColumnElement[bool]) -> int:
    total = 0
    while True:
        async with database.transaction() as connection:
            some = select(key).where(is_old).limit(BATCH)
            ended = await connection.execute(delete(key.table).where(key.in_(some)))
        total += ended.rowcount
        if ended.rowcount < BATCH:
            return total
        await asyncio.sleep(_PAUSE_S)
