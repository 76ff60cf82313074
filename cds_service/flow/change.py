"""A change of a brief's state: guarded, audited in the same transaction, and told to who keeps copies."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from cds_service.audit import Audit
from cds_service.domain.states import State
from cds_service.domain.visit import Visit
from cds_service.flow.ask import known_occasion
from cds_service.storage import Connection, Database, briefs, parts
from cds_service.storage.notices import Notices


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """Changes states. One for each process."""

    database: Database
    notices: Notices
    audit: Audit
    now: Callable[[], datetime]
    actor: str = "work ahead"
    """Who has them changed, as the audit names it: a person, where a command does."""

    async def __call__(
        self,
        row: briefs.Row,
        target: State,
        *,
        action: str = "prepare",
        reason: str | None = None,
        facts: Mapping[str, Any] | None = None,
        beside: Callable[[Connection], Awaitable[None]] | None = None,
        **columns: object,
    ) -> bool:
        """Change a brief's state from what `row` says; False when somebody else was here before.

        What `beside` stores is one with the change.
        """
        now, visit = self.now(), await known_occasion(self.database, row)
        async with self.database.transaction() as connection:
            moved = await briefs.move(
                connection, row.id, row.state, target, at=now, reason=reason, **columns
            )
            if not moved:
                return False
            if beside is not None:
                await beside(connection)
            told = {**(facts or {}), **({"reason": reason} if reason else {})}
            await self._tell(connection, row, visit, action=action, outcome=target, facts=told)
            if target in _ENDS:
                await parts.drop(connection, [row.id])
            await self.notices.tell(connection, row.site, row.patient)
        self.notices.drop(row.site, row.patient)
        return True

    async def again(
        self,
        row: briefs.Row,
        *,
        due: datetime,
        reason: str | None = None,
        action: str = "prepare",
        versions: Mapping[str, Any] | None = None,
    ) -> bool:
        """Have a brief begun anew, as a new revision; False when somebody else was here before.

        One that is requested stays so: its workflow has ended, and the same id would start nothing.
        """
        versions = row.versions if versions is None else versions
        if row.state != "requested":
            revision = row.revision + 1
            return await self(
                row,
                "requested",
                action=action,
                reason=reason,
                due=due,
                revision=revision,
                versions=versions,
            )
        visit = await known_occasion(self.database, row)
        async with self.database.transaction() as connection:
            if not await briefs.put_off(
                connection, row, at=self.now(), due=due, reason=reason, versions=versions
            ):
                return False
            told = {"reason": reason} if reason else {}
            await self._tell(connection, row, visit, action=action, outcome=row.state, facts=told)
        return True

    async def _tell(
        self,
        connection: Connection,
        row: briefs.Row,
        visit: Visit | None,
        *,
        action: str,
        outcome: State,
        facts: Mapping[str, Any],
    ) -> None:
        """Keep the entry of a change, in its transaction; that of a brief which does not open names no patient."""
        patient = visit.patient if visit else ""
        await self.audit.append(
            connection,
            site=row.site,
            action=action,
            outcome=outcome,
            at=self.now(),
            facts={"from": row.state, **facts},
            actor=self.actor,
            patient=f"Patient/{patient}" if patient else "",
            brief=row.id,
        )


_ENDS: frozenset[State] = frozenset({"ready", "failed", "cancelled", "expired"})
