"""Has a model run once for a record, and keeps what it was asked, whatever becomes of the brief."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime

from cds_service.audit import Audit
from cds_service.domain.evidence import Context
from cds_service.flow.write_brief import WriteBrief, Written
from cds_service.sites import Site
from cds_service.storage import Connection, Database, briefs, runs

_MOST_UNSTORED = 50


@dataclass(frozen=True, slots=True, kw_only=True)
class RunOnce:
    """Writes briefs of gathered records, and remembers what is not stored yet. One for each process."""

    write_brief: WriteBrief
    database: Database
    audit: Audit
    now: Callable[[], datetime]
    _unstored: dict[str, tuple[int, Written]] = field(default_factory=dict, repr=False)
    """What a model had a part in, by brief, and for which revision: each gathers its record anew."""

    async def __call__(self, row: briefs.Row, context: Context, site: Site) -> Written:
        """Return the brief. A step that is tried again, because it could not be stored, has nobody asked again.

        The audit is told of a run at once, and waits for a database that is away: chart content has gone out.
        """
        revision, known = self._unstored.get(row.id, (0, None))
        if known is not None and revision == row.revision:
            return known
        written = await self.write_brief(context, site)
        if written.record is not None:
            self._remember(row, written)
            self.audit.tell(
                site=site.name,
                action="run",
                outcome=written.status,
                facts=written.facts,
                actor="work ahead",
                patient=f"Patient/{context.patient}",
                brief=row.id,
            )
        return written

    def _remember(self, row: briefs.Row, written: Written) -> None:
        self.stored(row)
        while len(self._unstored) >= _MOST_UNSTORED:
            del self._unstored[next(iter(self._unstored))]
        self._unstored[row.id] = (row.revision, written)

    def stored(self, row: briefs.Row) -> None:
        """Forget what was written of a brief."""
        self._unstored.pop(row.id, None)

    async def keep(self, connection: Connection, row: briefs.Row, record: bytes | None) -> None:
        """Keep the record of the run that a brief came of."""
        if record is not None:
            named = (row.id, row.site)
            await runs.keep(connection, self.database, named, record, at=self.now())

    async def keep_unused(self, row: briefs.Row, record: bytes | None) -> None:
        """Keep the record of a run whose brief was called off meanwhile, or was made by another process."""
        if record is not None:
            async with self.database.transaction() as connection:
                named = (row.id, row.site)
                await runs.keep(
                    connection, self.database, named, record, at=self.now(), replaces=False
                )
