"""The composition root: settings, adapters, stages, flows, FastAPI. The one place that sees everything."""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager, nullcontext
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from fastapi import FastAPI

from cds_service.app.desk import Desk, wire_desk
from cds_service.app.smart import backend_tokens, launch_of, signing_keys
from cds_service.app.world import World, fhir_server, new_id, utc_now
from cds_service.audit import Audit
from cds_service.background import Background, wire
from cds_service.brief import rule_brief
from cds_service.card import OVERRIDE_REASONS, Compose
from cds_service.catalog import Catalog, load_catalog
from cds_service.context.gather import Gather
from cds_service.domain.json import encode
from cds_service.flow.answer import Answer
from cds_service.flow.feedback import TakeFeedback
from cds_service.flow.keep import Keep
from cds_service.flow.switches import Switches
from cds_service.http.bare import bare
from cds_service.http.cds_hooks_2 import read_feedback, read_request
from cds_service.http.edge import Edge
from cds_service.http.key_set import add_key_set
from cds_service.http.launch import Launch, add_launch
from cds_service.http.places import Places
from cds_service.http.registration import Guesses, Registration, add_registration
from cds_service.http.review import add_review
from cds_service.http.service import Endpoints, add_health, add_routes
from cds_service.network import Network
from cds_service.reload import Reload
from cds_service.settings import Settings
from cds_service.sites import OfSite, Site, Sites, load_sites
from cds_service.smart.backend import BackendTokens
from cds_service.smart.keys import KeyFile
from cds_service.storage import Database, Upkeep, Writer, open_database, ring_place, start
from cds_service.storage.hold import holding
from cds_service.storage.replay import UsedTokens
from cds_service.storage.retention import Periods
from cds_service.verify import KeySets, Replay, Verify
from cds_service.verify.keys import key_sources
from discovery.document import document
from discovery.packet import Ours, packet
from discovery.page import html

if TYPE_CHECKING:
    from cds_service.telemetry import Telemetry

__all__ = ["Service", "World", "build", "new_id", "utc_now"]


