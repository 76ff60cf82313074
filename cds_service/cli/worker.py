"""`cds-service worker`: work ahead without answering, beside processes with `CDS_ROLE=api`."""

import argparse
import asyncio
import signal

from cds_service.settings import load_settings


def add(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the command."""
    parser = commands.add_parser("worker", help="prepare briefs, without answering calls")
    parser.set_defaults(run=run)


def run(_args: argparse.Namespace) -> int:
    """Work until SIGTERM or Ctrl-C, then finish what is under way."""
    asyncio.run(_work())
    return 0


async def _work() -> None:
    from cds_service.app import build  # late: the other commands need none of it

    service = build(load_settings().model_copy(update={"role": "worker"}))
    stopped = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stopped.set)
    async with service.running():
        print("working; SIGTERM or Ctrl-C stops it in order", flush=True)
        await stopped.wait()
        print("finishing what is under way", flush=True)
