"""A server beside other work: of the demo, and of a worker's health."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager

import uvicorn
from typing_extensions import override

from cds_service.domain.errors import Misconfigured

_START_S = 20.0


class _Quiet(uvicorn.Server):
    """A server that leaves signals to whoever runs it."""

    @override
    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


@asynccontextmanager
async def serving(
    app: object, port: int, name: str, host: str = "127.0.0.1"
) -> AsyncIterator[None]:
    """Serve an application; raises `Misconfigured` when it does not come up."""
    config = uvicorn.Config(
        app,  # type: ignore[arg-type]  # uvicorn's own ASGI type is narrower than the protocol
        host=host,
        port=port,
        log_level="critical",
        access_log=False,
    )
    server = _Quiet(config)
    running = asyncio.create_task(_serve(server))
    try:
        async with asyncio.timeout(_START_S):
            while not (server.started or running.done()):  # noqa: ASYNC110  # it offers no event
                await asyncio.sleep(0.02)
        if running.done():
            raise Misconfigured(f"{name} could not start on port {port}: is it in use?")
        yield
    finally:
        server.should_exit = True
        await running


async def _serve(server: uvicorn.Server) -> None:
    """Serve; a server that cannot start exits the process, which is not its business here."""
    with contextlib.suppress(SystemExit):
        await server.serve()
