"""One stage for a module: each test brings its own brief."""

import pytest

from tests.review.stage import staged


@pytest.fixture(scope="module")
def anyio_backend():
    return "asyncio"


@pytest.fixture(scope="module")
async def shared(tmp_path_factory):
    async with staged(tmp_path_factory.mktemp("review")) as running:
        yield running


@pytest.fixture
def stage(shared):
    shared.lent.over = False
    shared.simulator.faults.clear()
    return shared
