"""Ready briefs at hand: sealed, in this process, bounded in bytes; a miss is one read of the database.

They stay sealed in memory too: what is opened is opened for one call.
"""

from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime

from cds_service.storage import briefs
from cds_service.storage.database import OUTAGES, Database
from cds_service.storage.in_time import in_time

MAX_BYTES = 64 * 1024 * 1024
KEEP_S = 60.0
"""A copy is looked at again after so long, should a notice have been lost."""
LOOK_UP_S = 0.2
"""Longer than this no call waits for the database: it is answered by rules instead.

To give up on a brief that is there costs a busy process more than to wait: rules take four times its CPU.
"""
_EMPTY_BYTES = 200


@dataclass(slots=True)
class _Kept:
    found: briefs.OfPatient
    until: float

    @property
    def size(self) -> int:
        ready = self.found.prepared
        if ready is None:
            return _EMPTY_BYTES
        return len(ready.body) + len(ready.seen) + _EMPTY_BYTES


@dataclass(slots=True, kw_only=True)
class ReadyBriefs:
    """The newest prepared and the newest approved brief of patients asked for lately. One for each process."""

    database: Database
    clock: Callable[[], float]
    now: Callable[[], datetime]
    max_bytes: int = MAX_BYTES
    size: int = 0
    missed: int = 0
    """Look-ups that the database did not answer in time; a metric tells it."""
    unreadable: int = 0
    """Prepared briefs that did not open or could not be read; a metric tells it."""
    _kept: OrderedDict[tuple[str, str], _Kept] = field(default_factory=OrderedDict)
    _changes: int = 0

    async def find(self, site: str, patient: str) -> briefs.OfPatient:
        """Return the newest prepared brief of a patient (a blind index), and the newest approved one.

        Neither, when the database is away or does not answer in time: a hook call has no time to wait, and
        the rules answer it.
        """
        key = (site, patient)
        kept = self._kept.get(key)
        if kept is not None and kept.until > self.clock():
            self._kept.move_to_end(key)
            return kept.found
        changes = self._changes
        try:
            found = await in_time(self._read(site, patient), LOOK_UP_S)
        except OUTAGES:  # a time-out is one of them
            self.missed += 1
            return briefs.OfPatient()
        if (
            changes == self._changes
        ):  # nothing was told meanwhile: what was read is not older than a notice
            self._keep(key, found)
        return found

    async def _read(self, site: str, patient: str) -> briefs.OfPatient:
        found = await briefs.of_patient(self.database, site, patient, self.now())
        if found.prepared is not None:
            await self.database.have_key(found.prepared.body)
        return found

    def drop(self, site: str, patient: str) -> None:
        """Forget a copy: its brief has changed. Two empty strings: forget all of them."""
        self._changes += 1
        if not site:
            self._kept.clear()
            self.size = 0
        elif (kept := self._kept.pop((site, patient), None)) is not None:
            self.size -= kept.size

    def _keep(self, key: tuple[str, str], found: briefs.OfPatient) -> None:
        if (old := self._kept.pop(key, None)) is not None:
            self.size -= old.size
        kept = self._kept[key] = _Kept(found, self.clock() + KEEP_S)
        self.size += kept.size
        while self.size > self.max_bytes and self._kept:
            _, oldest = self._kept.popitem(last=False)
            self.size -= oldest.size
