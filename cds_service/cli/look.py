"""Looks at a site with a service that is built and not served: what `site check` judges."""

from collections.abc import Callable
from dataclasses import replace

import httpx

from cds_service.app import Service, build
from cds_service.cli.packet import named
from cds_service.domain.errors import NoToken
from cds_service.domain.observed import Token
from cds_service.flow.check import Access, Look
from cds_service.flow.seen import calls_of
from cds_service.network.clients import tls
from cds_service.settings import load_settings
from cds_service.sites import Site
from cds_service.smart.reasons import advice
from cds_service.storage import has_begun, start
from cds_service.storage.chain import OPERATIONS
from cds_service.storage.entries import newest_entries
from discovery.checks import Subject

_TIMEOUT_S = 10.0


async def looked_at(name: str, patient: str, progress: Callable[[str], None]) -> Subject:
    """Return what is judged of a site of the settings. Raises `Misconfigured` when there is none of that name."""
    settings = load_settings()
    service = build(settings)
    site = named(name, settings, service.catalog)
    http = httpx.AsyncClient(timeout=_TIMEOUT_S, follow_redirects=False, trust_env=False)
    try:
        async with http:
            return await looked(service, site, http, patient=patient, progress=progress)
    finally:
        await service.network.aclose()
        await service.database.close()


async def looked(
    service: Service,
    site: Site,
    ours: httpx.AsyncClient,
    *,
    patient: str = "",
    progress: Callable[[str], None] = lambda _: None,
) -> Subject:
    """Return what is judged of a site. `ours` reaches our own public address; `patient` is a test patient's id."""
    enabled = tuple(service.catalog.by_id[each] for each in site.file.services)
    public = service.settings.public_url.rstrip("/")
    look = Look(
        ours=ours,
        ehr=service.network.client,
        tls=tls,
        server_of=service.endpoints.answer.gather.server_of,
        access=lambda each: _access(service, each),
        public_url=public,
        now=service.endpoints.now,
    )
    needs = tuple(dict.fromkeys(need for each in enabled for need in each.needs))
    services = tuple(each.id for each in enabled)
    if patient and site.file.backend:
        await _tell(service, site, patient)
    seen = await look(site, services=services, needs=needs, patient=patient, progress=progress)
    progress("the calls already seen")
    begun = service.database.is_begun
    if begun:
        await service.switches.read()
    off = [
        what or "everything" for name, what in sorted(service.switches.off) if name == site.name
    ]
    entries = await newest_entries(service.database, site=site.name) if begun else None
    seen = replace(
        seen,
        expected_discovery=service.endpoints.document_of(site),
        off=tuple(off),
        calls=None if entries is None else calls_of(entries),
    )
    return Subject(site=site, services=enabled, public_url=public, seen=seen)


async def _tell(service: Service, site: Site, patient: str) -> None:
    """Say in the audit whose record is about to be read; before the first start of a service there is none."""
    database, now = service.database, service.endpoints.now()
    if not await has_begun(database):
        return
    await start(database, now=now, by_itself=False, sites=[site.name])
    async with database.transaction() as connection:
        await service.audit.append(
            connection,
            site=site.name,
            action="check",
            patient=f"Patient/{patient}",
            purpose=OPERATIONS,
        )


async def _access(service: Service, site: Site) -> Access:
    try:
        token = await service.backend.token(site)
    except NoToken as problem:
        return Access(told=Token(error=problem.detail, advice=advice(problem.detail)))
    left = (token.expires - service.endpoints.now()).total_seconds()
    told = Token(granted=tuple(sorted(token.scopes)), lifetime_s=round(left))
    return Access(told=told, value=token.value)
