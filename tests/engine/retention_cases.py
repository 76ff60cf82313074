"""What the engine forgets, on either database: the same test, on SQLite and on PostgreSQL (`tests/real`)."""

import asyncio
import time
from contextlib import closing

import pytest
from sqlalchemy import create_engine, text

from cds_service.engine.runtime import KEEP_DAYS
from tests.engine.running import an_engine, launched, until

DAY_MS = 86_400_000


class Log:
    """The engine's own table, as somebody with a database client sees it."""

    def __init__(self, url):
        self.database = create_engine(url.replace("postgresql:", "postgresql+psycopg:"))
        self.table = "workflow_status"
        if self.database.dialect.name == "postgresql":
            self.table = f"dbos.{self.table}"

    def close(self):
        self.database.dispose()

    def states(self):
        """Return the state of each workflow by the id of its row."""
        with self.database.connect() as connection:
            found = connection.execute(text(f"SELECT workflow_uuid, status FROM {self.table}"))
            return {identity.split(":")[1]: status for identity, status in found}

    def age(self, row, days):
        """Let a workflow have been started, and ended, so many days ago."""
        with self.database.begin() as connection:
            connection.execute(
                text(
                    f"UPDATE {self.table} SET created_at = :at, updated_at = :at,"
                    " completed_at = CASE WHEN completed_at IS NULL THEN NULL ELSE :at END"
                    " WHERE workflow_uuid LIKE :like"
                ),
                {"at": time.time() * 1000 - days * DAY_MS, "like": f"%:{row}:%"},
            )


class RetentionCases:
    @pytest.fixture
    def url(self):
        raise NotImplementedError

    @pytest.fixture
    def log(self, url):
        with closing(Log(url)) as log:
            yield log

    @pytest.mark.anyio
    async def test_what_finished_long_ago_is_forgotten_and_nothing_else(self, url, log):
        goes_on = asyncio.Event()

        async def prepare(_step, row):
            if row.endswith("broken"):
                raise RuntimeError(row)

        async def waits(_row):
            await goes_on.wait()

        async def writeback(step, row):
            await step("waits", waits, row)

        async with launched(an_engine(url=url), prepare=prepare, writeback=writeback) as engine:
            for row in ("old", "old-broken", "young", "young-broken"):
                await engine.start("prepare", row)
            await engine.start("writeback", "unfinished")
            await until(lambda: set(log.states().values()) == {"SUCCESS", "ERROR", "PENDING"})
            await until(lambda: sum(engine.load().values()) == 1)
            await until(lambda: list(log.states().values()).count("PENDING") == 1)
        for row in ("old", "old-broken", "unfinished"):
            log.age(row, KEEP_DAYS + 0.01)
        for row in ("young", "young-broken"):
            log.age(row, KEEP_DAYS - 0.01)
        async with launched(an_engine(url=url), prepare=prepare, writeback=writeback):
            await until(lambda: "old" not in log.states())
            await until(lambda: "old-broken" not in log.states())
            goes_on.set()
            await until(lambda: log.states()["unfinished"] == "SUCCESS")
        assert set(log.states()) == {"young", "young-broken", "unfinished"}
