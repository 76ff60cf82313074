"""The ground that tests stand on: the simulated EHR and the service, connected in this process.

Everything is real but the network, the clock and the chance of ids. `Ground.client(site)` calls the service
as an EHR does.
"""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import httpx

from cds_service.app import Service, World, build
from cds_service.settings import Settings
from cds_service.simulator.app import create_app
from cds_service.simulator.cds_client import CdsClient
from cds_service.simulator.config import SimulatorConfig
from cds_service.simulator.config import Site as EhrSite
from cds_service.simulator.keys import reused_keys
from cds_service.simulator.personalities import EPIC, GENERIC, ORACLE
from cds_service.simulator.world import Simulator
from cds_service.storage.tables import AUDIT
from discovery.document import prefetch
from tests.tables import lay_tables

EHR = "http://ehr.test"
CDS = "http://cds.test"
TODAY = date(2026, 11, 23)

GENERAL = f"""
title = "General Hospital"
vendor = "generic-r4"
environment = "test"
timezone = "America/Chicago"
services = ["patient-view-brief", "appointment-book-brief"]
hook_budget_ms = 5000

[fhir]
base_url = "{EHR}/r4"

[[trust]]
iss = "{EHR}"
jwks_url = "{EHR}/cds/jwks.json"
algorithms = ["ES384"]
client_id = "cds-brief"

[smart]
client_id = "cds-brief"

[cors]
origins = ["https://ehr.example.org"]
"""
RIVERSIDE = f"""
title = "Riverside Clinic"
vendor = "epic"
environment = "test"
timezone = "America/Chicago"
services = ["patient-view-brief"]
hook_budget_ms = 5000

[fhir]
base_url = "{EHR}/epic/api/FHIR/R4"

[[trust]]
iss = "{EHR}/epic/api/FHIR/R4"
jwks_url = "{EHR}/epic/api/epic/2019/Security/Open/PublicKeys/530013/530013"
algorithms = ["RS384"]
client_id = "cds-brief"

[smart]
client_id = "cds-brief"
"""

_MAKE_KEY = reused_keys()
"""RSA keys are slow to make; a rogue key still differs from the published one."""


@dataclass
class Clock:
    """A clock that a test moves."""

    moment: datetime = datetime(2026, 11, 23, 15, 0, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.moment

    def move(self, **by: float) -> None:
        self.moment += timedelta(**by)


@dataclass
class Network(httpx.AsyncBaseTransport):
    """Delivers each request to the application that stands at its origin; nobody else is there."""

    apps: dict[str, httpx.AsyncBaseTransport] = field(default_factory=dict)
    strays: list[str] = field(default_factory=list)
    """Requests to anybody else."""

    async def handle_async_request(self, request):
        app = self.apps.get(f"{request.url.scheme}://{request.url.netloc.decode()}")
        if app is None:
            self.strays.append(str(request.url))
            raise httpx.ConnectError("nobody is at this origin", request=request)
        return await app.handle_async_request(request)


@dataclass(repr=False)
class Ground:
    """One running pair."""

    service: Service
    simulator: Simulator
    http: httpx.AsyncClient
    clock: Clock
    data_dir: Path
    strays: list[str] = field(default_factory=list)
    """What was called beside the EHR and the service; nothing ever should be."""
    _ids: list[str] = field(default_factory=list)
    _audited: dict[str, dict[str, object]] = field(default_factory=dict)
    """By id, in the order in which a test saw them: each site has its own chain."""

    def client(self, site: str = "general") -> CdsClient:
        return self.simulator.client(site)

    async def entry(self, service_id: str = "patient-view-brief", site: str = "general"):
        """Return one service's discovery entry."""
        return next(e for e in await self.client(site).discover() if e["id"] == service_id)

    async def call(self, body, *, site="general", service="patient-view-brief", token=None):
        """Send a hook call's body to the service."""
        return await self.client(site).call(
            f"{CDS}/{site}/cds-services/{service}", body, token=token
        )

    async def audited(self) -> list[dict[str, object]]:
        """Return the audit entries of calls so far; refused callers who were only counted are told too."""
        self.service.audit.tell_refusals(everything=True)
        await self.service.writer.flush()
        async with self.service.database.engine.connect() as connection:
            calls = AUDIT.select().where(AUDIT.c.action != "key").order_by(AUDIT.c.at, AUDIT.c.seq)
            for row in (await connection.execute(calls)).mappings():
                self._audited.setdefault(row["id"], dict(row))
        return list(self._audited.values())


@asynccontextmanager
async def standing(
    data_dir: Path,
    *,
    sites: dict[str, str] | None = None,
    patients: object = None,
    change: Callable[[str], str] = lambda text: text,
    seed: int | None = 7,
    telemetry: object = None,
    **settings: object,
) -> AsyncIterator[Ground]:
    """Let the pair run. `sites` are site files by name, `change` edits each of their texts."""
    clock = Clock()
    folder = data_dir / "sites"
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in (sites or {"general": GENERAL, "riverside": RIVERSIDE}).items():
        (folder / f"{name}.toml").write_text(change(text), encoding="utf-8")
    network = Network()
    service = build(
        Settings(
            **{"profile": "demo", "data_dir": data_dir, "public_url": CDS, "sites": folder}
            | settings
        ),
        World(
            now=clock,
            transport=network,
            clock=asyncio.get_running_loop().time,
            telemetry=telemetry,
        ),
    )
    if service.database.is_embedded:
        await lay_tables(data_dir)
    ehr = create_app(_ehr_config(service, clock, patients, seed))
    simulator: Simulator = ehr.state.simulator
    network.apps = {EHR: httpx.ASGITransport(ehr), CDS: httpx.ASGITransport(service.asgi)}
    async with httpx.AsyncClient(transport=network, base_url=CDS) as http, service.running():
        simulator.http = http
        await service.keys.warm([])
        yield Ground(service, simulator, http, clock, data_dir, network.strays)


_KINDS = (EPIC, ORACLE)
"""EHRs that stand where a site file says that they do; the generic one is everywhere else."""


def _ehr_config(service: Service, clock: Clock, patients: object, seed: int | None):
    registered = {}
    for name, site in service.sites.by_name.items():
        base = site.file.fhir.base_url
        kind = next((each for each in _KINDS if base == f"{EHR}{each.fhir_path}"), GENERIC)
        personality = "epic" if site.profile.vendor == "epic" else kind.name
        by_hand = None
        if personality == "epic":
            enabled = [service.catalog.by_id[each] for each in site.file.services]
            by_hand = {each.id: prefetch(each, site) for each in enabled}
        registered[name] = EhrSite(
            personality,
            f"{CDS}/{name}/cds-services",
            "cds-brief",
            jwks_url=f"{CDS}/.well-known/jwks.json",
            redirect_uris=(f"{CDS}/{name}/smart/callback",),
            prefetch=by_hand,
        )
    return SimulatorConfig(
        origin=EHR,
        anchor=TODAY,
        service_base_by_site=registered,
        clock=clock,
        seed=seed,
        patients=patients,
        personalities=(GENERIC, EPIC, ORACLE),
        make_key=_MAKE_KEY,
    )
