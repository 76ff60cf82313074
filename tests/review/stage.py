"""The stage of these tests: the simulated EHR, a database, and review and write-back as the product wires them.

Requests cross a wire of our own, on which time limits count and a server goes on working after its client has gone.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from functools import cache
from pathlib import Path
from uuid import uuid4

import httpx
from fastapi import FastAPI

from cds_service.audit import Audit
from cds_service.brief import rule_brief, to_json
from cds_service.context.bundle import bundle_context
from cds_service.context.stored import pack
from cds_service.domain.errors import NotTrusted
from cds_service.domain.json import decode, encode
from cds_service.domain.session import Clinician, LaunchSession
from cds_service.fhir.client import FhirServer, Pace
from cds_service.flow.changes import Changes
from cds_service.flow.preflight import Preflight
from cds_service.flow.sign import Sign
from cds_service.flow.trace import Trace
from cds_service.flow.withdraw import Withdraw
from cds_service.flow.write_back import WriteBack
from cds_service.http.review import Review, add_review
from cds_service.simulator import patients
from cds_service.simulator.app import create_app
from cds_service.simulator.config import SimulatorConfig
from cds_service.simulator.config import Site as EhrSite
from cds_service.simulator.keys import reused_keys
from cds_service.simulator.personalities import EPIC, GENERIC, ORACLE
from cds_service.simulator.world import Simulator
from cds_service.sites import Site, Sites, load_site
from cds_service.storage import KeyRing, Writer, open_database, runs, start
from cds_service.storage.notices import Notices
from cds_service.storage.reviews import Reviews
from cds_service.storage.tables import AUDIT, BRIEF, WRITE_INTENT
from cds_service.writeback.compare import holds
from tests.tables import lay_tables

EHR = "http://ehr.test"
TODAY = date(2026, 11, 23)
PATIENT = "beatrice-okonkwo"
SCOPES = frozenset({"user/*.rs", "user/DocumentReference.cruds"})
PERSONALITIES = (GENERIC, EPIC, ORACLE)
BASES = {each.name: each.fhir_path for each in PERSONALITIES}
SITE = """
title = "General Hospital"
vendor = "{vendor}"
environment = "test"
timezone = "America/Chicago"
services = ["patient-view-brief"]

[fhir]
base_url = "{base}"

[[trust]]
iss = "{base}"
jwks_url = "{base}/jwks.json"

[smart]
client_id = "cds-brief"
scopes = ["launch", "openid", "fhirUser"]
frame_ancestors = ["http://ehr.test"]

[write]
route = "fhir"

[vendor_overrides.note]
server_timeout_s = 0.3
"""


_MAKE_KEY = reused_keys()
"""RSA keys are slow to make; all stages are dealt the same few."""


@cache
def _built(patient, anchor):
    return patients.resources(patient, anchor=anchor)


class OnePatient:
    """One of the simulator's charts, built once for all tests."""

    def patient_ids(self):
        return (PATIENT,)

    def synopsis(self, patient):
        return patients.synopsis(patient)

    def resources(self, patient, *, anchor):
        return _built(patient, anchor)

    def upcoming_appointment(self, patient, *, anchor):
        return patients.upcoming_appointment(patient, anchor=anchor)


class Died(BaseException):
    """The process that was at work is no more."""


@dataclass
class Wire(httpx.AsyncBaseTransport):
    """Delivers requests to an application: a request that takes too long is given up by the client alone."""

    app: httpx.AsyncBaseTransport
    at_work: set[asyncio.Task] = field(default_factory=set)
    left: int | None = None
    """So many requests get an answer, then the process that sends them dies; None: it lives."""

    async def handle_async_request(self, request):
        if self.left == 0:
            self.left = None
            if request.method == "POST":  # it has left, and the server works on it
                self.at_work.add(asyncio.ensure_future(self.app.handle_async_request(request)))
            raise Died
        self.left = None if self.left is None else self.left - 1
        working = asyncio.ensure_future(self.app.handle_async_request(request))
        self.at_work.add(working)
        working.add_done_callback(self._done)
        limit = request.extensions.get("timeout", {}).get("read")
        done, _ = await asyncio.wait({working}, timeout=limit)
        if not done:
            raise httpx.ReadTimeout("no answer in time", request=request)
        return working.result()

    def _done(self, task):
        self.at_work.discard(task)
        if not task.cancelled():
            task.exception()


@dataclass
class Lent:
    """The token of one clinician, from the simulator's own grants."""

    simulator: Simulator
    site: str
    scope: str = "user/*.cruds"
    over: bool = False
    renewable: bool = True
    current: str = ""

    async def token(self):
        if self.over:
            return None
        return self.current or self.issue()

    async def renew(self, _stale):
        return self.issue() if self.renewable and not self.over else None

    def issue(self):
        grants = self.simulator.ehr(self.site).grants
        self.current = grants.issue("cds-brief", self.scope, lifetime_s=3600).token
        return self.current


