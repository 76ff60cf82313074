"""How a hook call is answered. This is the product in one page."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from cds_service.audit import Audit, Entry
from cds_service.brief.made import receipted
from cds_service.card import Answered, Compose
from cds_service.catalog import Catalog, check_hook
from cds_service.context.access import access
from cds_service.context.gather import Gather
from cds_service.domain.brief import Brief, made_by
from cds_service.domain.call import Call, HookRequest
from cds_service.domain.evidence import Context
from cds_service.flow.ahead import Ahead
from cds_service.flow.keep import Keep
from cds_service.flow.occasion import check_occasion, shown
from cds_service.flow.ready import Found, Made, Ready, Unreadable
from cds_service.flow.shape import shape
from cds_service.flow.switches import Switches
from cds_service.hook import HookService
from cds_service.sites import Site, Sites
from cds_service.verify import Verify


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """Answers one hook call."""

    sites: Sites
    switches: Switches
    catalog: Catalog
    verify: Verify
    read: Callable[[bytes], HookRequest]
    ready: Ready
    receipt: Callable[[str, Site], Awaitable[str]]
    """What became of the note of this patient that was approved last, in words."""
    gather: Gather
    by_rules: Callable[[Context], Brief]
    compose: Compose
    keep: Keep
    ahead: Ahead
    audit: Audit

    async def __call__(self, call: Call) -> Answered:
        """Return the cards, or raise the `CdsError` that stopped us."""
        async with self.audit.entry("answer", call) as entry:
            site = self.sites.find(call.site)
            caller = await self.verify(call, site)
            entry.note(issuer=caller.issuer, tenant=caller.tenant, jti=caller.jti)
            entry.lap("verify")
            request = self.read(await call.body())
            service = self.catalog.find(call.service_id, enabled=site.file.services)
            check_hook(service, request.hook)
            entry.note(hook_instance=request.hook_instance)
            entry.actor, entry.patient = request.user, f"Patient/{request.patient_id}"
            entry.note(**shape(request, site))
            self.switches.check(site.name, service.id)
            check_occasion(request, site)
            granted = access(request, caller, site)
            made = await self._prepared(request, service, site, entry)
            if made is None:
                context = await self.gather(
                    granted, request, service, site, deadline=call.deadline
                )
                entry.lap("gather")
                made = Made(
                    brief=receipted(
                        self.by_rules(context),
                        await self.receipt(request.patient_id, site),
                    ),
                    context=context,
                )
            answered = self.compose(service.cards(made.brief), made.brief, made.context, site)
            self.keep(answered, made, service, site)
            entry.lap("brief")
            entry.brief = answered.brief_id
            entry.note(
                prepared=made.prepared or None,
                cards=len(answered.cards),
                card_ids=[card.uuid for card in answered.cards],
                links=sum(bool(card.links) for card in answered.cards),
                gaps=len(made.brief.gaps),
                missing=sorted({f"{gap.need}: {gap.reason}" for gap in made.brief.gaps}),
                resources=len(made.context.ledger.evidence),
                access=granted.refused or "granted",
                **made_by(made.brief.versions),
            )
            return shown(answered, site)

    async def _prepared(
        self, request: HookRequest, service: HookService, site: Site, entry: Entry
    ) -> Made | None:
        """Return what was prepared for this call; None when rules have to answer. Asks for what is wanted ahead.

        It asks before there is an answer: a call without prefetch and without access is refused, and its patient is the
        one for whom a brief that was prepared helps most.
        """
        try:
            found, made = await self.ready(request, service, site)
        except Unreadable as problem:  # what is stored leaves no chart without an answer
            entry.note(not_ready=problem.code)
            found, made = Found(not_shown=problem.brief), None
        entry.note(asked=self.ahead(request, found, site) or None)
        return made