@dataclass(slots=True, kw_only=True)
class Service:
    """The wired service: the ASGI application, and what starts and stops with it."""

    settings: Settings
    sites: Sites
    catalog: Catalog
    database: Database
    writer: Writer
    audit: Audit
    replay: Replay
    upkeep: Upkeep
    switches: Switches
    keys: KeySets
    network: Network
    signing: KeyFile
    backend: BackendTokens
    places: Places = field(init=False)
    endpoints: Endpoints = field(init=False)
    launch: Launch = field(init=False)
    registration: Registration = field(init=False)
    desk: Desk = field(init=False)
    asgi: Edge = field(init=False)
    reload: Reload
    now: Callable[[], datetime]
    background: Background = field(init=False)
    telemetry: "Telemetry | None"
    writing: asyncio.Task[None] | None = None

    def __post_init__(self) -> None:
        """Give calls their places."""
        sites = self.sites
        self.places = Places(self.settings.max_in_flight, lambda: len(sites.by_name))

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Hold the data folder, create what is missing, warm the key sets, and flush at the end."""
        with holding(self.settings):
            await self._start_storage()
            used = UsedTokens(self.writer)
            self.replay.restore(await used.load(self.now().timestamp()))
            await self.switches.read()
            async with self._writing(), self._warming(), self.background.running():
                yield

    async def check_start(self) -> None:
        """Raise `Misconfigured` for what would stop the start: a server makes a traceback of it."""
        try:
            with holding(self.settings):
                await self._start_storage()
        finally:
            await self.database.close()

    async def _start_storage(self) -> None:
        by_itself = self.database.is_embedded or self.settings.is_demo
        await start(self.database, now=self.now(), by_itself=by_itself, sites=self.sites.by_name)

    @asynccontextmanager
    async def _warming(self) -> AsyncIterator[None]:
        warming = asyncio.create_task(self.keys.warm(self.sites.by_name.values()))
        reloading = asyncio.create_task(self.reload.run())
        greeting = asyncio.create_task(self.backend.warm(self.sites.by_name.values()))
        try:
            yield
        finally:
            warming.cancel()
            reloading.cancel()
            greeting.cancel()

    @asynccontextmanager
    async def _writing(self) -> AsyncIterator[None]:
        self.writing = asyncio.create_task(self.writer.run())
        beside = [
            asyncio.create_task(each.run()) for each in (self.audit, self.upkeep, self.switches)
        ]
        try:
            yield
        finally:
            for task in beside:
                task.cancel()
            self.audit.tell_refusals(everything=True)
            self.writer.stop()
            try:
                await self.writing
            finally:
                await self.network.aclose()
                await self.database.close()
                if self.telemetry is not None:
                    await self.telemetry.stop()

    def readiness(self) -> Mapping[str, str]:
        """Return what is wrong, by part."""
        wrong = {}
        if self.writer.is_behind:
            wrong["database"] = "cannot be written; entries wait in memory"
        if self.writing is not None and self.writing.done():
            wrong["writer"] = "stopped; nothing is stored"
        if self.switches.fault:
            wrong["switches"] = self.switches.fault
        if fault := self.background.fault():
            wrong["work"] = fault
        return wrong

    def health(self) -> FastAPI:
        """Return an application that answers only whether this process is well."""
        app = bare(lambda _app: nullcontext())
        add_health(app, self.endpoints)
        return app

    def notes(self) -> list[str]:
        """Return what concerns one site only, and is no reason to send the others elsewhere."""
        kept = [f"site {name}: {why}" for name, why in self.sites.refused.items()]
        return (
            kept
            + list(self.background.notes())
            + [
                f"site {site.name}: no key set could be had from {source}; its calls get 401"
                for site in self.sites.by_name.values()
                for source in key_sources(site)
                if not self.keys.has(site, source)
            ]
            + list(self.backend.notes(self.sites.by_name.values()))
        )


def build(settings: Settings, world: World | None = None) -> Service:
    """Wire the service. Raises `Misconfigured` with a sentence that says what to do."""
    world = world or World()
    catalog = load_catalog(settings.hook_packages)
    known = frozenset(catalog.by_id)
    sites = load_sites(settings.sites, services=known, demo=settings.is_demo)
    upkeep = _upkeep(settings, sites, world)
    audit = Audit(writer=Writer(upkeep.database), now=world.now)
    telemetry = _telemetry(settings, world)
    network = _network(settings, sites, world, telemetry)
    signing = signing_keys(settings, sites, audit, world)
    service = Service(
        settings=settings,
        sites=sites,
        catalog=catalog,
        database=upkeep.database,
        writer=audit.writer,
        audit=audit,
        replay=Replay(UsedTokens(audit.writer)),
        upkeep=upkeep,
        switches=Switches(database=upkeep.database),
        now=world.now,
        keys=KeySets(
            client=network.client, clock=world.clock, trust_public_sandbox=settings.is_demo
        ),
        network=network,
        telemetry=telemetry,
        reload=Reload(
            sites=sites,
            folder=settings.sites,
            services=known,
            demo=settings.is_demo,
            check=lambda site: _check_acceptable(service, site),
            warm=lambda site: _welcome(service, site),
        ),
        signing=signing,
        backend=backend_tokens(network, signing, world),
    )
    service.background = wire(service, now=world.now, clock=world.clock)
    service.endpoints = _endpoints(service, world)
    service.launch = launch_of(service, world)
    service.registration = _registration(service, world)
    service.desk = wire_desk(service, world)
    service.background.work.file_with(service.desk.write_back)
    service.asgi = _asgi(service)
    return service


def _check_acceptable(service: Service, site: Site) -> None:
    """Raise `Misconfigured` where a site's file is well written and cannot be acted on."""
    service.network.client(site)
    service.background.helper.check(site)


async def _welcome(service: Service, site: Site) -> None:
    """Do for a site that was accepted while we run what the start does for all."""
    await service.keys.warm([site])
    await service.background.welcome(site)


def _asgi(service: Service) -> Edge:
    sites = service.sites  # reloaded in place
    return Edge(
        app=_fastapi(service),
        origins_of=lambda name: s.file.cors.origins if (s := sites.by_name.get(name)) else (),
        any_origin=service.settings.is_demo,
    )


