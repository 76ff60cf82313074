"""The audit only grows, and shows every change to it."""

import pytest
from sqlalchemy.exc import DBAPIError

from tests.storage.chain_cases import ChainCases, filled, judged
from tests.storage.databases import opened, run

pytestmark = pytest.mark.anyio


@pytest.fixture
async def database(tmp_path):
    database = await opened("", tmp_path)
    yield database
    await database.close()


class TestChain(ChainCases):
    @pytest.mark.parametrize("how", ["INSERT OR REPLACE", "REPLACE"])
    async def test_an_entry_cannot_be_replaced(self, database, how):
        """SQLite's delete trigger does not see what REPLACE removes."""
        await filled(database, "1", "2")
        replace = f"""{how} INTO audit SELECT site, seq, id, at, action, 'other', actor, patient, purpose,
          trace, brief, facts, mac FROM audit WHERE seq = 1 AND site = 'general'"""
        with pytest.raises(DBAPIError, match="audit entries are only added"):
            await run(database, replace)
        with pytest.raises(DBAPIError, match="rowid"):
            await run(database, f"{how} INTO audit (rowid, site) VALUES (1, 'x')")
        assert (await judged(database)).entries == 2
