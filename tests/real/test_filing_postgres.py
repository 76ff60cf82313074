"""Filing a note, with PostgreSQL as our database: the same cases as on SQLite."""

import psycopg
import pytest

from tests.writeback.filing_cases import UNCONDITIONAL, FilingCases, healed, proven

pytestmark = pytest.mark.anyio


@pytest.fixture(scope="module")
def anyio_backend():
    return "asyncio"


@pytest.fixture(scope="module")
async def searching(postgres, tmp_path_factory):
    with psycopg.connect(f"{postgres}/postgres", autocommit=True) as connection:
        connection.execute("CREATE DATABASE filing")
    folder = tmp_path_factory.mktemp("filing")
    url = f"{postgres}/filing"
    async with proven(folder, UNCONDITIONAL, database_url=url) as running:
        yield running


@pytest.fixture
def stage(searching):
    return healed(searching)


class TestFilingOnPostgres(FilingCases):
    pass
