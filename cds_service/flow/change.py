"""A change of a brief's state: guarded, audited in the same transaction, and told to who keeps copies."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from cds_service.audit import Audit
from cds_service.domain.states import State
from cds_service.flow.ask import open_occasion
from cds_service.storage import Connection, Database, briefs
from cds_service.storage.notices import Notices


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """Changes states. One for each process."""

    database: Database
    notices: Notices
    audit: Audit
    now: Callable[[], datetime]

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
        now, visit = self.now(), await open_occasion(self.database, row)
        async with self.database.transaction() as connection:
            moved = await briefs.move(
                connection, row.id, row.state, target, at=now, reason=reason, **columns
            )
            if not moved:
                return False
            if beside is not None:
                await beside(connection)
            told: dict[str, Any] = {"from": row.state, **(facts or {})}
            if reason:
                told["reason"] = reason
            await self.audit.append(
                connection,
                site=row.site,
                action=action,
                outcome=target,
                at=now,
                facts=told,
                actor="work ahead",
                patient=f"Patient/{visit.patient}" if visit.patient else "",
                brief=row.id,
            )
            if target in _ENDS:
                await briefs.drop_parts(connection, [row.id])
            await self.notices.tell(connection, row.site, row.patient)
        self.notices.drop(row.site, row.patient)
        return True


_ENDS: frozenset[State] = frozenset({"ready", "failed", "cancelled", "expired"})
