"""Wires work ahead: what prepares briefs beside the answers, in this process or in processes of its own."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from cds_service.audit import Audit
from cds_service.catalog import Catalog
from cds_service.context.enough import PATIENCE_S
from cds_service.context.whole import GatherWhole
from cds_service.domain.errors import Misconfigured
from cds_service.engine import Engine
from cds_service.feeds.appointments import way_of
from cds_service.fhir.client import FhirServer, Pace
from cds_service.flow.ahead import Ahead
from cds_service.flow.ask import Ask
from cds_service.flow.backlog import Backlog
from cds_service.flow.change import Change
from cds_service.flow.denied import Denied
from cds_service.flow.follow import Follow
from cds_service.flow.model import Helper
from cds_service.flow.pauses import Pauses
from cds_service.flow.prepare import Prepare
from cds_service.flow.ready import Ready
from cds_service.flow.run_once import RunOnce
from cds_service.flow.schedule import Schedule
from cds_service.flow.switches import Switches
from cds_service.flow.work_ahead import WorkAhead
from cds_service.http.places import Places
from cds_service.network import Network
from cds_service.settings import Settings
from cds_service.sites import OfSite, Site, Sites
from cds_service.smart.backend import BackendTokens
from cds_service.storage import OUTAGES, Database, Writer
from cds_service.storage.notices import Notices
from cds_service.storage.ready import ReadyBriefs
from cds_service.storage.seal import SHARED
from cds_service.storage.switches import AGENT

MAX_ANSWER_BYTES = 64 * 1024 * 1024
"""Of an EHR that is asked ahead: a chart may come in few and large pages."""
MOST_AT_ONCE = 8
"""Reads of work ahead that one process has under way at one EHR, however fast its site allows: what a connection pool
costs grows with the square of its connections, and eight reads of 200 ms are forty a second."""
_DRAIN_S = 20
_ENGINE_PLACE = f"engine|value|all|{SHARED}"


Gauge = Callable[[str, str, Callable[[], Mapping[str, int]]], None]
"""Reports numbers by site: (name, what it says, how it is read)."""
Counts = Callable[[str, str, Callable[[], int]], None]


@dataclass(slots=True, kw_only=True)
class Background:
    """What works beside the answers, and what the answers take from it."""

    role: str
    sites: Sites
    notices: Notices
    work: WorkAhead
    ask: Ask
    ready: Ready
    ahead: Ahead
    helper: Helper
    pauses: Pauses

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Hear of changed briefs and, unless this process only answers, do the work; drain it at the end."""
        tasks = [asyncio.create_task(each.run()) for each in (self.notices, self.pauses)]
        if self.role != "api":
            tasks.append(asyncio.create_task(self.welcome(*self.sites.by_name.values())))
        doing = self.work.watch() if self.role == "api" else self.work.run()
        tasks.append(asyncio.create_task(doing))
        try:
            yield
        finally:
            for task in tasks:
                task.cancel()
            for task in tasks:
                with suppress(asyncio.CancelledError):
                    await task
            await self.work.stop(_DRAIN_S)
            await self.helper.close()

    async def welcome(self, *sites: Site) -> None:
        """Tell the audit of the model that may help sites from now on."""
        if self.role != "api":
            with suppress(*OUTAGES):  # told again before the model's first brief, or there is none
                await self.helper.begin(sites)

    def fault(self) -> str:
        """Return why a process that only works is not ready, or ""; the rules answer calls without a queue."""
        return self.work.fault() if self.role == "worker" else ""

    def told(self) -> dict[str, object]:
        """Return how work ahead stands, for a program."""
        return {**self.work.backlog.told(), "problem": self.work.problem}

    def measure(self, gauge: Gauge, counter: Counts) -> None:
        """Have the queue and the look-ups of ready briefs measured; readiness tells the same numbers."""

        def by_site(
            numbers: Callable[[Backlog], Mapping[str, int]],
        ) -> Callable[[], Mapping[str, int]]:
            return lambda: {**dict.fromkeys(self.sites.by_name, 0), **numbers(self.work.backlog)}

        gauge("cds.queue.late", "Briefs and notes that are late.", by_site(lambda b: b.late))
        gauge("cds.queue.failed", "Briefs and notes for a person.", by_site(lambda b: b.failed))
        unread = by_site(lambda backlog: dict.fromkeys(backlog.unread, 1))
        gauge("cds.schedule.unread", "1: the last poll of this site's schedule failed.", unread)
        nobody = by_site(lambda backlog: backlog.without_patient)
        gauge("cds.schedule.without_patient", "Appointments that name no patient.", nobody)
        stuck = by_site(lambda backlog: dict.fromkeys(backlog.stuck, 1))
        gauge("cds.queue.stuck", "1: late work of this site does not move.", stuck)
        counter(
            "cds.ready.missed", "Look-ups not answered in time.", lambda: self.ready.kept.missed
        )
        counter(
            "cds.ready.unreadable",
            "Prepared briefs that could not be read.",
            lambda: self.ready.kept.unreadable,
        )

    def notes(self) -> Iterator[str]:
        """Yield what an admin of a site, or the operator, should know of work ahead."""
        yield from self.helper.notes(self.sites)
        if self.work.problem:
            yield f"work ahead: {self.work.problem}"
        yield from self.work.backlog.notes()
        for site in self.sites.by_name.values():
            prepare = site.file.prepare
            if prepare is not None and site.file.backend is None:
                yield f"site {site.name}: [prepare] needs [backend]; nothing is prepared"
            if site.may_prepare and prepare is not None and prepare.poll and way_of(site) is None:
                yield f"site {site.name}: this vendor's schedule cannot be polled; bookings must come another way"


