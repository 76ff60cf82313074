"""An engine that a test launches in its own process, and how it waits for what the engine does."""

import asyncio
from contextlib import asynccontextmanager
from pathlib import Path

from cds_service.engine import Engine

_KEY = 0x5A


def _scramble(plain: bytes) -> bytes:
    return bytes(each ^ _KEY for each in plain)


def an_engine(folder: Path | None = None, *, url: str = "") -> Engine:
    """Return an engine on SQLite in a folder, or on what the URL says."""
    url = url or f"sqlite:///{folder / 'engine.db'}"
    return Engine(url=url, seal=_scramble, open=_scramble, tries=(0.01,))


@asynccontextmanager
async def launched(engine: Engine, **workflows):
    """Launch it with workflows by name; it is stopped at the end, whatever is under way."""
    for name, workflow in workflows.items():
        engine.register(name, workflow)
    await engine.launch()
    try:
        yield engine
    finally:
        await engine.drain(0)


async def until(done, within_s=20.0):
    async with asyncio.timeout(within_s):
        while not done():  # noqa: ASYNC110  # it asks a library that offers no event
            await asyncio.sleep(0.02)
