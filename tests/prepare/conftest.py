"""The ground with work ahead: the engine runs for real on SQLite in the test's folder."""

import asyncio
import functools
import shutil
import tempfile
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from cds_service.domain.visit import Visit
from cds_service.smart.keys import KeyFile
from cds_service.storage import briefs
from tests.ground import GENERAL, RIVERSIDE, standing
from tests.http.conftest import FewPatients
from tests.smart.conftest import MADE, MAKE_KEY

AHEAD = """
[backend]
client_id = "cds-brief"

[prepare]
refresh = ["booking", "evening-before", "1h-before"]
concurrency = 4
requests_per_second = 500
"""
SITES = {"general": GENERAL + AHEAD, "riverside": RIVERSIDE + AHEAD}


class Works:
    """What a test asks of work ahead, without the loop that would do it by itself."""

    def __init__(self, ground) -> None:
        self.ground = ground
        self.background = ground.service.background
        self.prepare = ground.service.background.work.engine.registered["prepare"].workflow

    def site(self, name="general"):
        return self.ground.service.sites.find(name)

    async def ask(self, patient="beatrice-okonkwo", site="general", **visit) -> str:
        visit = Visit(patient=patient, **visit)
        return await self.background.ask.by_hand(visit, self.site(site), by="operator/tester")

    async def run(self, brief_id: str) -> briefs.Row:
        """Run the workflow here and now, each step once, as an engine does that nothing interrupts."""
        await self.prepare(straight, brief_id)
        return await self.row(brief_id)

    async def prepared(self, patient="beatrice-okonkwo", site="general", **visit) -> briefs.Row:
        return await self.run(await self.ask(patient, site, **visit))

    async def row(self, brief_id: str) -> briefs.Row:
        async with self.ground.service.database.reading() as connection:
            return await briefs.get(connection, brief_id)

    async def rows(self, *states: str) -> list[briefs.Row]:
        await self.ground.service.writer.flush()
        async with self.ground.service.database.reading() as connection:
            return [r for state in states for r in await briefs.in_state(connection, state)]


async def straight(_name, body, /, *args):
    return await body(*args)


@asynccontextmanager
async def working(
    tmp_path, *, role="api", change=lambda text: text, sites=None, patients=None, **settings
):
    """Let the pair run; with `api` the test does the work itself, with `all` the service does."""
    shutil.copy(_signing_keys(), tmp_path / "signing-keys.json")
    async with standing(
        tmp_path,
        sites=sites or SITES,
        change=change,
        role=role,
        patients=patients or FewPatients(ids=("beatrice-okonkwo", "harold-lindqvist")),
        **settings,
    ) as ground:
        yield Works(ground)


@pytest.fixture
async def works(tmp_path):
    async with working(tmp_path) as running:
        yield running


@functools.cache
def _signing_keys() -> Path:
    file = KeyFile(
        path=Path(tempfile.mkdtemp(prefix="cds-keys-")) / "keys.json",
        now=lambda: MADE,
        clock=lambda: 0.0,
        make_key=MAKE_KEY,
    )
    file.rotate()
    return file.path


async def until(done, within_s=30.0):
    """Wait until an async question is answered with yes."""
    async with asyncio.timeout(within_s):
        while not await done():  # noqa: ASYNC110  # it asks a database
            await asyncio.sleep(0.05)
