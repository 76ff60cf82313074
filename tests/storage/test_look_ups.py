"""A look-up takes as many steps of SQLite's machine beside a long history as beside none."""

from contextlib import contextmanager

import pytest
from sqlalchemy import event

from tests.storage.databases import opened
from tests.storage.history_cases import HistoryCases

pytestmark = pytest.mark.anyio


@pytest.fixture
async def database(tmp_path):
    database = await opened("", tmp_path)
    yield database
    await database.close()


@contextmanager
def counting(engine, step):
    """Call `step` for each instruction that SQLite runs for an engine."""

    def on_each(handler):
        def set_on(connection, *_):
            if hasattr(connection, "run_async"):
                connection.run_async(lambda driver: driver.set_progress_handler(handler, 1))
            else:
                connection.set_progress_handler(handler, 1)

        return set_on

    begin, end = on_each(step), on_each(None)
    event.listen(engine, "checkout", begin)
    event.listen(engine, "checkin", end)
    try:
        yield
    finally:
        event.remove(engine, "checkout", begin)
        event.remove(engine, "checkin", end)


@pytest.fixture
def visited(database):
    async def counted(look):
        steps = []

        def step():
            steps.append(1)

        await look()  # once before: what a first connection does is not the look-up's
        engines = (database.engine.sync_engine, database._glance._embedded)
        with counting(engines[0], step), counting(engines[1], step):
            await look()
        assert steps
        return len(steps)

    return counted


class TestHistory(HistoryCases):
    pass
