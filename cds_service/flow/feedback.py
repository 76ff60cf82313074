"""What happens to feedback: verified like a call, then kept against the card it speaks of."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from cds_service.audit import Audit
from cds_service.catalog import Catalog
from cds_service.domain.call import Call, Caller
from cds_service.domain.errors import StorageAway
from cds_service.domain.feedback import Feedback
from cds_service.hook import HookService
from cds_service.sites import Site, Sites
from cds_service.storage import OUTAGES, Database
from cds_service.storage.in_time import in_time
from cds_service.verify import Verify


@dataclass(frozen=True, slots=True, kw_only=True)
class TakeFeedback:
    """Takes one batch of feedback."""

    sites: Sites
    catalog: Catalog
    verify: Verify
    read: Callable[[bytes], tuple[tuple[Feedback, ...], int]]
    database: Database
    audit: Audit
    now: Callable[[], datetime]

    async def __call__(self, call: Call) -> None:
        """Store the valid items of a batch, each once; late and unknown cards are welcome.

        Raises the `CdsError` that stopped us; a malformed item stops nothing and is counted.
        """
        async with self.audit.entry("feedback", call) as entry:
            site = self.sites.find(call.site)
            caller = await self.verify(call, site)
            entry.note(issuer=caller.issuer, tenant=caller.tenant, jti=caller.jti)
            service = self.catalog.find(call.service_id, enabled=site.file.services)
            items, refused = self.read(await call.body())
            keeping = self._keep(items, site=site, caller=caller, service=service)
            try:
                known = await in_time(keeping, call.deadline - asyncio.get_running_loop().time())
            except OUTAGES:  # a time-out is one of them
                raise StorageAway from None
            entry.note(
                items=len(items),
                refused=refused,
                unknown=sum(item.card not in known for item in items),
            )

    async def _keep(
        self, items: tuple[Feedback, ...], *, site: Site, caller: Caller, service: HookService
    ) -> frozenset[str]:
        """Store them; returns which cards were ours."""
        known = await self.database.known_cards(site.name, [item.card for item in items])
        await self.database.add_feedback(
            items,
            site=site.name,
            issuer=caller.issuer,
            service=service.id,
            known=known,
            received=self.now(),
        )
        return known
