"""The rows of sign-ins under way and of launch sessions. One statement in each function.

A row is known by the hash of what only the browser holds: whoever reads the database can take over no session. What
says who the patient and the person are, and the tokens, is sealed.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy import delete, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from cds_service.domain.states import SHOWN
from cds_service.storage.database import Database
from cds_service.storage.tables import BRIEF, SESSION, SIGN_IN

_WAITING = ("requested", "preparing")
"""States of a brief that is on its way: its page says so."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionRow:
    """One launch session as it is stored."""

    id: str = field(repr=False)
    site: str
    brief: str
    started: datetime
    seen: datetime
    ends: datetime
    body: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class BriefOf:
    """Whose a brief is: blind indexes."""

    id: str
    patient: str = field(repr=False)
    visit: str | None = field(repr=False)


async def add_sign_in(
    connection: AsyncConnection,
    database: Database,
    *,
    key: str,
    site: str,
    at: datetime,
    body: bytes,
) -> None:
    """Keep what a browser's return will be compared with; `key` is the hash of its `state`."""
    sealed = database.seal(body, place=f"sign_in|body|{key}|{site}")
    await connection.execute(insert(SIGN_IN).values(id=key, site=site, begun=at, body=sealed))


async def take_sign_in(
    connection: AsyncConnection, database: Database, *, key: str, site: str
) -> bytes | None:
    """Return what was kept and forget it: each `state` is good once. None when there is none at this site."""
    taken = (
        delete(SIGN_IN)
        .where(SIGN_IN.c.id == key, SIGN_IN.c.site == site)
        .returning(SIGN_IN.c.body)
    )
    body = (await connection.execute(taken)).scalar_one_or_none()
    if body is None:
        return None
    return await database.open(body, place=f"sign_in|body|{key}|{site}")


async def add(
    connection: AsyncConnection, database: Database, row: SessionRow, *, tokens: bytes
) -> None:
    """Add a session; `row.body` and `tokens` are sealed here."""
    await connection.execute(
        insert(SESSION).values(
            id=row.id,
            site=row.site,
            brief=row.brief,
            started=row.started,
            seen=row.seen,
            ends=row.ends,
            body=database.seal(row.body, place=f"session|body|{row.id}|{row.site}"),
            tokens=database.seal(tokens, place=f"session|tokens|{row.id}|{row.site}"),
        )
    )


async def find(
    connection: AsyncConnection, database: Database, *, key: str, site: str
) -> SessionRow | None:
    """Return a session of this site with its body opened, or None."""
    columns = [SESSION.c[name] for name in SessionRow.__dataclass_fields__]
    query = select(*columns).where(SESSION.c.id == key, SESSION.c.site == site)
    found = (await connection.execute(query)).mappings().one_or_none()
    if found is None:
        return None
    body = await database.open(found["body"], place=f"session|body|{key}|{site}")
    return SessionRow(**{**found, "body": body})


async def touch(connection: AsyncConnection, key: str, seen: datetime) -> None:
    """Say that a session was used; an older moment changes nothing."""
    await connection.execute(
        update(SESSION).where(SESSION.c.id == key, SESSION.c.seen < seen).values(seen=seen)
    )


async def end(connection: AsyncConnection, key: str, at: datetime) -> None:
    """End a session; its tokens stay for what was approved in it and is being filed."""
    await connection.execute(
        update(SESSION).where(SESSION.c.id == key, SESSION.c.ends > at).values(ends=at)
    )


async def tokens(
    connection: AsyncConnection, database: Database, *, key: str, site: str
) -> bytes | None:
    """Return the opened tokens of a session, or None when it is unknown or forgotten."""
    query = select(SESSION.c.tokens).where(SESSION.c.id == key, SESSION.c.site == site)
    sealed = (await connection.execute(query)).scalar_one_or_none()
    if sealed is None:
        return None
    return await database.open(sealed, place=f"session|tokens|{key}|{site}")


async def set_tokens(
    connection: AsyncConnection, database: Database, *, key: str, site: str, body: bytes
) -> None:
    """Replace the tokens of a session."""
    sealed = database.seal(body, place=f"session|tokens|{key}|{site}")
    await connection.execute(update(SESSION).where(SESSION.c.id == key).values(tokens=sealed))


async def brief_of(connection: AsyncConnection, site: str, brief_id: str) -> BriefOf | None:
    """Return whose a brief of this site is, or None; what a card showed of a prepared brief is of that one's visit."""
    columns = (BRIEF.c.id, BRIEF.c.patient, BRIEF.c.visit, BRIEF.c.versions)
    query = select(*columns).where(BRIEF.c.site == site)
    row = (await connection.execute(query.where(BRIEF.c.id == brief_id))).one_or_none()
    if row is None:
        return None
    prepared, visit = (row.versions or {}).get("prepared"), row.visit
    if visit is None and prepared:
        origin = (await connection.execute(query.where(BRIEF.c.id == prepared))).one_or_none()
        is_same = origin is not None and origin.patient == row.patient
        visit = origin.visit if origin is not None and is_same else None
    return BriefOf(row.id, row.patient, visit)


async def newest_brief(
    connection: AsyncConnection,
    site: str,
    patient: str,
    visits: Sequence[str],
    *,
    since: datetime,
) -> str | None:
    """Return the brief that a launch means: the newest of its visit, else the patient's newest, else None.

    `patient` and `visits` are blind indexes. Whole ones go before those that are on their way.
    """
    query = (
        select(BRIEF.c.id, BRIEF.c.visit, BRIEF.c.state)
        .where(
            BRIEF.c.site == site,
            BRIEF.c.patient == patient,
            BRIEF.c.state.in_((*SHOWN, *_WAITING)),
            BRIEF.c.created >= since,
        )
        .order_by(BRIEF.c.created.desc())
        .limit(100)
    )
    rows = list(await connection.execute(query))
    ranked = sorted(rows, key=lambda row: (row.visit not in visits, row.state in _WAITING))
    return ranked[0].id if ranked else None
