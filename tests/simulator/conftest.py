"""Starts the small EHR and the tiny CDS service in process, each reachable by its name."""

from __future__ import annotations

from collections.abc import AsyncIterator

import httpx
import pytest
from starlette.applications import Starlette

from cds_service.simulator.app import create_app
from cds_service.simulator.in_process import connect
from cds_service.simulator.world import Simulator
from tests.simulator.ehr import APP_KEYS, ORIGIN, SERVICE, Clock, config
from tests.simulator.service import TinyService


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def app(clock: Clock) -> Starlette:
    return create_app(config(clock))


@pytest.fixture
def simulator(app: Starlette) -> Simulator:
    found: Simulator = app.state.simulator
    return found


@pytest.fixture
def service() -> TinyService:
    return TinyService(APP_KEYS.jwks())


@pytest.fixture
async def http(
    app: Starlette, simulator: Simulator, service: TinyService
) -> AsyncIterator[httpx.AsyncClient]:
    """An HTTP client for which ehr.test is the simulator and cds.test is the tiny service."""
    async with connect({ORIGIN: app, SERVICE: service.app}, base_url=ORIGIN) as client:
        simulator.http = client
        yield client
