"""What an EHR denied for good, a chart behind break-the-glass say: no brief that asks for itself asks for it again.

It holds while the brief that met it may serve: until a day after its visit, or a day and a half where there was none.
Only a person has it asked for anew, by `cds-service prepare` or `queue retry`.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import datetime

from cds_service.context.stored import unpack
from cds_service.context.whole import REFUSED
from cds_service.domain.steps import Permanent
from cds_service.flow.ask import is_by_hand
from cds_service.sites import Site
from cds_service.storage import Database, briefs
from cds_service.storage.earlier import Earlier, earlier

_MAY_CHANGE = frozenset({"401", "scope"})
"""A token that was refused, or grants less: the next one may grant more."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Denied:
    """Remembers what was denied. One for each process."""

    database: Database
    turn: Callable[[], Awaitable[None]]
    now: Callable[[], datetime]

    async def __call__(self, row: briefs.Row, site: Site, patient: str) -> Mapping[str, str]:
        """Return the keys of queries that are not sent for this brief, and the code with which each was denied.

        They are those of a brief of this patient (a bare id): a merged chart's briefs are the remaining patient's.

        A vendor's own codes hold for every brief that follows; a bare 403 for those that only ask again. Raises
        `Permanent` when it was the patient.
        """
        is_again, codes = "again" in row.versions, frozenset(site.profile.search.denied_codes)
        if is_by_hand(row) or not (codes or is_again):
            return {}
        whose = self.database.blind(f"Patient/{patient}", site=site.name)
        async with self.database.reading() as connection:
            before = await earlier(connection, row, whose, self.now(), failed=REFUSED)
        if before is None:
            return {}
        if before.reason == REFUSED:
            raise Permanent(REFUSED)
        denied = await self._denied(before, site)
        return {key: code for key, code in denied.items() if is_again or code in codes}

    async def _denied(self, before: Earlier, site: Site) -> Mapping[str, str]:
        if before.sources is None:
            return {}
        place = f"brief|sources|{before.id}|{site.name}"
        packed = await self.database.open(before.sources, place=place)
        await self.turn()
        ledger = await asyncio.to_thread(unpack, packed)
        if ledger.base_url != site.file.fhir.base_url:  # another EHR denied it
            return {}
        return {
            each.key: each.code
            for each in ledger.searches
            if each.state == "denied" and each.code not in _MAY_CHANGE
        }
