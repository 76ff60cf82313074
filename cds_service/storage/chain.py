"""The audit's chains: one for each site, each entry bound to the one before it by a keyed hash.

`mac = HMAC(key, mac of the entry before | this entry)`. Who can write to the database but has no key ring can
neither change, insert, drop nor reorder an entry without `verify` noticing, nor cut the newest ones off: `audit_head`
says, under the same key, where each chain ends. Only who puts back an older database as a whole gets past it, and
that is what a head exported to another place is for.
"""

import json
from base64 import b64encode
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

from sqlalchemy import RowMapping, select, text
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.ext.asyncio import AsyncConnection

from cds_service.storage.seal import Seals
from cds_service.storage.tables import AUDIT, AUDIT_HEAD

Row = dict[str, Any]

TREATMENT, OPERATIONS, ADMINISTRATION = "TREAT", "HOPERAT", "HSYSADMIN"
"""Purposes of use (HL7 v3 PurposeOfUse)."""
_START = bytes(32)
"""Stands before the first entry."""
_BATCH = 1000
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_TEXTS = {"action": 32, "outcome": 64, "actor": 256, "purpose": 32, "trace": 32, "brief": 36}
"""Columns of text, and how long each may be."""


def entry(*, site: str, at: datetime, facts: Mapping[str, Any], **known: Any) -> Row:  # noqa: ANN401
    """Return one entry to append; `known` are further columns of `audit`. It has its id from here on."""
    texts = {name: _clean(known.get(name, ""))[:size] for name, size in _TEXTS.items()}
    row = {"site": site, "id": known.get("id") or new_entry_id(), "at": at, "facts": dict(facts)}
    return row | texts | {"patient": known.get("patient")}


def new_entry_id() -> str:
    """Return a random id, which the sealed patient of an entry is bound to."""
    return str(uuid4())


def _clean(value: str) -> str:
    """Leave out what no database takes as text; it comes from callers."""
    return value if value.isprintable() else "".join(c for c in value if c.isprintable())


async def append(seals: Seals, connection: AsyncConnection, entries: Iterable[Row]) -> None:
    """Append entries to their sites' chains, in this order, in the caller's transaction.

    Raises what the database raises: who cannot write an audit entry does not change anything else either.
    """
    by_site: dict[str, list[Row]] = {}
    for each in entries:
        by_site.setdefault(each["site"], []).append(each)
    for site in sorted(
        by_site
    ):  # in one order everywhere, so that two processes never wait in a ring
        await _append(seals, connection, site, by_site[site])


async def _append(
    seals: Seals, connection: AsyncConnection, site: str, entries: Sequence[Row]
) -> None:
    await _lock(connection, site)
    query = select(AUDIT_HEAD.c.seq, AUDIT_HEAD.c.mac).where(AUDIT_HEAD.c.site == site)
    head = (await connection.execute(query)).first()
    seq, mac = (head.seq, head.mac) if head else (0, _START)
    rows = []
    for each in entries:
        seq += 1
        row = each | {"seq": seq}
        mac = seals.chain(mac + _message(row))
        rows.append(row | {"mac": mac})
    await connection.execute(AUDIT.insert(), rows)
    changes = {"seq": seq, "mac": mac, "seal": seals.chain(_head_message(site, seq, mac))}
    dialect = postgresql if connection.dialect.name == "postgresql" else sqlite
    upsert = dialect.insert(AUDIT_HEAD).values(site=site, **changes)
    await connection.execute(upsert.on_conflict_do_update(index_elements=["site"], set_=changes))


async def _lock(connection: AsyncConnection, site: str) -> None:
    """Let one transaction at a time append to a chain; on SQLite there is only one anyway."""
    if connection.dialect.name == "postgresql":
        lock = text("SELECT pg_advisory_xact_lock(hashtextextended(:chain, 0))")
        await connection.execute(lock, {"chain": f"audit|{site}"})


