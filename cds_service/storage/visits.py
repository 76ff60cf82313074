"""The visits that are to come, as the rows of briefs have them: what a poll of a schedule is held against."""

from collections.abc import Collection
from datetime import datetime

from sqlalchemy import ColumnElement, func, or_, select, union
from sqlalchemy.ext.asyncio import AsyncConnection

from cds_service.storage.briefs import Row
from cds_service.storage.tables import BRIEF, IS_ANNOUNCED, IS_EXPECTED

_ROW = tuple(BRIEF.c[name] for name in Row.__dataclass_fields__)
_IS_CALLED_OFF = BRIEF.c.state == "cancelled"


async def known(
    connection: AsyncConnection,
    site: str,
    now: datetime,
    *,
    patients: Collection[str] | None = None,
) -> list[Row]:
    """Return one row of each visit of a site that is still to come; of these patients (blind indices), or of all."""
    newest = func.row_number().over(partition_by=BRIEF.c.visit, order_by=BRIEF.c.created.desc())
    of_visit = (
        select(BRIEF.c.id, newest.label("place"))
        .where(*_still_to_come(site, now, patients), IS_EXPECTED)
        .subquery()
    )
    query = select(*_ROW).join(of_visit, of_visit.c.id == BRIEF.c.id).where(of_visit.c.place == 1)
    return [Row(*row) for row in await connection.execute(query)]


async def announced(
    connection: AsyncConnection,
    site: str,
    now: datetime,
    *,
    patients: Collection[str] | None = None,
) -> list[Row]:
    """Return the open briefs of a site that name no visit; of these patients (blind indices), or of all."""
    query = select(*_ROW).where(*_still_to_come(site, now, patients), IS_ANNOUNCED)
    return [Row(*row) for row in await connection.execute(query)]


async def called_off(
    connection: AsyncConnection,
    site: str,
    now: datetime,
    *,
    patients: Collection[str] | None = None,
) -> list[Row]:
    """Return the briefs of visits that were called off and could still stand again; of these patients, or of all."""
    query = select(*_ROW).where(*_still_to_come(site, now, patients), _IS_CALLED_OFF)
    return [Row(*row) for row in await connection.execute(query)]


async def patients_to_come(connection: AsyncConnection, site: str, now: datetime) -> list[str]:
    """Return whom open briefs, and those of visits called off, are of (blind indices), each once and in their order."""
    patients = union(
        *(
            select(BRIEF.c.patient).where(*_still_to_come(site, now), condition)
            for condition in (IS_EXPECTED, IS_ANNOUNCED, _IS_CALLED_OFF)
        )
    )
    return sorted((await connection.execute(patients)).scalars())


def _still_to_come(
    site: str, now: datetime, patients: Collection[str] | None = None
) -> tuple[ColumnElement[bool], ...]:
    of_site = (BRIEF.c.site == site, BRIEF.c.expires_at > now)
    return of_site if patients is None else (*of_site, BRIEF.c.patient.in_(list(patients)))


async def waiting(
    connection: AsyncConnection, site: str, patient: str, now: datetime
) -> list[Row]:
    """Return a patient's briefs (a blind index) that are to be begun by now, wait for their EHR, or are being made."""
    is_asked = (BRIEF.c.state == "requested") & or_(
        BRIEF.c.due <= now, BRIEF.c.reason.is_not(None)
    )
    query = (
        select(*_ROW)
        .where(BRIEF.c.site == site, BRIEF.c.patient == patient)
        .where(is_asked | (BRIEF.c.state == "preparing"))
        .order_by(BRIEF.c.due)
    )
    return [Row(*row) for row in await connection.execute(query)]