class Service(Protocol):
    """What work ahead shares with the answers."""

    settings: Settings
    sites: Sites
    catalog: Catalog
    writer: Writer
    network: Network
    backend: BackendTokens
    audit: Audit
    switches: Switches
    places: Places


def wire(given: Service, *, now: Callable[[], datetime], clock: Callable[[], float]) -> Background:
    """Wire it. Raises `Misconfigured` for databases that do not fit together."""
    database = given.writer.database
    server_of = OfSite(lambda site: _server(site, given, clock))
    kept = ReadyBriefs(database=database, clock=clock, now=now)
    notices = Notices(database=database, listeners=[kept.drop])
    change = Change(database=database, notices=notices, audit=given.audit, now=now)
    pauses = Pauses(database=database, audit=given.audit, now=now)
    ask = Ask(database=database, audit=given.audit, now=now)
    writing = _helper(given, now, clock)
    follow = Follow(database=database, ask=ask, change=change, now=now)
    schedule = _schedule(given, follow, pauses, server_of)
    prepare = Prepare(
        database=database,
        sites=given.sites,
        catalog=given.catalog,
        tokens=given.backend,
        gather_whole=GatherWhole(server_of=server_of, now=now),
        write_brief=RunOnce(
            write_brief=writing.write_brief, database=database, audit=given.audit, now=now
        ),
        change=change,
        pauses=pauses,
        denied=Denied(database=database, turn=given.places.quiet, now=now),
        ask=ask,
        stands=schedule.stands,
        may_prepare=given.switches.may_prepare,
        turn=given.places.quiet,
        now=now,
    )
    work = _work(given, prepare, schedule, now=now, clock=clock)
    return Background(
        role=given.settings.role,
        sites=given.sites,
        notices=notices,
        work=work,
        ask=ask,
        ready=_ready(given, kept),
        ahead=Ahead(ask=ask, writer=given.writer),
        helper=writing,
        pauses=pauses,
    )


def _ready(given: Service, kept: ReadyBriefs) -> Ready:
    return Ready(
        database=kept.database,
        kept=kept,
        has_no_model=lambda site: given.switches.is_off(site, AGENT),
        now=kept.now,
    )


def _schedule(
    given: Service, follow: Follow, pauses: Pauses, server_of: Callable[[Site], FhirServer]
) -> Schedule:
    return Schedule(
        database=follow.database,
        tokens=given.backend,
        server_of=server_of,
        follow=follow,
        audit=given.audit,
        pauses=pauses,
        now=follow.now,
    )


def _helper(given: Service, now: Callable[[], datetime], clock: Callable[[], float]) -> Helper:
    helper = Helper(
        settings=given.settings,
        audit=given.audit,
        is_off=lambda site: given.switches.is_off(site, AGENT),
        now=now,
        clock=clock,
    )
    for site in given.sites.by_name.values():
        helper.check(site)  # a model that chart content may not be sent to stops the start
    return helper


def _work(
    given: Service,
    prepare: Prepare,
    schedule: Schedule,
    *,
    now: Callable[[], datetime],
    clock: Callable[[], float],
) -> WorkAhead:
    engine = _engine(given)
    engine.register("prepare", prepare)
    work = WorkAhead(
        engine=engine,
        database=given.writer.database,
        sites=given.sites,
        change=prepare.change,
        schedule=schedule,
        switches=given.switches,
        turn=given.places.quiet,
        now=now,
        clock=clock,
    )
    if not work.database.is_embedded:
        prepare.change.notices.listeners.append(work.hurry)
    return work


def _engine(given: Service) -> Engine:
    database = given.writer.database
    return Engine(
        url=engine_url(given.settings, database),
        seal=lambda plain: database.seals.seal(plain, place=_ENGINE_PLACE),
        open=lambda sealed: database.seals.open(sealed, place=_ENGINE_PLACE),
        passing=OUTAGES,
    )


def engine_url(settings: Settings, database: Database) -> str:
    """Return where the engine keeps its work: beside the database, unless the operator says otherwise.

    Raises `Misconfigured` when one of the two is shared by several processes and the other is not: two
    processes would then do the same work.
    """
    url = settings.engine_url
    if not url:
        if database.is_embedded:
            return f"sqlite:///{settings.data_dir / 'engine.db'}"
        return database.engine.url.render_as_string(hide_password=False)
    if not url.startswith(("sqlite:", "postgresql:", "postgresql+psycopg:")):
        raise Misconfigured(
            "CDS_ENGINE_URL must be sqlite:///FILE or postgresql://USER@HOST/DATABASE."
        )
    if url.startswith("sqlite:") != database.is_embedded:
        raise Misconfigured(
            "CDS_ENGINE_URL and CDS_DATABASE_URL must both be SQLite (one process) or both PostgreSQL."
        )
    return url


def _server(site: Site, given: Service, clock: Callable[[], float]) -> FhirServer:
    """Return a site's FHIR server at the pace that its file allows for work ahead; calls in flight go first."""
    prepare = site.file.prepare
    rate = prepare.requests_per_second if prepare else 1.0
    return FhirServer(
        base_url=site.file.fhir.base_url,
        accept=site.profile.search.accept,
        http=given.network.client(site),
        pace=Pace(rate=rate, clock=clock),
        turn=given.places.quiet,
        slots=asyncio.Semaphore(min(MOST_AT_ONCE, max(1, int(rate)) + 1)),
        clock=clock,
        max_bytes=MAX_ANSWER_BYTES,
        patience_s=PATIENCE_S,
    )
