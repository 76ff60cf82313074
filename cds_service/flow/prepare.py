"""How a brief is prepared ahead of a visit: a durable workflow whose steps may run again and double nothing.

begin -> gather -> write -> ready. A record that can be read only in part becomes a brief that says so, and is
asked for again; an EHR that cannot be read at all is asked later, by the row's own `due`; what stays impossible ends
in `failed` with its reason, for a person. A hook call never waits for any of it.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import partial
from typing import Protocol

from cds_service.brief import FORM, to_json
from cds_service.catalog import Catalog
from cds_service.context.access import Access
from cds_service.context.enough import HadEnough
from cds_service.context.freshness import versions_of
from cds_service.context.stored import pack, unpack
from cds_service.context.whole import (
    Gathered,
    GatherWhole,
    oldest_read,
    wanted,
    whole_context,
)
from cds_service.domain.brief import made_by
from cds_service.domain.errors import NoToken
from cds_service.domain.evidence import Context, Ledger
from cds_service.domain.json import encode
from cds_service.domain.needs import NeedName
from cds_service.domain.steps import Permanent, Steps, Temporary
from cds_service.domain.visit import Visit
from cds_service.flow.ask import Ask, open_occasion
from cds_service.flow.change import Change
from cds_service.flow.denied import Denied
from cds_service.flow.parts import NotWanted, Parts, check_wanted
from cds_service.flow.pauses import Pauses
from cds_service.flow.run_once import RunOnce
from cds_service.flow.write_brief import Written, after_a_break
from cds_service.sites import Site, Sites
from cds_service.storage import Connection, Database, briefs, feeds
from cds_service.storage import parts as stored_parts

PAUSES_S = (60, 300, 900, 1800, 3600)
"""How much later an EHR that could not be read is asked again, by how often it was tried."""
SWITCHED_OFF = "switched_off"
"""The reason of what was under way when its site was switched off: it is begun anew when that is on again."""
_OLDEST = timedelta(hours=1)
"""A record is written while it is no older, else gathered anew. What may be kept of one and the longest gathering come
to less, so that only work that stood still in between gets there."""
_MAX_AGAIN = 3
"""How often a brief with gaps that may pass asks for a better one."""


class Token(Protocol):
    """A token of ours at an EHR."""

    @property
    def value(self) -> str:
        """What stands in the header."""
        ...

    @property
    def scopes(self) -> frozenset[str]:
        """What was granted."""
        ...


class Tokens(Protocol):
    """Our own tokens, by site."""

    async def token(self, site: Site) -> Token:
        """Return one that is good now. Raises `NoToken`."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Prepare:
    """The workflow `prepare` and its steps. One for each process."""

    database: Database
    sites: Sites
    catalog: Catalog
    tokens: Tokens
    gather_whole: GatherWhole
    write_brief: RunOnce
    change: Change
    pauses: Pauses
    denied: Denied
    ask: Ask
    stands: Callable[[briefs.Row, Site], Awaitable[bool]]
    """Looks whether the visit that a booking told of is there."""
    may_prepare: Callable[[Site], bool]
    """Whether a site wants work ahead, and nobody has switched it off."""
    turn: Callable[[], Awaitable[None]]
    """Waits until no call needs this process: a step's work on a whole record comes second, as its reads do."""
    now: Callable[[], datetime]

    async def __call__(self, step: Steps, brief_id: str) -> None:
        """Prepare one brief."""
        try:
            if not await step("begin", self.begin, brief_id):
                return
            try:
                again = await step("gather", self.gather, brief_id)
            except Temporary:
                again = await step("settle", self.settle, brief_id)
            try:
                await step("write", self.write, brief_id, again)
            except Permanent:  # a defect in a model's part costs a brief its choice, not the brief
                await step("write by rules", self.write_by_rules, brief_id, again)
        except Temporary as later:
            await step("postpone", self.postpone, brief_id, later.reason)
        except Permanent as stop:
            await step("give up", self.give_up, brief_id, stop.reason)

    async def begin(self, brief_id: str) -> bool:
        """Take the brief in hand; False when it is not wanted any more, its visit is nowhere, or another one serves."""
        row = await self._row(brief_id)
        if row is None or row.state not in {"requested", "preparing"}:
            return False
        site = self.sites.find(row.site)
        if row.state == "preparing":
            return True
        if await self.ask.has_visit_waiting(row):
            await self.change(row, "cancelled", reason="visit_booked")
            return False
        return await self._is_to_come(row, site) and await self.change(row, "preparing")

    async def _is_to_come(self, row: briefs.Row, site: Site) -> bool:
        """Return whether its visit is to be prepared for. Raises `Temporary` when the EHR cannot be asked now."""
        await self._check_may_read(site)
        try:
            return await self.stands(row, site)
        except NoToken as problem:
            raise Temporary(f"token_{problem.detail}"[:64]) from None
        except HadEnough as limit:
            await self.pauses.begin(site, limit)
            raise

    async def gather(self, brief_id: str) -> bool:
        """Read the whole record and keep it, unless the brief has ended. Raises `Temporary` when more may come soon."""
        return await self._gather(brief_id, settle=False)

    async def settle(self, brief_id: str) -> bool:
        """Read what was missing once more, and be content with what there is; True when more may come later."""
        return await self._gather(brief_id, settle=True)

    async def _gather(self, brief_id: str, *, settle: bool) -> bool:
        row, site, visit = await self._known(brief_id)
        if row.state != "preparing":
            return False
        await self._check_may_read(site)
        access = await self._access(site)
        needs = wanted(self._needs(site), access, site)
        parts = Parts(
            database=self.database,
            row=row,
            ehr=site.versions["ehr"],
            check_on=partial(self._check_on, site.name),
        )
        denied = partial(self.denied, row, site)
        try:
            found = await self.gather_whole(visit, access, site, parts, needs=needs, denied=denied)
            if found.passing and not settle:
                raise Temporary("reads_failed")
            await self._keep(row, site, visit, found)
        except HadEnough as limit:
            await self.pauses.begin(site, limit)
            raise
        except NotWanted:
            return False
        return bool(found.passing)

    async def _keep(self, row: briefs.Row, site: Site, visit: Visit, found: Gathered) -> None:
        """Store a gathered record; when charts were merged, the brief is the remaining patient's from here on.

        Raises `NotWanted`.
        """
        await self.turn()
        packed = await asyncio.to_thread(pack, found.ledger)
        columns: dict[str, object] = {
            "sources": self.database.seal(packed, place=f"brief|sources|{row.id}|{row.site}"),
            "versions": {**row.versions, **site.versions},
        }
        if found.patient != visit.patient:
            asked = visit.merged_from or visit.patient
            heir = replace(visit, patient=found.patient, merged_from=asked)
            columns |= self.ask.occasion(row.id, site, heir)
        async with self.database.transaction() as connection:
            await check_wanted(connection, row)
            await briefs.set_columns(connection, row.id, **columns)
            await stored_parts.drop(connection, [row.id])
            if found.patient != visit.patient:
                await self.change.audit.append(
                    connection,
                    site=site.name,
                    action="prepare",
                    outcome="patient_merged",
                    at=self.now(),
                    actor="work ahead",
                    patient=f"Patient/{found.patient}",
                    brief=row.id,
                )

    async def write(self, brief_id: str, again: bool) -> None:
        """Write the brief of the kept record, and make it ready."""
        await self._write(brief_id, again, self.write_brief)

    async def write_by_rules(self, brief_id: str, again: bool) -> None:
        """Do the same without a model, and say so."""
        await self._write(brief_id, again, lambda _, context, site: after_a_break(context, site))

    async def _write(
        self,
        brief_id: str,
        again: bool,
        write_brief: Callable[[briefs.Row, Context, Site], Awaitable[Written]],
    ) -> None:
        row, site, visit = await self._known(brief_id)
        if row.state != "preparing":
            return
        self._check_on(site.name)
        packed = await self._sources(row)
        await self.turn()
        ledger = await asyncio.to_thread(unpack, packed)
        if reason := self._is_of_no_use(row, site, ledger):
            await self.change.again(row, reason=reason, due=self.now())
            return
        gathered = Gathered(ledger=ledger, patient=visit.patient, passing=())
        written = await write_brief(row, whole_context(gathered, visit, site), site)
        place = "brief|{}|" + f"{row.id}|{row.site}"
        seal = self.database.seal
        better = self.ask.again(row, site, visit, most=_MAX_AGAIN) if again else []

        async def keep(connection: Connection) -> None:
            await self.write_brief.keep(connection, row, written.record)
            await self.ask.add(connection, better)

        is_ready = await self.change(
            row,
            "ready",
            facts={"resources": len(ledger.evidence), **_told(written)},
            beside=keep,
            ready_at=self.now(),
            rules_version=written.brief.rules_version,
            versions={**row.versions, **written.versions, "form": FORM},
            body=seal(encode(to_json(written.brief)), place=place.format("body")),
            seen=seal(encode(versions_of(ledger, written.brief)), place=place.format("seen")),
        )
        if not is_ready:
            await self.write_brief.keep_unused(row, written.record)
        self.write_brief.stored(row)

    def _is_of_no_use(self, row: briefs.Row, site: Site, ledger: Ledger) -> str:
        """Return why a record is gathered anew, or ""."""
        if not site.versions.items() <= row.versions.items():  # it was held against another file
            return "site_changed"
        return "record_old" if self.now() - oldest_read(ledger) > _OLDEST else ""

    async def postpone(self, brief_id: str, reason: str) -> None:
        """Ask the EHR later: the row waits, and no process does.

        One that could not even be begun is put off as well: our database was away. One that is not due was put off.
        """
        row, now = await self._row(brief_id), self.now()
        is_begun = row is not None and row.state == "preparing"
        if row is None or not (is_begun or _is_due(row, now)):
            return
        # Nothing of a site is begun before it is on again, so that it need not wait for longer.
        due = now if reason == SWITCHED_OFF else await self._later(row, now)
        await self.change.again(row, reason=reason, due=due)

    async def _later(self, row: briefs.Row, now: datetime) -> datetime:
        """Return when an EHR is asked again."""
        pause = PAUSES_S[min(row.revision, len(PAUSES_S)) - 1]
        due = now + timedelta(seconds=pause)
        async with self.database.reading() as connection:
            feed = (await feeds.feeds(connection)).get(row.site)
        paused = feed.pause(now) if feed is not None else None
        return due if paused is None else max(due, paused.until)

    async def give_up(self, brief_id: str, reason: str) -> None:
        """Say that it cannot be done, and why."""
        row = await self._row(brief_id)
        if row is not None and row.state in {"requested", "preparing"}:
            await self.change(row, "failed", reason=reason)

    async def _check_may_read(self, site: Site) -> None:
        """Check that an EHR may be asked now. Raises `Temporary`."""
        self._check_on(site.name)
        if pause := await self.pauses.of(site):
            raise Temporary(pause.reason)

    def _check_on(self, name: str) -> None:
        """Check that a site is not switched off, by its file as it is by now either. Raises `Temporary`."""
        if not self.may_prepare(self.sites.find(name)):
            raise Temporary(SWITCHED_OFF)

    async def _row(self, brief_id: str) -> briefs.Row | None:
        async with self.database.reading() as connection:
            return await briefs.get(connection, brief_id)

    async def _known(self, brief_id: str) -> tuple[briefs.Row, Site, Visit]:
        row = await self._row(brief_id)
        if row is None:
            raise Permanent("no_such_brief")
        return row, self.sites.find(row.site), await open_occasion(self.database, row)

    async def _sources(self, row: briefs.Row) -> bytes:
        async with self.database.reading() as connection:
            sealed = await briefs.sources(connection, row.id)
        if sealed is None:
            raise Permanent("no_record")
        return await self.database.open(sealed, place=f"brief|sources|{row.id}|{row.site}")

    async def _access(self, site: Site) -> Access:
        try:
            token = await self.tokens.token(site)
        except NoToken as problem:
            raise Temporary(f"token_{problem.detail}"[:64]) from None
        return Access(token=token.value, scope=" ".join(sorted(token.scopes)))

    def _needs(self, site: Site) -> Sequence[NeedName]:
        """Return the needs of this site's services that are served from a prepared brief."""
        services = (self.catalog.by_id[each] for each in site.file.services)
        return tuple(
            dict.fromkeys(need for each in services if each.ready for need in each.needs)
        ) or ("patient",)


def _told(written: Written) -> dict[str, object]:
    """Return what the audit of a brief says of how it came about; a run's figures are told by themselves."""
    asked = {} if written.record is None else {"agent": written.status}
    return {"gaps": len(written.brief.gaps), **made_by(written.versions), **asked}


def _is_due(row: briefs.Row, now: datetime) -> bool:
    return row.state == "requested" and row.due is not None and row.due <= now
