"""What is deleted: answers, feedback and records of runs after their days, what is used up or over soon after.

The audit stays.
"""

import asyncio
from collections.abc import Iterator
from datetime import datetime, timedelta

from sqlalchemy import Column, ColumnElement, delete, select

from cds_service.storage.database import Database
from cds_service.storage.tables import BRIEF, CARD, FEEDBACK, REPLAY, RUN, SESSION, SIGN_IN

BATCH = 500
"""Rows deleted in one transaction: others get their turn in between."""
_PAUSE_S = 0.05
_UNDECIDED = ("ready", "expired", "cancelled")
"""Briefs that no clinician decided about and nothing is being done with."""


async def forget(
    database: Database, *, now: datetime, keep: timedelta, keep_runs: timedelta
) -> dict[str, int]:
    """Delete what is older than `keep`, and records of runs by their own; return how many rows, by table."""
    gone = {}
    for column, is_old in _old(now, now - keep, now - keep_runs):
        gone[column.table.name] = await _delete(database, column, is_old)
    return gone


_SIGN_IN = timedelta(hours=1)
"""A sign-in that nobody came back from in this time is given up."""
_SESSION = timedelta(days=7)
"""A session's tokens outlive its end by this: what was approved in it may still be being filed."""


def _old(
    now: datetime, before: datetime, runs_before: datetime
) -> Iterator[tuple[Column[object], ColumnElement[bool]]]:
    """Yield each table's key and which of its rows are to go."""
    undecided = BRIEF.c.state.in_(_UNDECIDED)
    yield BRIEF.c.id, undecided & (BRIEF.c.changed < before)
    yield CARD.c.uuid, CARD.c.created < before
    yield FEEDBACK.c.key, FEEDBACK.c.received < before
    yield RUN.c.brief, RUN.c.created < runs_before
    yield REPLAY.c.key, REPLAY.c.expires < now.timestamp()
    yield SIGN_IN.c.id, SIGN_IN.c.begun < now - _SIGN_IN
    yield SESSION.c.id, SESSION.c.ends < now - _SESSION


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
