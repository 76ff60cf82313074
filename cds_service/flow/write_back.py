"""How an approved note gets into the chart: the durable `writeback` workflow."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import asdict, dataclass, field
from datetime import datetime
from typing import Any

from cds_service.audit import Audit
from cds_service.domain.brief import made_by
from cds_service.domain.filing import ApprovedBrief, Filing, Receipt
from cds_service.domain.states import State
from cds_service.domain.steps import Steps, Temporary
from cds_service.fhir.client import FhirServer
from cds_service.review.approval import reopen
from cds_service.sites import Site
from cds_service.storage import Connection
from cds_service.storage.reviews import Reviews, StoredApproval
from cds_service.writeback.beside import Beside
from cds_service.writeback.file import Filer, Overtaken, Tokens
from cds_service.writeback.preflight import Capability
from cds_service.writeback.read_back import ReadBack

_BRIEF_STATE: Mapping[str, State] = {
    "filed": "written",
    "verified": "verified",
    "unknown": "unknown",
    "differs": "unknown",
    "failed": "failed",
}
"""What a state of the ledger of writes makes of the brief; the others leave it where it is."""
_GIVEN_UP_FROM: frozenset[State] = frozenset({"approved", "writing", "written"})


@dataclass(frozen=True, slots=True, kw_only=True)
class WriteBack:
    """Files approved notes. Every step may run again."""

    reviews: Reviews
    audit: Audit
    site_of: Callable[[str], Site]
    server_of: Callable[[Site], FhirServer]
    capability_of: Callable[[Site], Awaitable[Capability]]
    tokens_of: Callable[[Site, str], Tokens] = field(repr=False)
    """The tokens of one launch session."""
    now: Callable[[], datetime]
    clock: Callable[[], float]
    sleep: Callable[[float], Awaitable[None]]
    post_timeout_s: float = 30.0

    async def __call__(self, step: Steps, brief_id: str) -> None:
        """File what was approved, read it back, and store beside it what the site wants there."""
        if not await step("claim", self.claim, brief_id):
            return
        if await step("file", self.file, brief_id) != "filed":
            return
        if await step("verify", self.verify, brief_id) == "verified":
            await step("beside", self.beside, brief_id)

    async def claim(self, brief_id: str) -> bool:
        """Take an approved brief; return whether it is ours to file."""
        async with self.reviews.database.transaction() as connection:
            brief = await self.reviews.any_brief(connection, brief_id)
            if brief is not None and brief.state == "approved":
                await self.reviews.move(connection, brief, "writing", now=self.now())
                return True
            return brief is not None and brief.state in {"writing", "written"}

    async def file(self, brief_id: str) -> str:
        """Send the note until it is known what became of it; return the ledger's state."""
        job = await self._job(brief_id)
        if job.approval.filing.state == "filed":
            return (await job.change(job.approval.filing, "filed")).state
        known = job.site.profile.note.conditional_create
        if known is None:
            known = (await self.capability_of(job.site)).conditional_create or False
        async with self.reviews.database.reading() as connection:
            searchable = await self.reviews.is_searchable(connection, job.site.name)
        filer = Filer(
            approved=job.approved,
            searchable=searchable,
            server=self.server_of(job.site),
            profile=job.site.profile,
            conditional=known,
            book=job,
            tokens=self.tokens_of(job.site, job.approval.session),
            now=self.now,
            clock=self.clock,
            sleep=self.sleep,
            post_timeout_s=self.post_timeout_s,
        )
        return (await filer()).state

    async def verify(self, brief_id: str) -> str:
        """Read the note back, compare it, and keep the receipt; return the ledger's state.

        Raises `Temporary` while the server does not answer: it said that it has the note, and that is no proof.
        """
        job = await self._job(brief_id)
        row = job.approval.filing
        read_back = ReadBack(
            approved=job.approved,
            server=self.server_of(job.site),
            profile=job.site.profile,
            tokens=self.tokens_of(job.site, job.approval.session),
            now=self.now,
            clock=self.clock,
            sleep=self.sleep,
        )
        async with self.reviews.database.reading() as connection:
            searchable = await self.reviews.is_searchable(connection, job.site.name)
        found = await read_back(row.location, search=row.attempts > 1 or not searchable)
        if found == "not_shown":
            raise Temporary(found)
        if isinstance(found, Receipt):
            state = "verified" if found.is_as_approved else "differs"
            differences = [asdict(each) for each in found.differences]
            why = "" if found.is_as_approved else "altered"
            changed = await job.change(
                row,
                state,
                reason=why,
                differences=differences,
                read_at=found.read_at,
                searchable=found.is_searchable,
            )
        else:
            state = "unknown" if found in {"gone", "several"} else "filed"
            changed = await job.change(row, state, reason=found)
        return changed.state

    async def beside(self, brief_id: str) -> None:
        """Store beside the verified note what its site wants there; the audit says what came of it."""
        job = await self._job(brief_id)
        if not job.site.file.write.beside:
            return
        token = await self.tokens_of(job.site, job.approval.session).token()
        store = Beside(
            approved=job.approved,
            location=job.approval.filing.location,
            server=self.server_of(job.site),
            token=token or "",
            at=self.now(),
        )
        came: dict[str, Any] = {kind: await store(kind) for kind in job.site.file.write.beside}
        async with self.reviews.database.transaction() as connection:
            await job.tell(connection, "beside", came)

    async def give_up(self, brief_id: str) -> None:
        """Put a filing to a person that breaks each time: what is in the chart is for a person to say."""
        async with self.reviews.database.transaction() as connection:
            brief = await self.reviews.any_brief(connection, brief_id)
            if brief is None or brief.state not in _GIVEN_UP_FROM:
                return
            held = await self.reviews.approval(connection, brief.site, brief_id)
            if held is not None:
                change = self.reviews.change_filing
                await change(connection, held.id, now=self.now(), state="unknown", reason="broke")
            if brief.state == "approved":
                await self.reviews.move(connection, brief, "writing", now=self.now())
                brief = await self.reviews.any_brief(connection, brief_id) or brief
            await self.reviews.move(connection, brief, "unknown", now=self.now())
            await self.audit.append(
                connection,
                site=brief.site,
                action="write",
                outcome="unknown",
                facts={"reason": "broke"},
                actor="work ahead",
                brief=brief_id,
            )

    async def _job(self, brief_id: str) -> "_Job":
        async with self.reviews.database.reading() as connection:
            brief = await self.reviews.any_brief(connection, brief_id)
            if brief is None:
                raise LookupError("a brief that is being filed is gone")
            approval = await self.reviews.approval(connection, brief.site, brief_id)
        if approval is None:
            raise LookupError("a brief that is being filed was never approved")
        approved = reopen(approval.packed, session=approval.session)
        site = self.site_of(brief.site)
        return _Job(self.reviews, self.audit, site, approval, approved, self.now)


