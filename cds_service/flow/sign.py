"""How a clinician reads, edits and decides a brief. Each decision is one ordinary transaction."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from hashlib import sha256
from typing import Any, cast

from cds_service.audit import Audit
from cds_service.audit.log import Fact
from cds_service.domain.brief import made_by
from cds_service.domain.errors import BadCall, Conflict, NotAllowed
from cds_service.domain.note import Note
from cds_service.domain.session import LaunchSession
from cds_service.domain.visit import Visit
from cds_service.flow.opened import Opened
from cds_service.review.approval import OnScreen, approve, pack
from cds_service.review.decisions import DECISIONS, Decision, check
from cds_service.review.sheet import (
    EDIT_KINDS,
    MAX_TEXT,
    Edit,
    EditKind,
)
from cds_service.sites import Site
from cds_service.storage import Connection
from cds_service.storage.reviews import (
    KeptDecision,
    KeptEdit,
    Reviews,
    StoredApproval,
    StoredBrief,
)
from cds_service.writeback.preflight import Finding
from cds_service.writeback.verdict import sentence

Preflight = Callable[[Note, Site, LaunchSession], Awaitable[tuple[Finding, ...]]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Sign:
    """Serves the review page."""

    reviews: Reviews
    audit: Audit
    preflight: Preflight
    now: Callable[[], datetime]
    new_id: Callable[[], str]
    renew: Callable[[Visit, Site, str], Awaitable[None]] = field(repr=False)
    """Asks for a newer brief than the one of this id."""
    take_back: Callable[[Opened, Sequence[StoredApproval]], Awaitable[str]] = field(repr=False)
    """Takes filed notes back in the chart; its answer is the code of why one still stands, or ""."""
    nudge: Callable[[str, int], Awaitable[None]] = field(repr=False)
    """Starts the filing of an approved brief at once; the sweeper does it otherwise."""

    async def open(self, session: LaunchSession, site: Site, brief_id: str) -> Opened:
        """Return the brief of this session, and say in the audit who saw it.

        A brief that may be decided is in review from now on; one whose filing waits for this person's sign-in
        goes on. Raises `NotAllowed` for another patient's brief.
        """
        async with self.reviews.database.transaction() as connection:
            opened = await self._read(connection, session, site, brief_id)
            opened = await self._in_review(connection, opened)
            resumed = await self._resume(connection, opened)
            await self._audit(connection, opened, "view", "ok")
            if resumed:
                opened = await self._again(connection, opened)
        if resumed:
            await self.nudge(brief_id, opened.brief.revision)
        return opened

    async def glance(self, session: LaunchSession, site: Site, brief_id: str) -> Opened:
        """Return the brief again, for a part of a page that is open already: nothing is changed or audited.

        Who shows more of the chart than the page did says so with `looked`.
        """
        async with self.reviews.database.reading() as connection:
            return await self._read(connection, session, site, brief_id)

    async def looked(self, opened: Opened, what: str, **counts: int) -> None:
        """Say in the audit what else this person is shown of the chart, before it is shown."""
        async with self.reviews.database.transaction() as connection:
            await self._audit(connection, opened, "view", what, **counts)

    async def edit(self, opened: Opened, *, kind: str, line: str, text: str) -> None:
        """Keep one edit. Raises `BadCall` for an edit that does not exist."""
        keys = {each.key for each in opened.sheet.lines()} | {s.id for s in opened.sheet.sections}
        if kind not in EDIT_KINDS or len(text) > MAX_TEXT or (line not in keys and line):
            raise BadCall("This edit does not exist, or is too long.")
        if kind == "add" and not text.strip():
            raise BadCall("A line of your own needs words.")
        if kind == "refresh" and not opened.site.may_prepare:
            raise BadCall("This site prepares no briefs ahead: open the chart again instead.")
        async with self.reviews.database.transaction() as connection:
            now = await self._reviewing(connection, opened)
            check("edit", now.brief.state, now.session.clinician)
            edit = KeptEdit(
                seq=now.sheet.seq + 1,
                kind=kind,
                line=line,
                text=text,
                by=now.session.clinician.fhir_user,
                at=self.now(),
            )
            await self.reviews.add_edit(connection, now.brief, _made(now.brief), edit)
            await self._audit(connection, now, "edit", kind)
        if kind == "refresh":
            seen = opened.session
            visit = Visit(patient=seen.patient, encounter=seen.encounter)
            await self.renew(visit, opened.site, opened.brief.id)

    async def findings(self, opened: Opened, screen: OnScreen) -> tuple[Finding, ...]:
        """Return what would stop this note."""
        return await self.preflight(screen.note, opened.site, opened.session)

    async def approve(self, opened: Opened, *, digest: str, at: datetime) -> None:
        """Approve exactly what was on the screen.

        Raises `Conflict` when that is no longer what would be filed, or somebody was faster.
        """
        findings = await self.findings(opened, opened.screen(at))
        if stops := [each for each in findings if each.stops]:
            raise Conflict(stops[0].sentence)
        async with self.reviews.database.transaction() as connection:
            now = await self._reviewing(connection, opened)
            decision: Decision = "correct" if now.corrects else "approve"
            check(decision, now.brief.state, now.session.clinician)
            screen = now.screen(at)
            approved = approve(
                screen,
                digest=digest,
                session=now.session,
                site=now.site,
                now=self.now(),
                new_id=self.new_id(),
            )
            await self.reviews.add_approval(
                connection, now.brief, approved, pack(approved, screen)
            )
            await self._move(connection, now, decision, again=decision == "correct")
            await self._audit(connection, now, decision, "ok", digest=digest)
            revision = now.brief.revision + (decision == "correct")
        self.reviews.told(opened.brief)
        await self.nudge(opened.brief.id, revision)

    async def decide(self, opened: Opened, decision: Decision, *, reason: str = "") -> None:
        """Reject, withdraw, take a filed note back, or settle a filing that is not known to have worked."""
        if decision in {"reject", "take_back"} and not reason.strip():
            raise BadCall("Say why.")
        if decision == "take_back":
            await self._take_back(opened, reason)
        else:
            await self._decide(opened, decision, reason)

    async def _take_back(self, opened: Opened, reason: str) -> None:
        """Take back what of a brief is in the chart: said in the audit before the first request, and how it ended.

        Raises `Conflict` where a note still stands, or where somebody moved the brief meanwhile.
        """
        async with self.reviews.database.transaction() as connection:
            now = await self._again(connection, opened)
            check("take_back", now.brief.state, now.session.clinician)
            if now.approval is None or not now.approval.filing.location:
                raise Conflict("The newest note of this brief is not known to be in the chart.")
            notes = await self.reviews.approvals(connection, now.site.name, now.brief.id)
            await self._audit(connection, now, "take_back", "begun")
        if why := await self.take_back(now, [each for each in notes if each.filing.location]):
            await self._not_taken_back(now, why)
            said = sentence(why, now.site.profile.note)
            raise Conflict(f"The note is still in the chart. {said}")
        try:
            await self._decide(now, "take_back", reason)
        except Conflict:
            await self._not_taken_back(now, "overtaken")
            raise Conflict(_OVERTAKEN) from None

    async def _not_taken_back(self, opened: Opened, why: str) -> None:
        async with self.reviews.database.transaction() as connection:
            await self._audit(connection, opened, "take_back", "refused", reason=why)

    async def _decide(self, opened: Opened, decision: Decision, reason: str) -> None:
        async with self.reviews.database.transaction() as connection:
            now = await self._reviewing(connection, opened)
            check(decision, now.brief.state, now.session.clinician)
            if decision == "take_back" and not _is_same(now.approval, opened.approval):
                raise Conflict
            await self._filing(connection, now, decision)
            kept = KeptDecision(
                id=self.new_id(),
                kind=decision,
                by=now.session.clinician.fhir_user,
                at=self.now(),
                reason=reason[:MAX_TEXT],
            )
            await self.reviews.add_decision(connection, now.brief, kept)
            # What a person settled belongs to no workflow that ended before.
            again = decision in {"file_again", "settle_there"}
            await self._move(connection, now, decision, again=again)
            await self._audit(connection, now, decision, "ok")
        self.reviews.told(opened.brief)
        if decision == "file_again":
            await self.nudge(opened.brief.id, now.brief.revision + 1)

    async def _filing(self, connection: Connection, now: Opened, decision: Decision) -> None:
        """Write a person's word into the ledger of writes."""
        if now.approval is None:
            return
        change = self.reviews.change_filing
        row, at = now.approval.filing, self.now()
        if decision == "settle_there":
            await change(connection, row.id, now=at, state="filed", reason="person")
        elif decision == "withdraw":
            if now.approval.filing.may_be_there:
                raise Conflict(_SENT)
            await change(connection, row.id, now=at, state="withdrawn")
        elif decision == "take_back":
            await self.reviews.all_taken_back(connection, now.brief, now=at)
        elif decision == "file_again":
            # A person looked: what they saw counts where the EHR lets nobody search.
            doubt = None if row.reason == "cannot_search" else row.in_doubt
            values: dict[str, Any] = {"in_doubt": doubt, "attempts": 0, "told_stored": False}
            await change(connection, row.id, now=at, state="sending", reason="", **values)
            if (
                now.approval.by == now.session.clinician.fhir_user
            ):  # a note is never sent as another person
                await self.reviews.lend(connection, row.id, now.session.id)

    async def _resume(self, connection: Connection, opened: Opened) -> bool:
        """Lend this sign-in to a filing that waits for its person; return whether there is one."""
        held = opened.approval
        if held is None or held.by != opened.session.clinician.fhir_user:
            return False
        if held.filing.reason != "token" or opened.brief.state not in _RESUMABLE:
            return False
        await self.reviews.lend(connection, held.id, opened.session.id)
        await self.reviews.change_filing(connection, held.id, now=self.now(), reason="")
        await self._move(connection, opened, "file_again", again=True)
        await self._audit(connection, opened, "resume", "ok")
        return True

    async def _move(
        self, connection: Connection, opened: Opened, decision: Decision, *, again: bool
    ) -> None:
        """Move a brief where a decision leads; its work begins anew with the last move."""
        path = DECISIONS[decision].path(opened.brief.state)
        for state in path:
            now = await self._again(connection, opened)
            last = again and state == path[-1]
            await self.reviews.move(connection, now.brief, state, now=self.now(), again=last)

    async def _reviewing(self, connection: Connection, opened: Opened) -> Opened:
        """Return the brief as it is now, in review if this person may decide about it."""
        return await self._in_review(connection, await self._again(connection, opened))

    async def _in_review(self, connection: Connection, now: Opened) -> Opened:
        """Return the brief that was just read, in review if this person may decide about it.

        It is read again only where that moved it: each reading opens the brief and the record it cites.
        """
        if now.brief.state != "ready" or not now.may("edit"):
            return now
        await self.reviews.move(connection, now.brief, "in_review", now=self.now())
        return await self._again(connection, now)

    async def _again(self, connection: Connection, opened: Opened) -> Opened:
        return await self._read(connection, opened.session, opened.site, opened.brief.id)

    async def _read(
        self, connection: Connection, session: LaunchSession, site: Site, brief_id: str
    ) -> Opened:
        brief = await self.reviews.brief(connection, site.name, brief_id)
        if brief is None or session.site != site.name or session.brief != brief_id:
            raise NotAllowed("This brief does not belong to the chart that you opened.")
        patient = self.reviews.database.blind(f"Patient/{session.patient}", site=site.name)
        if brief.patient != patient:
            raise NotAllowed("This brief does not belong to the chart that you opened.")
        rows = await self.reviews.edits(connection, site.name, brief_id, _made(brief))
        return Opened(
            brief=brief,
            session=session,
            site=site,
            edits=tuple(map(_edit, rows)),
            approval=await self.reviews.approval(connection, site.name, brief_id),
        )

    async def _audit(
        self,
        connection: Connection,
        opened: Opened,
        action: str,
        outcome: str,
        **facts: Fact,
    ) -> None:
        await self.audit.append(
            connection,
            site=opened.site.name,
            action=action,
            outcome=outcome,
            facts={"state": opened.brief.state, **made_by(opened.versions), **facts},
            actor=opened.session.clinician.fhir_user,
            patient=f"Patient/{opened.session.patient}",
            brief=opened.brief.id,
        )


_RESUMABLE = frozenset({"failed", "unknown", "written"})
_SENT = "The note was sent already, or may have been; nothing was changed. Take it back once it is filed."
_OVERTAKEN = (
    "The note that you saw says in the chart that it was entered in error. Somebody decided about this brief"
    " meanwhile, which stands: look at the brief again, and into the chart."
)


def _is_same(one: StoredApproval | None, other: StoredApproval | None) -> bool:
    return one is not None and other is not None and one.id == other.id


def _edit(kept: KeptEdit) -> Edit:
    kind = cast("EditKind", kept.kind)
    return Edit(seq=kept.seq, kind=kind, line=kept.line, text=kept.text, by=kept.by, at=kept.at)


def _made(brief: StoredBrief) -> str:
    """Return what names this version of the brief's text: edits are made to it alone."""
    return sha256(brief.body or b"").hexdigest()[:16]
