"""What is deleted, and when: each kind of row after its own days, what is used up or over soon after.

What hangs on a brief (edits, decisions, approvals and the ledger of their writes, what was gathered, what a model was
asked) goes with it. The audit stays.
"""

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Column, ColumnElement, Table, delete, or_, select

from cds_service.storage.database import Database
from cds_service.storage.tables import (
    APPROVAL,
    BRIEF,
    CARD,
    DECISION,
    EDIT,
    FEEDBACK,
    PART,
    REPLAY,
    RUN,
    SESSION,
    SIGN_IN,
    WRITE_INTENT,
)

BATCH = 500
"""Rows deleted in one transaction: others get their turn in between."""
_PAUSE_S = 0.05
_UNDECIDED = ("ready", "expired", "cancelled")
"""Briefs that no clinician decided about and nothing is being done with."""
_SETTLED = ("in_review", "rejected", "withdrawn", "written", "verified", "failed")
"""Briefs that a person worked on and nothing is being done with; what is on its way to a chart never goes."""
_GATHERED = ("requested", "preparing")
"""Briefs of which parts are kept: what was gathered of any other is of no more use."""
_OF_BRIEF: tuple[Table, ...] = (EDIT, DECISION, WRITE_INTENT, APPROVAL, RUN)
_SIGN_IN = timedelta(hours=1)
"""A sign-in that nobody came back from in this time is given up."""
_SESSION = timedelta(days=7)
"""A session's tokens outlive its end by this: what was approved in it may still be being filed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Periods:
    """For how long is kept what nobody needs any more."""

    answers: timedelta
    """Briefs that nobody decided about, cards, feedback."""
    decided: timedelta
    """Briefs that a person worked on, with all that this person wrote and decided."""
    runs: timedelta
    """Records of what a model was asked."""


async def forget(database: Database, *, now: datetime, keep: Periods) -> dict[str, int]:
    """Delete what is older than its period, in small batches; return how many rows, by table."""
    gone: dict[str, int] = {}
    for column, is_old in _old(now, keep):
        name = column.table.name
        gone[name] = gone.get(name, 0) + await _delete(database, column, is_old)
    return gone


def _old(now: datetime, keep: Periods) -> Iterator[tuple[Column[object], ColumnElement[bool]]]:
    """Yield each table's key and which of its rows are to go; what hangs on a brief goes before it."""
    is_old = _old_brief(now, keep)
    for table in _OF_BRIEF:
        yield table.c.brief, table.c.brief.in_(select(BRIEF.c.id).where(is_old))
    yield BRIEF.c.id, is_old
    gathered = select(BRIEF.c.id).where(BRIEF.c.id == PART.c.brief, BRIEF.c.state.in_(_GATHERED))
    yield PART.c.brief, ~gathered.exists()
    yield CARD.c.uuid, CARD.c.created < now - keep.answers
    yield FEEDBACK.c.key, FEEDBACK.c.received < now - keep.answers
    yield RUN.c.brief, RUN.c.created < now - keep.runs
    yield REPLAY.c.key, REPLAY.c.expires < now.timestamp()
    yield SIGN_IN.c.id, SIGN_IN.c.begun < now - _SIGN_IN
    yield SESSION.c.id, SESSION.c.ends < now - _SESSION


def _old_brief(now: datetime, keep: Periods) -> ColumnElement[bool]:
    approved = select(APPROVAL.c.brief).where(APPROVAL.c.brief == BRIEF.c.id).exists()
    never_made = (BRIEF.c.state == "failed") & ~approved
    undecided = BRIEF.c.state.in_(_UNDECIDED) | never_made
    return or_(
        undecided & (BRIEF.c.changed < now - keep.answers),
        BRIEF.c.state.in_(_SETTLED) & (BRIEF.c.changed < now - keep.decided),
    )


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
