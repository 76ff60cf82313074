"""A filing whose own workflow breaks is begun anew, and at last put to a person: it never stays on its way for good."""

import asyncio
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta

import httpx
import pytest

from cds_service.engine import Engine
from cds_service.flow.change import Change
from cds_service.flow.switches import Switches
from cds_service.flow.work_ahead import WorkAhead
from cds_service.http.places import Places
from cds_service.sites import Sites
from cds_service.storage.notices import Notices
from tests.review.stage import staged

pytestmark = pytest.mark.anyio


@pytest.fixture
def anyio_backend():
    return "asyncio"


@dataclass
class Breaking(httpx.AsyncBaseTransport):
    """A wire on which reading a single note breaks in a way that nobody foresaw, so many times."""

    inner: httpx.AsyncBaseTransport
    left: int
    read: list[str] = field(default_factory=list)

    async def handle_async_request(self, request):
        if request.method == "GET" and "/DocumentReference/" in request.url.path and self.left:
            self.left -= 1
            raise ArithmeticError
        return await self.inner.handle_async_request(request)


@asynccontextmanager
async def working(stage, folder):
    """Let the engine work; this will be what sweeps and mends, a minute ahead of its time."""
    database = stage.reviews.database
    engine = Engine(
        url=f"sqlite:///{folder / 'engine.db'}", seal=bytes, open=bytes, tries=(), passing=()
    )

    def now():
        return stage.now() + timedelta(minutes=1)

    work = WorkAhead(
        engine=engine,
        database=database,
        sites=Sites({stage.site.name: stage.site}),
        change=Change(
            database=database, notices=Notices(database=database), audit=stage.sign.audit, now=now
        ),
        schedule=None,
        switches=Switches(database=database),
        turn=Places(total=1, sites=lambda: 1).quiet,
        now=now,
    )
    work.file_with(stage.write_back)
    await engine.launch()
    try:
        yield work
    finally:
        await engine.drain(5)


async def until_settled(stage, work, brief):
    """Sweep and mend as the loop does, until the brief stands still; this will be its states on the way."""
    seen = []
    async with asyncio.timeout(60):
        while not seen or seen[-1] not in {"verified", "unknown", "failed"}:
            await work.sweep()
            await work.mend()
            state = await stage.state(brief)
            seen += [state] if state not in seen[-1:] else []
            await asyncio.sleep(0.05)
    return seen


async def test_a_read_back_that_broke_is_begun_anew_until_it_is_verified(tmp_path):
    async with staged(tmp_path) as stage, working(stage, tmp_path) as work:
        stage.wire.app = Breaking(stage.wire.app, left=2)
        brief = await stage.approved()
        assert (await until_settled(stage, work, brief))[-2:] == ["written", "verified"]
        assert len(stage.notes(brief)) == 1


async def test_a_read_back_that_breaks_each_time_is_put_to_a_person(tmp_path):
    async with staged(tmp_path) as stage, working(stage, tmp_path) as work:
        stage.wire.app = Breaking(stage.wire.app, left=100)
        brief = await stage.approved()
        assert (await until_settled(stage, work, brief))[-2:] == ["written", "unknown"]
        assert (await stage.row(brief))["reason"] == "broke"
        opened = await stage.sign.open(stage.session(brief), stage.site, brief)
        await stage.sign.decide(opened, "settle_there")
        await work.mend()
        assert await stage.state(brief) == "written"
        assert len(stage.notes(brief)) == 1
