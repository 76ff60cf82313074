"""A worker process whose patience with one request is scaled, as the EHR's own time limit is."""

import asyncio
from dataclasses import replace

from cds_service.app import build
from cds_service.settings import load_settings

POST_S = 0.5
"""Stands for 30 s; `SERVER_S` of the soak stands for the server's 120 s."""


async def work() -> None:
    """Work until killed."""
    service = build(load_settings().model_copy(update={"role": "worker"}))
    filing = replace(service.desk.write_back, post_timeout_s=POST_S)
    service.background.work.engine.register("writeback", filing)
    async with service.running():
        await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(work())