def _network(
    settings: Settings, sites: Sites, world: World, telemetry: "Telemetry | None"
) -> Network:
    network = Network(open=settings.is_demo, transport=world.transport)
    if telemetry is not None:
        network.around = telemetry.transport
    for site in sites.by_name.values():
        network.client(site)  # certificates that cannot be read stop the start
    return network


def _upkeep(settings: Settings, sites: Sites, world: World) -> Upkeep:
    place = ring_place(settings.keyring, data_dir=settings.data_dir, demo=settings.is_demo)
    ring = place.load()
    return Upkeep(
        database=open_database(settings.database_url, data_dir=settings.data_dir, ring=ring),
        place=place,
        sites=lambda: tuple(sites.by_name),
        now=world.now,
        keep=Periods(
            answers=timedelta(days=settings.keep_days),
            decided=timedelta(days=settings.keep_decided_days),
            runs=timedelta(days=settings.keep_run_days),
        ),
    )


def _telemetry(settings: Settings, world: World) -> "Telemetry | None":
    """Start traces and metrics where they are asked for; nothing of them is even imported where not."""
    if world.telemetry is not None or not settings.otlp_url:
        return world.telemetry
    from cds_service.telemetry import start_telemetry

    return start_telemetry(settings.otlp_url)


def _endpoints(service: Service, world: World) -> Endpoints:
    verify = Verify(keys=service.keys, replay=service.replay, now=world.now)
    public_url = service.settings.public_url.rstrip("/")
    answer = Answer(
        sites=service.sites,
        switches=service.switches,
        catalog=service.catalog,
        verify=verify,
        read=read_request,
        ready=service.background.ready,
        receipt=service.background.ready.receipt,
        gather=Gather(
            server_of=OfSite(lambda site: fhir_server(site, service.network, world)),
            now=world.now,
            met=service.background.pauses.met,
        ),
        by_rules=rule_brief,
        compose=Compose(public_url=public_url, new_id=world.new_id),
        keep=Keep(writer=service.writer, now=world.now),
        ahead=service.background.ahead,
        audit=service.audit,
    )
    feedback = _feedback(service, verify, world)
    if service.telemetry is not None:
        answer = service.telemetry.stages(answer, lambda call: call.site)
        feedback = service.telemetry.stages(feedback, lambda call: call.site)
    return Endpoints(
        public_url=public_url,
        sites=service.sites,
        verify=verify,
        answer=answer,
        feedback=feedback,
        document_of=OfSite(lambda site: encode(document(site, service.catalog.by_id.values()))),
        readiness=service.readiness,
        notes=service.notes,
        work=service.background.told,
        max_body_bytes=service.settings.max_body_bytes,
        places=service.places,
        audit=service.audit,
        now=world.now,
    )


def _feedback(service: Service, verify: Verify, world: World) -> TakeFeedback:
    return TakeFeedback(
        sites=service.sites,
        catalog=service.catalog,
        verify=verify,
        read=read_feedback,
        database=service.database,
        audit=service.audit,
        now=world.now,
    )


def _fastapi(service: Service) -> FastAPI:
    @asynccontextmanager
    async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
        async with service.running():
            yield

    app = bare(lifespan)
    add_routes(app, service.endpoints)
    add_key_set(app, service.signing)
    add_launch(app, service.launch)
    add_review(app, service.desk.review)
    add_registration(app, service.registration)
    if service.telemetry is not None:
        service.telemetry.watch(app, service.database.engine.sync_engine)
        service.background.measure(service.telemetry.gauge, service.telemetry.counter)
        service.telemetry.gauge(
            "cds.keys.age",
            "Seconds since the key set of a site was had.",
            lambda: service.keys.ages(service.sites.by_name.values()),
        )
    return app


def _registration(service: Service, world: World) -> Registration:
    reasons = tuple((r.code, r.system, r.display or "") for r in OVERRIDE_REASONS)
    ours = Ours(
        public_url=service.settings.public_url,
        override_reasons=reasons,
        intents=service.catalog.intents,
    )
    token = service.settings.operator_token
    return Registration(
        sites=service.sites,
        page_of=lambda site: html(packet(site, service.catalog.by_id.values(), ours)),
        token=token.get_secret_value() if token else "",
        is_demo=service.settings.is_demo,
        guesses=Guesses(world.clock),
        refused=service.audit.refused,
    )