def _message(row: Mapping[str, Any]) -> bytes:
    """Return everything that an entry says, in one form."""
    patient = row["patient"]
    said = [
        row["site"],
        row["seq"],
        row["id"],
        (row["at"] - _EPOCH) // _EPOCH.resolution,
        *(row[name] for name in _TEXTS),
        None if patient is None else b64encode(patient).decode("ascii"),
        row["facts"],
    ]
    return json.dumps(said, sort_keys=True, separators=(",", ":")).encode("ascii")


def _head_message(site: str, seq: int, mac: bytes) -> bytes:
    return b"head|" + f"{site}|{seq}|".encode() + mac


@dataclass(frozen=True, slots=True, kw_only=True)
class Head:
    """Where one site's chain ended at some moment, signed."""

    site: str
    seq: int
    mac: bytes
    seal: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What was found when a chain was walked."""

    site: str
    entries: int
    broken_at: int | None = None
    """`seq` of the first entry that is not what was appended."""
    problem: str = ""
    entry_id: str = ""


async def heads(connection: AsyncConnection) -> list[Head]:
    """Return where all chains end, by site."""
    rows = await connection.execute(select(AUDIT_HEAD).order_by(AUDIT_HEAD.c.site))
    return [Head(**row) for row in rows.mappings()]


async def walk(connection: AsyncConnection, site: str) -> AsyncIterator[RowMapping]:
    """Yield a chain's entries in order, a bounded number in memory."""
    after = 0
    while True:
        query = select(AUDIT).where(AUDIT.c.site == site, AUDIT.c.seq > after)
        rows = (await connection.execute(query.order_by(AUDIT.c.seq).limit(_BATCH))).mappings()
        batch = rows.all()
        for row in batch:
            yield row
        if len(batch) < _BATCH:
            return
        after = batch[-1]["seq"]


async def verify(
    seals: Seals, connection: AsyncConnection, site: str, known: Sequence[Head] = ()
) -> Verdict:
    """Walk one chain and compare it with its head, and with heads that were kept elsewhere."""
    kept = {head.seq: head.mac for head in known if head.site == site}
    seq, mac = 0, _START
    async for row in walk(connection, site):
        seq += 1
        mac = seals.chain(mac + _message(dict(row)))
        problem = ""
        if row["seq"] != seq:
            problem = "is missing"
        elif row["mac"] != mac:
            problem = "was changed, inserted or moved"
        elif kept.get(seq, mac) != mac:
            problem = "is not the one that the exported head speaks of"
        if problem:
            named = "" if problem == "is missing" else row["id"]
            return Verdict(
                site=site, entries=seq - 1, broken_at=seq, problem=problem, entry_id=named
            )
    return _ended(seals, site, seq, mac, [*await _head_of(connection, site), *known])


async def _head_of(connection: AsyncConnection, site: str) -> list[Head]:
    return [head for head in await heads(connection) if head.site == site]


def _ended(seals: Seals, site: str, seq: int, mac: bytes, known: Sequence[Head]) -> Verdict:
    """Judge where a chain ends, whose entries are all right as far as they go."""
    said = [head for head in known if head.site == site]
    if not said:
        return Verdict(
            site=site, entries=seq, broken_at=seq + 1, problem="and its head are missing"
        )
    for head in said:
        if head.seal != seals.chain(_head_message(head.site, head.seq, head.mac)):
            problem = "is followed by a head that this key ring did not sign"
            return Verdict(site=site, entries=seq, broken_at=seq, problem=problem)
        if head.seq > seq:
            problem = "is missing: the end was cut off"
            return Verdict(site=site, entries=seq, broken_at=seq + 1, problem=problem)
    if (said[0].seq, said[0].mac) != (seq, mac):
        problem = "lies beyond the chain's head"
        return Verdict(site=site, entries=seq, broken_at=said[0].seq + 1, problem=problem)
    return Verdict(site=site, entries=seq)
