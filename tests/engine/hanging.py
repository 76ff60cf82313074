"""A process whose event loop stops. Runs as `python -m tests.engine.hanging FOLDER hangs|sleeps SECONDS`."""

import asyncio
import sys
import time
from pathlib import Path

from cds_service.engine import Engine

HANG_S = 0.6


def _as_it_is(value: bytes) -> bytes:
    return value


async def main(folder: Path, how: str, seconds: float) -> None:
    """Launch an engine, say so, and hold the event loop up, or only wait on it."""
    url = f"sqlite:///{folder / 'engine.db'}"
    engine = Engine(url=url, seal=_as_it_is, open=_as_it_is, hang_s=HANG_S)
    await engine.launch()
    print("launched", flush=True)
    if how == "hangs":
        time.sleep(seconds)  # noqa: ASYNC251  # this is the fault
    await asyncio.sleep(seconds)
    print("still here", flush=True)
    await engine.drain(0)


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1]), sys.argv[2], float(sys.argv[3])))
