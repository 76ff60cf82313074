"""What review and write-back keep: edits, decisions, approvals, and the ledger of writes. Plain queries.

Every function takes the caller's connection: a change, the state of its brief and the audit entry are one
transaction. What a person wrote and what is filed is sealed.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import RowMapping, Select, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from cds_service.domain.errors import Conflict
from cds_service.domain.filing import ApprovedBrief, Difference, Filing
from cds_service.domain.states import State, can_move
from cds_service.storage import briefs
from cds_service.storage.database import Database
from cds_service.storage.notices import Notices
from cds_service.storage.tables import APPROVAL, BRIEF, DECISION, EDIT, WRITE_INTENT


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredBrief:
    """One row of `brief`, opened."""

    id: str
    site: str
    state: State
    revision: int
    patient: str
    """Blind index."""
    created: datetime
    ready_at: datetime | None
    versions: Mapping[str, str]
    rules_version: str
    body: bytes | None = field(repr=False)
    sources: bytes | None = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredApproval:
    """One row of `approval`, opened, and how far its filing got."""

    id: str
    note: int
    by: str
    at: datetime
    session: str
    digest: str
    packed: bytes = field(repr=False)
    filing: Filing
    differences: tuple[Difference, ...]
    read_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class KeptEdit:
    """One edit, as it is kept."""

    seq: int
    kind: str
    line: str
    text: str = field(repr=False)
    by: str
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class KeptDecision:
    """One decision but approval, as it is kept."""

    id: str
    kind: str
    by: str
    at: datetime
    reason: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Reviews:
    """The queries, over one database."""

    database: Database
    notices: Notices

    def told(self, brief: StoredBrief) -> None:
        """Tell this process, once a move is committed: others hear of it by themselves."""
        self.notices.drop(brief.site, brief.patient)

    async def brief(
        self, connection: AsyncConnection, site: str, brief_id: str
    ) -> StoredBrief | None:
        """Return a brief of this site with its body and sources, or None."""
        query = select(BRIEF).where(BRIEF.c.site == site, BRIEF.c.id == brief_id)
        row = (await connection.execute(query)).mappings().one_or_none()
        if row is None:
            return None
        origin = await self._origin(connection, row)
        return StoredBrief(
            **{name: row[name] for name in _PLAIN},
            versions={**(origin["versions"] or {}), **(row["versions"] or {})},
            body=await self._opened(row, "brief", "body", brief_id),
            sources=await self._opened(origin, "brief", "sources", origin["id"]),
        )

    async def _origin(self, connection: AsyncConnection, row: RowMapping) -> RowMapping:
        """Return the row that holds what a brief cites, and what made it.

        What a card showed of a prepared brief is kept as a brief of its own, and its sources are that one's. Where
        that one is gone, or is not this patient's, a brief stands for itself.
        """
        prepared = (row["versions"] or {}).get("prepared")
        if not prepared or row["sources"] is not None:
            return row
        query = select(BRIEF).where(
            BRIEF.c.site == row["site"],
            BRIEF.c.id == prepared,
            BRIEF.c.patient == row["patient"],
        )
        return (await connection.execute(query)).mappings().one_or_none() or row

    async def any_brief(self, connection: AsyncConnection, brief_id: str) -> StoredBrief | None:
        """Return a brief of whatever site, for work that knows only its id."""
        query = select(BRIEF.c.site).where(BRIEF.c.id == brief_id)
        site = (await connection.execute(query)).scalar_one_or_none()
        return None if site is None else await self.brief(connection, site, brief_id)

    async def _opened(self, row: RowMapping, table: str, column: str, row_id: str) -> bytes | None:
        sealed = row[column]
        if sealed is None:
            return None
        return await self.database.open(sealed, place=f"{table}|{column}|{row_id}|{row['site']}")

    async def move(
        self,
        connection: AsyncConnection,
        brief: StoredBrief,
        target: State,
        *,
        now: datetime,
        again: bool = False,
    ) -> None:
        """Move a brief on, if it is still where it was read. `again` makes its work start anew.

        Raises `Conflict` when somebody else moved it meanwhile.
        """
        values: dict[str, Any] = {"state": target, "changed": now}
        if target == "approved":
            values["due"] = now
        if again:
            values["revision"] = brief.revision + 1
        allowed = brief.state == target or can_move(brief.state, target)
        query = (
            update(BRIEF)
            .where(BRIEF.c.site == brief.site, BRIEF.c.id == brief.id)
            .where(BRIEF.c.state == brief.state, BRIEF.c.revision == brief.revision)
            .values(values)
            .returning(BRIEF.c.id)
        )
        moved = allowed and (await connection.execute(query)).scalar_one_or_none()
        if not moved:
            raise Conflict
        if target == "rejected":  # what was prepared before it would be told as the newest
            until = brief.ready_at or now
            await briefs.set_aside(connection, brief.site, brief.patient, until=until)
        await self.notices.tell(connection, brief.site, brief.patient)

    async def edits(
        self, connection: AsyncConnection, site: str, brief_id: str, made: str
    ) -> list[KeptEdit]:
        """Return the edits of one version of a brief, in order; `made` is the hash of its body."""
        query = (
            select(EDIT)
            .where(EDIT.c.brief == brief_id, EDIT.c.site == site, EDIT.c.made == made)
            .order_by(EDIT.c.seq)
        )
        found = []
        for row in (await connection.execute(query)).mappings():
            text = await self._opened(row, "edit", "text", f"{brief_id}.{made}.{row['seq']}")
            told = {name: row[name] for name in ("seq", "kind", "line", "by", "at")}
            found.append(KeptEdit(**told, text=(text or b"").decode()))
        return found

    async def add_edit(
        self, connection: AsyncConnection, brief: StoredBrief, made: str, edit: KeptEdit
    ) -> None:
        """Keep one edit, with the versions that made what it was made to."""
        place = f"edit|text|{brief.id}.{made}.{edit.seq}|{brief.site}"
        values = _of(brief) | {"made": made, "seq": edit.seq, "kind": edit.kind}
        values |= {"line": edit.line, "by": edit.by, "at": edit.at}
        values |= {"text": self.database.seal(edit.text.encode(), place=place)}
        await connection.execute(insert(EDIT).values(values))

    async def add_decision(
        self, connection: AsyncConnection, brief: StoredBrief, kept: KeptDecision
    ) -> None:
        """Keep a decision and its reason, with the versions that made what was decided."""
        place = f"decision|reason|{kept.id}|{brief.site}"
        values = _of(brief) | {"id": kept.id, "kind": kept.kind, "by": kept.by, "at": kept.at}
        values |= {"reason": self.database.seal(kept.reason.encode(), place=place)}
        await connection.execute(insert(DECISION).values(values))

    async def add_approval(
        self,
        connection: AsyncConnection,
        brief: StoredBrief,
        approved: ApprovedBrief,
        packed: bytes,
    ) -> None:
        """Keep an approval, and the row of the ledger of writes that goes before any request."""
        place = f"approval|packed|{approved.id}|{brief.site}"
        values = _of(brief) | {"id": approved.id, "note": approved.revision}
        values |= {"digest": approved.digest, "by": approved.approver}
        values |= {"session": approved.session, "at": approved.at}
        values |= {"packed": self.database.seal(packed, place=place)}
        await connection.execute(insert(APPROVAL).values(values))
        intent: dict[str, Any] = {"id": approved.id, "site": brief.site, "brief": brief.id}
        intent |= {"state": "intended", "attempts": 0, "told_stored": 0, "location": ""}
        intent |= {"searchable": 0}
        await connection.execute(
            insert(WRITE_INTENT).values(**intent, reason="", changed=approved.at)
        )

    async def lend(self, connection: AsyncConnection, approval_id: str, session: str) -> None:
        """Let another session of the same person file an approval."""
        await connection.execute(
            update(APPROVAL).where(APPROVAL.c.id == approval_id).values(session=session)
        )

    async def approval(
        self, connection: AsyncConnection, site: str, brief_id: str
    ) -> StoredApproval | None:
        """Return the newest approval of a brief, or None."""
        query = _approvals(site, brief_id).order_by(APPROVAL.c.note.desc()).limit(1)
        row = (await connection.execute(query)).mappings().one_or_none()
        return None if row is None else await self._approval(row)

    async def approvals(
        self, connection: AsyncConnection, site: str, brief_id: str
    ) -> list[StoredApproval]:
        """Return every approval of a brief, oldest first: each correction is one more."""
        query = _approvals(site, brief_id).order_by(APPROVAL.c.note)
        rows = (await connection.execute(query)).mappings().all()
        return [await self._approval(row) for row in rows]

    async def _approval(self, row: RowMapping) -> StoredApproval:
        return StoredApproval(
            id=row["id"],
            note=row["note"],
            by=row["by"],
            at=row["at"],
            session=row["session"],
            digest=row["digest"],
            packed=await self._opened(row, "approval", "packed", row["id"]) or b"",
            filing=_filing(row),
            differences=tuple(
                Difference(each["element"], each["expected"]) for each in row["differences"] or ()
            ),
            read_at=row["read_at"],
        )

    async def all_taken_back(
        self, connection: AsyncConnection, brief: StoredBrief, *, now: datetime
    ) -> None:
        """Say in the ledger of writes that no note of a brief stands any more whose place in the chart is known."""
        of_brief = (APPROVAL.c.site == brief.site, APPROVAL.c.brief == brief.id)
        notes = WRITE_INTENT.c.id.in_(select(APPROVAL.c.id).where(*of_brief))
        taken_back = update(WRITE_INTENT).where(notes, WRITE_INTENT.c.location != "")
        await connection.execute(taken_back.values(state="withdrawn", changed=now))

    async def filing(self, connection: AsyncConnection, filing_id: str) -> Filing:
        """Return a row of the ledger of writes."""
        query = select(WRITE_INTENT).where(WRITE_INTENT.c.id == filing_id)
        return _filing((await connection.execute(query)).mappings().one())

    async def is_searchable(self, connection: AsyncConnection, site: str) -> bool:
        """Return whether this site's search has ever found a note of ours: only then does it prove absence."""
        query = (
            select(WRITE_INTENT.c.id)
            .where(WRITE_INTENT.c.site == site, WRITE_INTENT.c.searchable == 1)
            .limit(1)
        )
        return (await connection.execute(query)).scalar_one_or_none() is not None

    async def change_filing(
        self,
        connection: AsyncConnection,
        filing_id: str,
        *,
        now: datetime,
        read: Filing | None = None,
        **values: object,
    ) -> bool:
        """Change a row of the ledger of writes; with `read`, only if it is still as it was read. Return whether."""
        told = {name: int(v) if isinstance(v, bool) else v for name, v in values.items()}
        query = update(WRITE_INTENT).where(WRITE_INTENT.c.id == filing_id)
        if read is not None:
            query = query.where(*(WRITE_INTENT.c[name] == getattr(read, name) for name in _MOVES))
        changed = query.values(**told, changed=now).returning(WRITE_INTENT.c.id)
        return (await connection.execute(changed)).scalar_one_or_none() is not None


