"""Runs one CDS service on one request without a network, a token or a database: examples are tests.

The stages are the real ones; only what comes from outside is fixed: the site is a plain FHIR R4 one, the
ids count up, and nothing can be read beyond what the request brought.
"""

import asyncio
from collections.abc import Iterator
from datetime import datetime
from itertools import count
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import httpx

from cds_service.brief import rule_brief
from cds_service.card import Compose
from cds_service.catalog import check_hook
from cds_service.context.access import Access
from cds_service.context.gather import Gather
from cds_service.domain.call import HookRequest
from cds_service.fhir.client import FhirServer, Pace
from cds_service.hook import HookService
from cds_service.sites import Fhir, Site, SiteFile, Smart, Trust
from cds_service.vendors import load_profile

NOW = datetime.fromisoformat("2026-11-23T09:00:00+00:00")
_BASE = "https://ehr.example.org/r4"
_BUDGET_S = 60.0


def example_site(vendor: str = "generic-r4") -> Site:
    """Return a site of a vendor that exists on paper only."""
    file = SiteFile(
        title="Example Hospital",
        vendor=vendor,
        services=(),
        fhir=Fhir(base_url=_BASE),
        trust=(Trust(iss=_BASE, jwks_url=f"{_BASE}/jwks"),),
        smart=Smart(client_id="example"),
    )
    return Site("example", file, load_profile(vendor), ZoneInfo("UTC"))


async def rehearse(
    service: HookService, request: HookRequest, site: Site, *, now: datetime = NOW
) -> list[dict[str, Any]]:
    """Return the cards that a service answers, as JSON. Raises what a real call would raise."""
    check_hook(service, request.hook)
    loop = asyncio.get_running_loop()
    async with httpx.AsyncClient(transport=httpx.MockTransport(_nobody)) as http:
        server = FhirServer(
            base_url=_BASE,
            accept="application/fhir+json",
            http=http,
            pace=Pace(rate=1000.0, clock=loop.time),
            slots=asyncio.Semaphore(1),
            clock=loop.time,
        )
        gather = Gather(server_of=lambda _site: server, now=lambda: now)
        granted = Access(refused="rehearsal")
        context = await gather(granted, request, service, site, deadline=loop.time() + _BUDGET_S)
    brief = rule_brief(context)
    ids = _counting_ids()
    compose = Compose(public_url="https://cds.example.org", new_id=lambda: next(ids))
    answered = compose(service.cards(brief), brief, context, site)
    return [card.to_json() for card in answered.cards]


def _nobody(_request: httpx.Request) -> httpx.Response:
    return httpx.Response(403)


def _counting_ids() -> Iterator[str]:
    for number in count(1):
        yield str(UUID(int=number))
