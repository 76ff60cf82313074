"""What was gathered so far of a brief: kept sealed, and where a gathering notices that it is to stop."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from cds_service.storage import Connection, Database, briefs
from cds_service.storage import parts as stored_parts


class NotWanted(Exception):
    """A brief ended while its record was being gathered: its visit was called off, say."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Parts:
    """Finished queries of one brief, sealed in the database until the record is whole.

    They are kept every few seconds, and are what a gathering notices by that nobody wants it any more.
    """

    database: Database
    row: briefs.Row
    ehr: str
    """Whose answers they are: those of an EHR that the site had before are not this one's."""
    check_on: Callable[[], None]
    """Raises `Temporary` when its site was switched off meanwhile."""

    async def load(self) -> Mapping[str, bytes]:
        """Return what is kept, by the query's key."""
        async with self.database.reading() as connection:
            kept = await stored_parts.load(connection, self.database, self.row.id, self.row.site)
        ours = self._key("")
        return {key.removeprefix(ours): p for key, p in kept.items() if key.startswith(ours)}

    async def save(self, parts: Mapping[str, bytes]) -> None:
        """Keep more of it. Raises `NotWanted`, and `Temporary` when no more is to be read for now."""
        self.check_on()
        async with self.database.transaction() as connection:
            await check_wanted(connection, self.row)
            told = {self._key(key): part for key, part in parts.items()}
            await stored_parts.save(connection, self.database, self.row.id, self.row.site, told)

    def _key(self, key: str) -> str:
        return f"{self.ehr}|{key}"


async def check_wanted(connection: Connection, row: briefs.Row) -> None:
    """Check that a brief is still being prepared, and let it not end before the transaction. Raises `NotWanted`."""
    if await briefs.hold_state(connection, row.id) != "preparing":
        raise NotWanted
