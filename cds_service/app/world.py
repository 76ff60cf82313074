"""What comes from outside: the clock, chance and the network; and how an EHR's FHIR server is reached in it."""

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING
from uuid import uuid4

import httpx

from cds_service.fhir.client import FhirServer, Pace
from cds_service.network import Network
from cds_service.sites import Site

if TYPE_CHECKING:
    from cds_service.telemetry import Telemetry


def utc_now() -> datetime:
    """Return the time. The only clock of the product; everything below is given it."""
    return datetime.now(UTC)


def new_id() -> str:
    """Return a random uuid; everything below is given this function."""
    return str(uuid4())


@dataclass(frozen=True, slots=True, kw_only=True)
class World:
    """What comes from outside: a test passes its own."""

    now: Callable[[], datetime] = utc_now
    clock: Callable[[], float] = time.monotonic
    new_id: Callable[[], str] = new_id
    transport: httpx.AsyncBaseTransport | None = None
    """Where requests to EHRs go; None is the network."""
    telemetry: "Telemetry | None" = None
    """Where traces and metrics go, beside `CDS_OTLP_URL`."""


def fhir_server(site: Site, network: Network, world: World) -> FhirServer:
    """Return the client of a site's FHIR server, with the site's limits."""
    return FhirServer(
        base_url=site.file.fhir.base_url,
        accept=site.profile.search.accept,
        http=network.client(site),
        pace=Pace(rate=site.file.policy.reads_per_second, clock=world.clock),
        slots=asyncio.Semaphore(site.file.policy.concurrent_reads),
        clock=world.clock,
    )
