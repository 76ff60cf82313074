"""Plays the demo: a simulated EHR and the service on loopback, in one process."""

import argparse
import asyncio
import contextlib
import shutil
import sys
import tempfile
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from importlib import resources
from pathlib import Path
from zoneinfo import ZoneInfo

from cds_service.app import build, utc_now
from cds_service.catalog import load_catalog
from cds_service.cli.serving import serving
from cds_service.cli.tour import tour
from cds_service.settings import Settings, load_data_dir
from cds_service.simulator.app import create_app
from cds_service.simulator.config import SimulatorConfig
from cds_service.simulator.config import Site as EhrSite
from cds_service.simulator.world import Simulator
from cds_service.sites import load_sites
from discovery.document import prefetch

SITES = {"general": "generic", "riverside": "epic"}
"""Demo sites, and the kind of EHR that each runs."""
_ZONE = ZoneInfo("America/Chicago")
_EVENING = timedelta(hours=7)
"""So long before midnight a clinic's visits are over."""
SCRIPTED = "scripted-demo"
"""The demo's model is a scripted stand-in that the simulator serves: no real model, no key, nothing leaves."""


def run(args: argparse.Namespace) -> int:
    """Start both and stay up, or play the tour once."""
    with _data_dir(keep=not args.once) as data_dir:
        demo = Demo(port=args.port, ehr_port=args.ehr_port, data_dir=data_dir)
        return asyncio.run(_once(demo) if args.once else _stay(demo))


@contextlib.contextmanager
def _data_dir(*, keep: bool) -> Iterator[Path]:
    """Give the demo's data folder: beside the product's, or one that goes away with a single tour."""
    folder = _kept() if keep else Path(tempfile.mkdtemp(prefix="cds-demo-"))
    folder.mkdir(parents=True, exist_ok=True)
    try:
        yield folder
    finally:
        if not keep:
            shutil.rmtree(folder, ignore_errors=True)


def _kept() -> Path:
    """Return where the demo's data stays, also in a shell that has the variables which the demo prints."""
    folder = load_data_dir()
    return folder if folder.name == "demo" else folder / "demo"


@dataclass(frozen=True, slots=True, kw_only=True)
class Demo:
    """Where the demo runs."""

    port: int
    ehr_port: int
    data_dir: Path

    @property
    def service_url(self) -> str:
        """Return the service's address."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def ehr_url(self) -> str:
        """Return the simulated EHR's address."""
        return f"http://127.0.0.1:{self.ehr_port}"


def demo_settings(demo: Demo) -> Settings:
    """Write the demo's site files and return settings that use them."""
    folder = demo.data_dir / "sites"
    folder.mkdir(parents=True, exist_ok=True)
    for name in SITES:
        source = resources.files("cds_service.cli").joinpath("demo_sites", f"{name}.toml")
        text = source.read_text(encoding="utf-8").replace("{ehr}", demo.ehr_url)
        (folder / f"{name}.toml").write_text(text, encoding="utf-8")
    return Settings(
        profile="demo",
        data_dir=demo.data_dir,
        public_url=demo.service_url,
        sites=folder,
        database_url="",  # whatever the environment says: the demo never writes elsewhere
        keyring="",
        hook_packages=("hooks",),
        model_provider="anthropic",
        model_id=SCRIPTED,
        model_base_url=f"{demo.ehr_url}/scripted-model",
        ANTHROPIC_API_KEY="scripted",
    )


def clinic_day(now: datetime) -> date:
    """Return the day whose visits the demo's charts have booked: today, and in the evening tomorrow.

    A visit of this afternoon would be over by then, and its brief expired.
    """
    return (now.astimezone(_ZONE) + _EVENING).date()


def ehr_config(demo: Demo, settings: Settings) -> SimulatorConfig:
    """Return the EHR's side of the registration; an Epic-like EHR has its prefetch typed in by hand."""
    catalog = load_catalog(settings.hook_packages)
    sites = load_sites(settings.sites, services=frozenset(catalog.by_id), demo=True)
    registered = {}
    for name, personality in SITES.items():
        site = sites.find(name)
        by_hand = None
        if not site.profile.hook.discovery:
            services = [catalog.by_id[each] for each in site.file.services]
            by_hand = {service.id: prefetch(service, site) for service in services}
        registered[name] = EhrSite(
            personality,
            f"{demo.service_url}/{name}/cds-services",
            "cds-brief",
            jwks_url=f"{demo.service_url}/.well-known/jwks.json",
            prefetch=by_hand,
            redirect_uris=(f"{demo.service_url}/{name}/smart/callback",),
        )
    return SimulatorConfig(
        origin=demo.ehr_url,
        anchor=clinic_day(utc_now()),
        service_base_by_site=registered,
        clock=utc_now,
        timezone=_ZONE,
    )


@asynccontextmanager
async def running(demo: Demo) -> AsyncIterator[Simulator]:
    """Run the EHR and the service; yields the EHR."""
    settings = demo_settings(demo)
    service = build(settings)
    await service.check_start()  # said here, where it is a sentence
    ehr = create_app(ehr_config(demo, settings))
    async with (
        serving(ehr, demo.ehr_port, "The simulated EHR"),
        serving(service.asgi, demo.port, "The service"),
    ):
        yield ehr.state.simulator


async def _stay(demo: Demo) -> int:
    async with running(demo):
        print(f"""
  The simulated EHR    {demo.ehr_url}/            open a chart, see its cards
  General Hospital     {demo.service_url}/general/cds-services
  Riverside Clinic     {demo.service_url}/riverside/cds-services
  Readiness            {demo.service_url}/readyz

  For the other commands, in another terminal:
  export CDS_PROFILE=demo CDS_PUBLIC_URL={demo.service_url} CDS_DATA_DIR={demo.data_dir} CDS_SITES={demo.data_dir}/sites
  {sys.argv[0]} site check general --patient gregory-nwosu

  Synthetic patients only. The demo profile allows http, loopback addresses and self-made keys.
  Stop with Ctrl-C.
""")
        await asyncio.Event().wait()
    return 0


async def _once(demo: Demo) -> int:
    async with running(demo) as simulator:
        return await tour(simulator)