@dataclass
class Stage:
    """All of it, running."""

    simulator: Simulator
    site: Site
    reviews: Reviews
    sign: Sign
    write_back: WriteBack
    lent: Lent
    wire: Wire
    web: httpx.AsyncClient
    now: Callable[[], datetime]
    sessions: dict[str, LaunchSession] = field(default_factory=dict)
    nudged: list[str] = field(default_factory=list)
    renewed: list[str] = field(default_factory=list)
    """Briefs for which a newer one was asked."""
    at_work: bool = False
    """Whether an approval is filed at once, as where an engine runs."""
    app: FastAPI = field(default_factory=FastAPI)

    async def brief(
        self, patient=PATIENT, *, model=False, change=None, chart=None, run=None
    ) -> str:
        """Store the brief of a patient as ready, with all that it cites; return its id."""
        store = self.simulator.ehr("general").store
        held = [one for kind in store.types() for one in store.all(kind, patient=patient)]
        held = [chart(one) for one in held] if chart else held
        bundle = {"resourceType": "Bundle", "entry": [{"resource": one} for one in held]}
        context = bundle_context(
            decode(encode(bundle)), patient=patient, now=self.now(), zone=self.site.zone
        )
        ledger = replace(context.ledger, base_url=self.site.file.fhir.base_url)
        made = to_json(rule_brief(context))
        if model:
            for section in made["sections"]:
                for line in section["statements"][1:3]:
                    line["added_by"] = "model"
        body = change(made) if change else made
        brief_id = str(uuid4())
        database, site = self.reviews.database, self.site.name
        row = {"id": brief_id, "site": site, "state": "ready", "source": "prepare", "revision": 1}
        row |= {"patient": database.blind(f"Patient/{patient}", site=site)}
        row |= {"created": self.now(), "changed": self.now(), "ready_at": self.now()}
        row |= {
            "rules_version": made["rules_version"],
            "versions": {"model": "made-up-1"} if model else {},
        }
        row |= {"body": database.seal(encode(body), place=f"brief|body|{brief_id}|{site}")}
        sources = database.seal(pack(ledger), place=f"brief|sources|{brief_id}|{site}")
        await database.insert([(BRIEF, [row | {"sources": sources}])])
        if run is not None:
            async with database.transaction() as connection:
                await runs.keep(connection, database, (brief_id, site), run, at=self.now())
        return brief_id

    def session(self, brief_id, *, name="Lena Brandt, MD", user="sim-clinician", **changes):
        facts = {
            "id": f"session-{uuid4()}",
            "site": self.site.name,
            "clinician": Clinician(fhir_user=f"Practitioner/{user}", name=name, may_approve=True),
            "patient": PATIENT,
            "encounter": self.encounter(),
            "brief": brief_id,
            "scopes": SCOPES,
            "started": self.now(),
            "seen": self.now(),
            "ends": self.now() + timedelta(hours=8),
            "csrf": f"csrf-{uuid4()}",
        }
        made = LaunchSession(**(facts | changes))
        self.sessions[made.id] = made
        return made

    def encounter(self, patient=PATIENT):
        """Return one of the patient's encounters."""
        return self.simulator.ehr("general").store.all("Encounter", patient=patient)[0]["id"]

    async def approved(self, **changes) -> str:
        """Store a brief and approve it as it is; return its id."""
        brief_id = await self.brief()
        opened = await self.sign.open(self.session(brief_id, **changes), self.site, brief_id)
        at = self.now().replace(microsecond=0)
        await self.sign.approve(opened, digest=opened.screen(at).digest, at=at)
        return brief_id

    async def file(self, brief_id: str) -> str:
        """Let the workflow run to its end; return the brief's state."""
        await self.write_back(directly, brief_id)
        return await self.state(brief_id)

    async def state(self, brief_id: str) -> str:
        async with self.reviews.database.reading() as connection:
            found = await self.reviews.any_brief(connection, brief_id)
        return found.state

    async def row(self, brief_id: str):
        async with self.reviews.database.reading() as connection:
            query = WRITE_INTENT.select().where(WRITE_INTENT.c.brief == brief_id)
            rows = (await connection.execute(query.order_by(WRITE_INTENT.c.changed))).mappings()
            return [dict(row) for row in rows][-1]

    async def approval(self, brief_id: str):
        """Return the newest approval of a brief."""
        async with self.reviews.database.reading() as connection:
            return await self.reviews.approval(connection, self.site.name, brief_id)

    async def audited(self):
        async with self.reviews.database.reading() as connection:
            rows = (await connection.execute(AUDIT.select().order_by(AUDIT.c.seq))).mappings()
            return [(row["action"], row["outcome"]) for row in rows]

    def notes(self, brief_id: str):
        """Return what of a brief is in the chart."""
        held = self.simulator.ehr("general").store.all("DocumentReference", patient=PATIENT)
        return [one for one in held if holds(one, f"urn:uuid:{brief_id}")]


