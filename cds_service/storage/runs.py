"""Records of what a model was asked and answered for a brief: sealed, and gone after some days."""

from datetime import datetime

from sqlalchemy import delete, select
from sqlalchemy.ext.asyncio import AsyncConnection

from cds_service.storage.database import Database
from cds_service.storage.tables import BRIEF, RUN


async def keep(
    connection: AsyncConnection,
    database: Database,
    brief: tuple[str, str],
    record: bytes,
    *,
    at: datetime,
    replaces: bool = True,
) -> None:
    """Keep the record of the run behind a brief (its id and site).

    One that `replaces` stands for those that came to nothing; another is kept where there is none.
    """
    brief_id, site = brief
    if replaces:
        await connection.execute(delete(RUN).where(RUN.c.brief == brief_id))
    sealed = database.seal(record, place=_place(brief_id, site))
    row = {"brief": brief_id, "site": site, "created": at, "record": sealed}
    await connection.execute(database.insert_new(RUN), [row])


async def of_brief(
    connection: AsyncConnection, database: Database, *, site: str, patient: str, brief: str
) -> bytes | None:
    """Return the record behind a brief of this patient (a blind index), or None."""
    query = (
        select(RUN.c.record)
        .join(BRIEF, BRIEF.c.id == RUN.c.brief)
        .where(RUN.c.brief == brief, BRIEF.c.site == site, BRIEF.c.patient == patient)
    )
    sealed = (await connection.execute(query)).scalar_one_or_none()
    return None if sealed is None else await database.open(sealed, place=_place(brief, site))


def _place(brief_id: str, site: str) -> str:
    return f"run|record|{brief_id}|{site}"
