"""Says what a simulator is made of: its address, its day, its sites and who is registered."""

from __future__ import annotations

import asyncio
import random
import uuid
from dataclasses import dataclass, field
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from cds_service.simulator.keys import PrivateKey, make_key
from cds_service.simulator.personalities import PERSONALITIES, Personality

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping
    from datetime import date, datetime

    from cds_service.simulator.store import PatientSource
    from cds_service.simulator.wire import Json


@dataclass(frozen=True, slots=True)
class Client:
    """An app or backend registered with the EHR's authorization server."""

    client_id: str
    jwks_url: str | None = None
    jwks: Json | None = None
    secret: str | None = None
    redirect_uris: tuple[str, ...] = ()
    backend_scope: str | None = None


@dataclass(frozen=True, slots=True)
class Site:
    """One customer of the CDS service, as the EHR sees it.

    `prefetch` is what an analyst typed by hand, by service id; without it the templates of
    the discovery document are copied. `clients` may hold more registrations than the service's
    own, which is `client_id` with the keys at `jwks_url` (or in `jwks`).
    """

    personality: str
    services_url: str
    client_id: str
    jwks_url: str | None = None
    jwks: Json | None = None
    redirect_uris: tuple[str, ...] = ()
    tenant: str | None = None
    prefetch: Mapping[str, Mapping[str, str]] | None = None
    clients: tuple[Client, ...] = ()

    def registrations(self) -> tuple[Client, ...]:
        """List the clients that this site registered."""
        own = Client(self.client_id, self.jwks_url, self.jwks, None, self.redirect_uris)
        return (own, *self.clients)


def fresh_id() -> str:
    """Make a random UUID; the default source of ids and tokens."""
    return str(uuid.uuid4())


def seeded_ids(seed: int) -> Callable[[], str]:
    """Make a source of repeatable UUIDs, for tests.

    A service that remembers used JWT ids across restarts needs fresh ids instead.
    """
    chance = random.Random(seed)  # noqa: S311 - repeatable on purpose
    return lambda: str(uuid.UUID(int=chance.getrandbits(128), version=4))


@dataclass(frozen=True, slots=True)
class SimulatorConfig:
    """The whole simulator, as data.

    `origin` is the simulator's own address without a trailing slash, `anchor` the day round
    which the synthetic charts are dated, `clock` gives aware datetimes. `seed` makes ids
    repeatable. `patients` defaults to the built-in synthetic patients.
    """

    origin: str
    anchor: date
    service_base_by_site: Mapping[str, Site]
    clock: Callable[[], datetime]
    seed: int | None = None
    personalities: tuple[Personality, ...] = PERSONALITIES
    patients: PatientSource | None = None
    sleep: Callable[[float], Awaitable[None]] = field(default=asyncio.sleep)
    timeout_s: float = 10.0
    timezone: ZoneInfo = field(default_factory=lambda: ZoneInfo("America/Chicago"))
    make_key: Callable[[str], PrivateKey] = field(default=make_key)

    def ids(self) -> Callable[[], str]:
        """Give the source of ids that the seed asks for."""
        return fresh_id if self.seed is None else seeded_ids(self.seed)