def _of(brief: StoredBrief) -> dict[str, Any]:
    """Return what every row about a brief carries."""
    versions = {"rules": brief.rules_version, **brief.versions}
    return {"site": brief.site, "brief": brief.id, "versions": versions}


_PLAIN = (
    "id",
    "site",
    "state",
    "revision",
    "patient",
    "created",
    "ready_at",
    "rules_version",
)
_FILING = ("state", "attempts", "first_sent", "in_doubt", "told_stored", "location", "reason")
_MOVES = ("state", "attempts", "in_doubt")
"""What tells that a row was changed since it was read: each request changes one of them."""
_LEDGER = [
    *(WRITE_INTENT.c[name] for name in _FILING),
    WRITE_INTENT.c.differences,
    WRITE_INTENT.c.read_at,
]


def _approvals(site: str, brief_id: str) -> Select[Any]:
    return (
        select(APPROVAL, *_LEDGER)
        .join(WRITE_INTENT, WRITE_INTENT.c.id == APPROVAL.c.id)
        .where(APPROVAL.c.site == site, APPROVAL.c.brief == brief_id)
    )


def _filing(row: RowMapping) -> Filing:
    told = {name: row[name] for name in _FILING}
    told["told_stored"] = bool(told["told_stored"])
    return Filing(id=row["id"], site=row["site"], brief=row["brief"], **told)
