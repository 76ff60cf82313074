"""Data keys by site and quarter, wrapped by the ring; without the right ring nothing starts."""

import pytest

from tests.storage.databases import opened
from tests.storage.key_cases import KeyCases, reopening

pytestmark = pytest.mark.anyio


@pytest.fixture
async def database(tmp_path):
    database = await opened("", tmp_path)
    yield database
    await database.close()


@pytest.fixture
async def again(tmp_path):
    async with reopening("", tmp_path) as open_again:
        yield open_again


class TestDataKeys(KeyCases):
    pass
