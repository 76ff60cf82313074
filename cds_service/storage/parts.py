"""What was gathered of briefs that are not made yet, sealed: kept until the record is whole, or the brief ends."""

from collections.abc import Iterable, Mapping

from sqlalchemy import delete, select
from sqlalchemy.ext.asyncio import AsyncConnection

from cds_service.storage.database import Database
from cds_service.storage.tables import PART


async def load(
    connection: AsyncConnection, database: Database, brief_id: str, site: str
) -> dict[str, bytes]:
    """Return what was gathered of a brief before it was interrupted, by query."""
    query = select(PART.c.key, PART.c.body).where(PART.c.brief == brief_id)
    return {
        key: await database.open(body, place=_part_place(brief_id, key, site))
        for key, body in await connection.execute(query)
    }


async def save(
    connection: AsyncConnection,
    database: Database,
    brief_id: str,
    site: str,
    parts: Mapping[str, bytes],
) -> None:
    """Keep what some queries brought, in place of what they brought earlier."""
    rows = [
        {
            "brief": brief_id,
            "key": key,
            "body": database.seal(body, place=_part_place(brief_id, key, site)),
        }
        for key, body in parts.items()
    ]
    if rows:
        older = delete(PART).where(PART.c.brief == brief_id, PART.c.key.in_(list(parts)))
        await connection.execute(older)
        await connection.execute(database.insert_new(PART), rows)


async def drop(connection: AsyncConnection, brief_ids: Iterable[str]) -> None:
    """Forget what was gathered: the brief has it, or will never be."""
    await connection.execute(delete(PART).where(PART.c.brief.in_(list(brief_ids))))


def _part_place(brief_id: str, key: str, site: str) -> str:
    return f"part|body|{brief_id}/{key}|{site}"
