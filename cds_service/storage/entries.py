"""Reads audit entries for people who ask why: the newest of a site, and those that know an id."""

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import inspect, or_, select

from cds_service.storage.database import Database
from cds_service.storage.tables import AUDIT, CARD, FEEDBACK

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


_SHOWN = (AUDIT.c.id, AUDIT.c.site, AUDIT.c.at, AUDIT.c.action, AUDIT.c.outcome)
_KNOWN = (*_SHOWN, AUDIT.c.trace, AUDIT.c.brief, AUDIT.c.facts)
_ENOUGH = 200


async def entries_about(database: Database, identity: str) -> Sequence[Row]:
    """Return the entries that know an id, oldest first: of an entry, hook instance, card, brief or trace.

    Nothing sealed is read: neither whose chart it was nor what a card said.
    """
    async with database.reading() as connection:
        card = select(CARD.c.brief).where(CARD.c.uuid == identity)
        brief = (await connection.execute(card)).scalar_one_or_none() or identity
        instance = AUDIT.c.facts["hook_instance"].as_string()
        named = or_(AUDIT.c.brief == brief, AUDIT.c.trace == identity, AUDIT.c.id == identity)
        query = select(*_KNOWN).where(or_(named, instance == identity))
        rows = await connection.execute(query.order_by(AUDIT.c.at).limit(_ENOUGH))
        return [dict(row) for row in rows.mappings()]


async def cards_of(database: Database, brief: str) -> Sequence[Row]:
    """Return the cards of a brief with what was told about them: uuid, service, topic, outcome or None."""
    joined = CARD.outerjoin(FEEDBACK, FEEDBACK.c.card == CARD.c.uuid)
    query = select(CARD.c.uuid, CARD.c.service, CARD.c.topic, FEEDBACK.c.outcome)
    query = query.select_from(joined).where(CARD.c.brief == brief)
    async with database.reading() as connection:
        return [dict(row) for row in (await connection.execute(query)).mappings()]


async def topics(database: Database, uuids: Sequence[str]) -> Sequence[str]:
    """Return the service and topic of each of these cards, in no order."""
    query = select(CARD.c.service, CARD.c.topic).where(CARD.c.uuid.in_(uuids[:_MOST]))
    async with database.reading() as connection:
        return [f"{row.service}: {row.topic}" for row in await connection.execute(query)]
