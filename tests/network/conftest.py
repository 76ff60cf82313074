"""The ground of the edge's tests, for what a call may make us do."""

import pytest

from tests.ground import standing
from tests.http.conftest import FewPatients


@pytest.fixture(scope="module")
def anyio_backend():
    return "asyncio"


@pytest.fixture(scope="module")
async def shared(tmp_path_factory, database_url):
    folder = tmp_path_factory.mktemp("network")
    async with standing(folder, patients=FewPatients(), database_url=database_url) as running:
        yield running
