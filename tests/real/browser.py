"""Headless Chromium, the Debian package; this will install it where it is missing, and serve pages to it on loopback.

The tests drive it through Playwright's Python, with the machine's own browser.
"""

import asyncio
import os
import shutil
import socket
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

import uvicorn
from playwright.async_api import Browser, async_playwright

from .parts import PartError, run

_ARGUMENTS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)


def chromium() -> str:
    """Return the path of Chromium, installed from Debian where it is missing. Raises `PartError`."""
    found = shutil.which("chromium")
    if found is None and os.geteuid() == 0 and shutil.which("apt-get"):
        run("chromium", ["apt-get", "update", "-q"], needs="Debian's package lists")
        packages = ["chromium", "chromium-driver"]
        run("chromium", ["apt-get", "install", "-qy", *packages], needs="Debian's packages")
        found = shutil.which("chromium")
    if found is None:
        message = "Chromium is needed: install Debian's packages chromium and chromium-driver"
        raise PartError(message)
    return found


@asynccontextmanager
async def browsing(more: Sequence[str] = ()) -> AsyncIterator[Browser]:
    """Run a browser without a window and without a past; `more` are arguments of its own."""
    # Not in this event loop: installing may take a minute, and a process whose loop hangs for as long ends itself.
    found = await asyncio.to_thread(chromium)
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(
            executable_path=found, args=[*_ARGUMENTS, *more]
        )
        try:
            yield browser
        finally:
            await browser.close()


@asynccontextmanager
async def serving(app: object, port: int | None = None, **how: str) -> AsyncIterator[str]:
    """Serve an application on loopback in this event loop; this will be its address."""
    port = port or free_port()
    config = uvicorn.Config(
        app, host="127.0.0.1", port=port, log_level="error", access_log=False, **how
    )
    server = uvicorn.Server(config)
    server.install_signal_handlers = lambda: None
    working = asyncio.create_task(server.serve())
    try:
        while not server.started:  # noqa: ASYNC110  # it offers no event
            await asyncio.sleep(0.01)
        yield f"http://127.0.0.1:{port}"
    finally:
        server.should_exit = True
        await working


def free_port() -> int:
    """Return a port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
