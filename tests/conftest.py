"""Fixtures that every test may ask for."""

import pytest
from hypothesis import HealthCheck, settings

from tests.ground import standing
from tests.guard import stay_here

stay_here()

settings.register_profile(
    "product", deadline=None, suppress_health_check=[HealthCheck.too_slow], max_examples=60
)
settings.load_profile("product")


@pytest.fixture
def anyio_backend():
    return "asyncio"


@pytest.fixture
async def ground(tmp_path):
    """The simulated EHR and the service, connected in this process."""
    async with standing(tmp_path) as running:
        yield running