async def directly(_name: str, body: Callable[..., Awaitable[object]], *args: object) -> object:
    """Run a step at once: what a durable engine does besides is the engine's own test."""
    return await body(*args)


def open_site(
    folder: Path, *, vendor="generic-r4", personality="generic", more="", base=""
) -> Site:
    file = folder / "general.toml"
    base = base or EHR + BASES[personality]
    file.write_text(SITE.format(vendor=vendor, base=base) + more)
    return load_site(file, services=frozenset({"patient-view-brief"}), demo=True)


@asynccontextmanager
async def staged(
    folder: Path,
    *,
    vendor="generic-r4",
    personality="generic",
    more="",
    database_url="",
    change_site=lambda site: site,
    base="",
    server=None,
) -> AsyncIterator[Stage]:
    """Let all of it run. `base` and `server` are another FHIR server's address and the way there."""
    site = open_site(folder, vendor=vendor, personality=personality, more=more, base=base)
    site = change_site(site)
    ring = KeyRing({"testkey1": b"k" * 32}, "testkey1")
    if not database_url:
        await lay_tables(folder)
    database = open_database(database_url, data_dir=folder, ring=ring)
    began = datetime(2026, 11, 23, 15, 0, tzinfo=UTC)
    await start(database, now=began, sites=[site.name])
    first = time.monotonic()

    def now():
        return began + timedelta(seconds=time.monotonic() - first)

    ehr = create_app(
        SimulatorConfig(
            origin=EHR,
            anchor=TODAY,
            service_base_by_site={"general": EhrSite(personality, "http://cds.test", "cds-brief")},
            clock=now,
            seed=7,
            patients=OnePatient(),
            personalities=PERSONALITIES,
            make_key=_MAKE_KEY,
        )
    )
    wire = Wire(server or httpx.ASGITransport(ehr))
    async with httpx.AsyncClient(transport=wire) as http:
        stage = _assembled(site, database, ehr.state.simulator, wire, http, now)
        async with stage.web:
            yield stage
        for task in list(wire.at_work):
            task.cancel()
    await database.close()


def _assembled(site, database, simulator, wire, http, now) -> Stage:
    clock = time.monotonic
    server = FhirServer(
        base_url=site.file.fhir.base_url,
        accept="application/fhir+json",
        http=http,
        pace=Pace(rate=10_000, clock=clock),
        slots=asyncio.Semaphore(64),
        clock=clock,
    )
    reviews = Reviews(database, Notices(database=database))
    audit = Audit(writer=Writer(database), now=now)
    preflight = Preflight(server_of=lambda _: server, clock=clock)
    lent = Lent(simulator, "general")
    nudged: list[str] = []
    sessions: dict[str, LaunchSession] = {}

    renewed: list[str] = []

    async def renew(visit, _site, stale):
        assert visit.patient == PATIENT
        renewed.append(stale)

    async def nudge(brief, _revision):
        nudged.append(brief)
        if stage.at_work:
            filing = asyncio.ensure_future(write_back(directly, brief))
            wire.at_work.add(filing)
            filing.add_done_callback(wire.at_work.discard)

    sign = Sign(
        reviews=reviews,
        audit=audit,
        preflight=preflight,
        now=now,
        new_id=lambda: str(uuid4()),
        renew=renew,
        take_back=Withdraw(
            server_of=lambda _: server, tokens_of=lambda _site, _session: lent, clock=clock
        ),
        nudge=nudge,
    )
    write_back = WriteBack(
        reviews=reviews,
        audit=audit,
        site_of=lambda _: site,
        server_of=lambda _: server,
        capability_of=preflight.capability,
        tokens_of=lambda _site, _session: lent,
        now=now,
        clock=clock,
        sleep=asyncio.sleep,
        post_timeout_s=0.1,
    )

    app = _pages(site, server, sign, lent, sessions, now)
    web = httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://cds.test")
    stage = Stage(simulator, site, reviews, sign, write_back, lent, wire, web, now)
    stage.sessions, stage.nudged, stage.renewed = sessions, nudged, renewed
    stage.app = app
    return stage


def _pages(site, server, sign, lent, sessions, now) -> FastAPI:
    async def session_of(request, _site, *, by_person=True):
        found = sessions.get(request.cookies.get("session", ""))
        if found is None:
            raise NotTrusted
        return found

    async def sign_out(session, _response):
        sessions.pop(session.id)

    app = FastAPI()
    review = Review(
        sites=Sites({site.name: site}),
        sign=sign,
        changes=Changes(server_of=lambda _: server, tokens_of=lambda _site, _session: lent),
        trace=Trace(reviews=sign.reviews, audit=sign.audit),
        session_of=session_of,
        sign_out=sign_out,
        now=now,
    )
    add_review(app, review)
    return app
