"""New keys for what is stored already, while the service runs: in small transactions, each of which may be the last.

Nothing is kept of how far a rotation came: each row says which key it is under, so that an interrupted rotation goes
on by being started again, and what is done is passed over.
"""

from collections.abc import AsyncIterator, Iterable, Iterator, Sequence
from datetime import datetime

from sqlalchemy import Column, Table, and_, func, select, tuple_, update
from sqlalchemy.ext.asyncio import AsyncConnection

from cds_service.storage.chain import ADMINISTRATION, append, entry
from cds_service.storage.data_keys import all_unwrapped, save, wrapped
from cds_service.storage.database import Database
from cds_service.storage.keyring import KID
from cds_service.storage.seal import SEAL, SHARED, DataKey, kid_of, new_key
from cds_service.storage.tables import DATA_KEY, METADATA

BATCH = 100


async def rewrap(database: Database, *, now: datetime) -> AsyncIterator[int]:
    """Wrap every data key with the ring's newest key; yields how many so far, after each batch."""
    ring, done = database.seals.ring, 0
    old = select(DATA_KEY).where(DATA_KEY.c.kek != ring.newest).order_by(DATA_KEY.c.kid)
    while True:
        async with database.reading() as connection:
            rows = (await connection.execute(old.limit(BATCH))).mappings().all()
        if not rows:
            return
        anew = await wrapped(ring, await all_unwrapped(ring, rows), now=now)
        async with database.transaction() as connection:
            for row in anew:
                change = update(DATA_KEY).where(DATA_KEY.c.kid == row["kid"])
                await connection.execute(change.values(kek=row["kek"], wrapped=row["wrapped"]))
            await _tell(database, connection, "rewrapped", now, by=ring.newest, keys=len(rows))
        done += len(rows)
        yield done


async def wrapping_keys(database: Database) -> set[str]:
    """Return the ring's keys that some data key is under."""
    async with database.reading() as connection:
        return set((await connection.execute(select(DATA_KEY.c.kek).distinct())).scalars())


async def begin(
    database: Database, sites: Iterable[str], *, begins: datetime, now: datetime
) -> list[DataKey]:
    """Make a new sealing key for each of these sites; it seals from `begins`, once every process has loaded it."""
    keys = [new_key(SEAL, site=site, begins=begins) for site in sites]
    rows = await wrapped(database.seals.ring, keys, now=now)
    async with database.transaction() as connection:
        await save(database.seals, connection, rows)
    database.seals.add(keys, now=now)
    return keys


async def sites_with_keys(database: Database) -> list[str]:
    """Return the sites that content is sealed for, the shared one included."""
    query = select(DATA_KEY.c.site).where(DATA_KEY.c.purpose == SEAL).distinct()
    async with database.reading() as connection:
        return sorted((await connection.execute(query)).scalars())


async def reseal(database: Database, *, now: datetime) -> AsyncIterator[int]:
    """Seal all content with its site's current key; yields how many values so far, after each batch.

    What the audit sealed stays under its first key: an entry is never changed. Raises `Misconfigured` for a value
    that does not open; it stays as it is.
    """
    done = 0
    for table, column in sealed_columns(again=True):
        after: Sequence[object] | None = ()
        while after is not None:
            async with database.transaction() as connection:
                after, changed = await _reseal_batch(database, connection, table, column, after)
                if changed:
                    where = f"{table.name}.{column.name}"
                    await _tell(
                        database, connection, "resealed", now, column=where, values=changed
                    )
            done += changed
            yield done


async def _reseal_batch(
    database: Database,
    connection: AsyncConnection,
    table: Table,
    column: Column[bytes],
    after: Sequence[object],
) -> tuple[Sequence[object] | None, int]:
    """Seal one batch again; return where to go on, or None at the end, and how many values were changed."""
    key = tuple(table.primary_key.columns)
    query = select(*key, table.c.site, column).where(column.is_not(None))
    if after:
        query = query.where(tuple_(*key) > tuple_(*after))
    rows = (await connection.execute(query.order_by(*key).limit(BATCH))).all()
    changed = 0
    for *identity, site, sealed in rows:
        current = database.seals.current(site)
        if current is not None and kid_of(sealed) == current.kid:
            continue
        place = f"{table.name}|{column.name}|{'.'.join(map(str, identity))}|{site}"
        fresh = database.seal(await database.open(sealed, place=place), place=place)
        # A value that was changed meanwhile has a newer key already.
        unchanged = and_(*(each == at for each, at in zip(key, identity, strict=True)))
        change = update(table).where(unchanged, column == sealed).values({column: fresh})
        await connection.execute(change)
        changed += 1
    return (rows[-1][: len(key)] if len(rows) == BATCH else None), changed


def sealed_columns(*, again: bool = False) -> Iterator[tuple[Table, Column[bytes]]]:
    """Yield every column of sealed content, or those only that a rotation seals again."""
    for table in METADATA.sorted_tables:
        for column in table.columns:
            if column.info.get("again" if again else "sealed"):
                yield table, column


async def unused(
    database: Database, *, made_before: datetime
) -> tuple[frozenset[str], frozenset[str]]:
    """Return which data keys, and which keys of the ring, nothing is under any more.

    Data keys are judged that this process loaded at its start and that every process has had time to load: of any
    other, nobody here can tell who is about to seal with it. The shared key is never among them: the engine seals
    with it in a database of its own.
    """
    async with database.reading() as connection:
        used = await _kids_in_use(connection)
        rows = (await connection.execute(select(DATA_KEY))).mappings().all()
    seals = database.seals
    judged = [row for row in rows if row["kid"] in seals.keys and row["created"] < made_before]
    waiting = {key.kid for key in seals.keys.values() if seals.now and key.begins > seals.now}
    idle = {
        row["kid"]
        for row in judged
        if row["purpose"] == SEAL and row["site"] != SHARED and row["kid"] not in used | waiting
        if (current := seals.current(row["site"])) is None or current.kid != row["kid"]
    }
    wrapping = {row["kek"] for row in rows} | used | {seals.ring.newest}
    return frozenset(idle), frozenset(seals.ring.keys) - frozenset(wrapping)


async def _kids_in_use(connection: AsyncConnection) -> set[str]:
    """Return the ids of all keys that some content is under; those of the first release are the ring's own."""
    used = set()
    for _, column in sealed_columns():
        kids = select(func.substr(column, 2, KID)).where(column.is_not(None)).distinct()
        used |= {bytes(kid).decode("ascii") for kid in (await connection.execute(kids)).scalars()}
    return used


async def delete_data_keys(
    database: Database, kids: frozenset[str], *, now: datetime
) -> frozenset[str]:
    """Delete data keys that nothing is under, looking once more; return which. Backups lose what is under them."""
    async with database.transaction() as connection:
        idle = kids - await _kids_in_use(connection)
        if idle:
            await connection.execute(DATA_KEY.delete().where(DATA_KEY.c.kid.in_(idle)))
            await _tell(database, connection, "deleted", now, kids=sorted(idle))
    return idle


async def _tell(
    database: Database, connection: AsyncConnection, outcome: str, now: datetime, **facts: object
) -> None:
    known = {"action": "key", "outcome": outcome, "purpose": ADMINISTRATION}
    told = entry(site=SHARED, at=now, facts=facts, **known)
    await append(database.seals, connection, [told])