@dataclass(frozen=True, slots=True)
class _Job:
    """One note on its way, and its row of the ledger of writes."""

    reviews: Reviews
    audit: Audit
    site: Site
    approval: StoredApproval
    approved: ApprovedBrief
    now: Callable[[], datetime]

    async def read(self) -> Filing:
        """Return the row as it stands."""
        async with self.reviews.database.reading() as connection:
            return await self.reviews.filing(connection, self.approval.id)

    async def change(self, row: Filing, state: str, **values: object) -> Filing:
        """Change the row, the brief's state with it, and keep the audit entry, in one transaction."""
        async with self.reviews.database.transaction() as connection:
            changed = await self.reviews.change_filing(
                connection, row.id, now=self.now(), read=row, state=state, **values
            )
            if not changed:
                raise Overtaken
            row = await self.reviews.filing(connection, self.approval.id)
            brief = await self.reviews.any_brief(connection, self.approved.brief)
            target = _brief_state(row)
            if brief is not None and target is not None and brief.state != target:
                await self.reviews.move(connection, brief, target, now=self.now())
            made = made_by(brief.versions) if brief else {}
            facts = {"attempts": row.attempts, "reason": row.reason, **made}
            await self.tell(connection, state, facts)
        if brief is not None:
            self.reviews.told(brief)
        return row

    async def tell(self, connection: Connection, outcome: str, facts: Mapping[str, Any]) -> None:
        """Keep an audit entry about this note."""
        await self.audit.append(
            connection,
            site=self.site.name,
            action="write",
            outcome=outcome,
            facts={**facts, "identifier": self.approved.identifier},
            actor=self.approved.approver,
            patient=f"Patient/{self.approved.patient}",
            brief=self.approved.brief,
        )


def _brief_state(row: Filing) -> State | None:
    """Return what the ledger's row makes of the brief. A note in doubt is never called failed."""
    if row.state == "waiting":
        return "failed" if row.in_doubt is None else "unknown"
    return _BRIEF_STATE.get(row.state)
