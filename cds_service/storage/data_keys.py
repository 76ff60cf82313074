"""The data keys in the database, each wrapped by the ring, bound to its row, and told to the audit when it is made."""

import asyncio
from collections.abc import Collection, Sequence
from datetime import datetime

from sqlalchemy import RowMapping, select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.ext.asyncio import AsyncConnection

from cds_service.storage.chain import ADMINISTRATION, append, entry
from cds_service.storage.keyring import Wrapping
from cds_service.storage.seal import DataKey, Seals
from cds_service.storage.tables import DATA_KEY

_FACTS = ("kid", "purpose", "site", "quarter", "begins")


async def stored(
    connection: AsyncConnection, *, but: Collection[str] = ()
) -> Sequence[RowMapping]:
    """Return the rows of all data keys, wrapped, but for those with these ids."""
    kids = (await connection.execute(select(DATA_KEY.c.kid))).scalars()
    wanted = [kid for kid in kids if kid not in but]
    if not wanted:
        return ()
    query = select(DATA_KEY).where(DATA_KEY.c.kid.in_(wanted))
    return (await connection.execute(query)).mappings().all()


def unwrapped(ring: Wrapping, row: RowMapping) -> DataKey:
    """Return a stored key. Raises `Misconfigured` when the ring is not the one that wrapped it."""
    facts = {name: row[name] for name in _FACTS}
    place = DataKey(**facts, secret=b"").place
    return DataKey(**facts, secret=ring.unwrap(row["wrapped"], kid=row["kek"], place=place))


async def load(seals: Seals, connection: AsyncConnection, *, now: datetime) -> None:
    """Take in the stored keys that are not at hand yet. Raises `Misconfigured`, as `unwrapped` does."""
    fresh = await stored(connection, but=seals.keys)
    # A KMS takes its time, and the event loop is the callers'.
    keys = [await asyncio.to_thread(unwrapped, seals.ring, row) for row in fresh]
    seals.add(keys, now=now)


async def save(
    seals: Seals, connection: AsyncConnection, keys: Sequence[DataKey], *, now: datetime
) -> None:
    """Store keys, wrapped by the ring's newest key, each with its audit entry; one that is there stays."""
    rows = [
        {name: getattr(key, name) for name in _FACTS}
        | {"created": now, "kek": seals.ring.newest}
        | {"wrapped": await asyncio.to_thread(seals.ring.wrap, key.secret, place=key.place)}
        for key in keys
    ]
    dialect = postgresql if connection.dialect.name == "postgresql" else sqlite
    await connection.execute(dialect.insert(DATA_KEY).on_conflict_do_nothing(), rows)
    told = [
        entry(
            site=key.site,
            action="key",
            outcome="made",
            at=now,
            purpose=ADMINISTRATION,
            facts={"kid": key.kid, "for": key.purpose, "quarter": key.quarter},
        )
        for key in keys
    ]
    await append(seals, connection, told)
