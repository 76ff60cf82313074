"""The data keys in the database, each wrapped by the ring, bound to its row, and told to the audit when it is made."""

import asyncio
from collections.abc import Collection, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from functools import partial
from typing import Any

from sqlalchemy import RowMapping, select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.ext.asyncio import AsyncConnection

from cds_service.storage.chain import ADMINISTRATION, append, entry
from cds_service.storage.keyring import Wrapping
from cds_service.storage.seal import DataKey, Seals
from cds_service.storage.tables import DATA_KEY

Row = dict[str, Any]
_AT_ONCE = 8
"""Questions to a KMS: a start with hundreds of data keys asks as many."""
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
    seals.add(await all_unwrapped(seals.ring, fresh), now=now)


async def all_unwrapped(ring: Wrapping, rows: Sequence[RowMapping]) -> Sequence[DataKey]:
    """Return stored keys, some asked for at once: a KMS takes its time, and the event loop is the callers'."""
    return await asyncio.to_thread(_unwrapped_together, ring, rows)


def _unwrapped_together(ring: Wrapping, rows: Sequence[RowMapping]) -> Sequence[DataKey]:
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        return list(pool.map(partial(unwrapped, ring), rows))


async def wrapped(ring: Wrapping, keys: Iterable[DataKey], *, now: datetime) -> Sequence[Row]:
    """Return the rows of new keys, wrapped by the ring's newest key.

    A KMS may take long or hang: this comes before a transaction is opened, in which others would wait for it.
    """
    return [
        {name: getattr(key, name) for name in _FACTS}
        | {"created": now, "kek": ring.newest}
        | {"wrapped": await asyncio.to_thread(ring.wrap, key.secret, place=key.place)}
        for key in keys
    ]


async def save(seals: Seals, connection: AsyncConnection, rows: Sequence[Row]) -> None:
    """Store new keys, each with its audit entry; one that is there stays."""
    dialect = postgresql if connection.dialect.name == "postgresql" else sqlite
    await connection.execute(dialect.insert(DATA_KEY).on_conflict_do_nothing(), rows)
    told = [
        entry(
            site=row["site"],
            action="key",
            outcome="made",
            at=row["created"],
            purpose=ADMINISTRATION,
            facts={"kid": row["kid"], "for": row["purpose"], "quarter": row["quarter"]},
        )
        for row in rows
    ]
    await append(seals, connection, told)
