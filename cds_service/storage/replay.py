"""The tokens that were used, kept until they have expired, so that a restart or a second process refuses them too.

Embedded, they are written behind and loaded at the start: a crash forgets at most what was not flushed. On
PostgreSQL each is claimed in the database before the call goes on, so that a token is good in one process only; the
commit is not waited for (`synchronous_commit=off`): only a crash of PostgreSQL itself may forget the last moments.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import sha256

from sqlalchemy import select, text

from cds_service.domain.errors import StorageAway
from cds_service.storage.database import OUTAGES
from cds_service.storage.in_time import in_time
from cds_service.storage.tables import REPLAY
from cds_service.storage.writer import Writer

CLAIM_S = 1.0
"""Longer no call waits for its token to be claimed, which takes some milliseconds. It is more than a busy process takes
to come round to the answer, and by then an EHR waits no more. Its token may have been claimed all the same, and is then
refused if it comes again."""
_CLAIM = text("""
INSERT INTO replay (key, first, expires)
SELECT :key, :first, :expires FROM (SELECT set_config('synchronous_commit', 'off', true)) AS quick
ON CONFLICT (key) DO UPDATE SET first = :first, expires = :expires WHERE replay.expires < :first
RETURNING key
""")
"""One round trip: it returns a row when the token is new, or an expired one's name is used again."""


@dataclass(frozen=True, slots=True)
class UsedTokens:
    """Where used tokens are kept. One for each process."""

    writer: Writer

    async def load(self, now: float) -> dict[bytes, tuple[float, float]]:
        """Return when each was first used and when it expires, by key; nothing where a database is shared."""
        database = self.writer.database
        if not database.is_embedded:
            return {}
        query = select(REPLAY).where(REPLAY.c.expires >= now)
        async with database.reading() as connection:
            rows = await connection.execute(query)
            return {row.key: (row.first, row.expires) for row in rows}

    async def claim(self, key: bytes, *, first: float, expires: float) -> float | None:
        """Keep a token that this process does not know; return when another process saw it first, or None.

        Raises `StorageAway`: a token that cannot be claimed, or not in time, is not taken.
        """
        database = self.writer.database
        row = {"key": key, "first": first, "expires": expires}
        if database.is_embedded:
            self.writer.token(row)
            return None
        try:
            return await in_time(self._claim(row), CLAIM_S)
        except OUTAGES:  # a time-out is one of them
            raise StorageAway from None

    async def _claim(self, row: Mapping[str, object]) -> float | None:
        async with self.writer.database.engine.connect() as connection:
            await connection.execution_options(isolation_level="AUTOCOMMIT")
            if (await connection.execute(_CLAIM, row)).first() is not None:
                return None
            query = select(REPLAY.c.first).where(REPLAY.c.key == row["key"])
            seen: float = (await connection.execute(query)).scalar_one()
            return seen


def token_key(issuer: str, jti: str) -> bytes:
    """Return what a token is known by: 32 bytes, however long the names are."""
    return sha256(f"{issuer}\x1f{jti}".encode()).digest()
