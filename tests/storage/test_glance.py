"""A hook call looks one row up: it waits for no writer, writes nothing itself, and survives a close."""

from datetime import UTC, datetime

import pytest
from sqlalchemy import text
from sqlalchemy.exc import OperationalError

from cds_service.storage import briefs
from tests.storage.databases import opened

NOW = datetime(2026, 11, 23, tzinfo=UTC)
pytestmark = pytest.mark.anyio


@pytest.fixture
async def database(tmp_path):
    database = await opened("", tmp_path)
    yield database
    await database.close()


async def test_it_waits_for_nobody_who_writes(database):
    async with database.transaction() as connection:
        await connection.execute(text("CREATE TABLE under_way (x INTEGER)"))
        assert await briefs.of_patient(database, "general", "blind", NOW) == briefs.OfPatient()


async def test_it_writes_nothing(database):
    with pytest.raises(OperationalError, match="readonly"):
        await database.glance(text("DELETE FROM brief RETURNING id"), {})


async def test_a_database_that_was_closed_opens_again(database):
    """A start looks into its database in an event loop of its own, before the one that answers calls."""
    assert await briefs.of_patient(database, "general", "blind", NOW) == briefs.OfPatient()
    await database.close()
    assert await briefs.of_patient(database, "general", "blind", NOW) == briefs.OfPatient()
