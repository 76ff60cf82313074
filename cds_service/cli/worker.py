"""`cds-service worker`: work ahead without answering, beside processes with `CDS_ROLE=api`."""

import argparse
import asyncio
import signal
from contextlib import AbstractAsyncContextManager, nullcontext
from typing import TYPE_CHECKING

from cds_service.cli.terminal import port
from cds_service.settings import load_settings

if TYPE_CHECKING:
    from cds_service.app import Service


def add(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the command."""
    parser = commands.add_parser("worker", help="prepare briefs, without answering calls")
    parser.add_argument("--host", default="127.0.0.1", help="the address of --port")
    parser.add_argument("--port", type=port, help="answer /healthz and /readyz here")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Work until SIGTERM or Ctrl-C, then finish what is under way."""
    asyncio.run(_work(args))
    return 0


async def _work(args: argparse.Namespace) -> None:
    from cds_service.app import build  # late: the other commands need none of it

    service = build(load_settings().model_copy(update={"role": "worker"}))
    stopped = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stopped.set)
    async with service.running(), _health(service, args):
        print("working; SIGTERM or Ctrl-C stops it in order", flush=True)
        await stopped.wait()
        print("finishing what is under way", flush=True)


def _health(service: "Service", args: argparse.Namespace) -> AbstractAsyncContextManager[None]:
    """Answer whether this process is well, where it is asked for."""
    if args.port is None:
        return nullcontext()
    from cds_service.cli.serving import serving  # late: most workers need no server

    return serving(service.health(), args.port, "The worker's health", args.host)
