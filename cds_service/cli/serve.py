"""`cds-service serve`: the service."""

import argparse
import asyncio
import gc
import sys

from cds_service.cli.terminal import port
from cds_service.domain.errors import Misconfigured
from cds_service.settings import load_settings

_COLLECT = (100_000, 20, 20)
"""A call with 260 KiB of prefetch makes some ten thousand objects, which go together when it ends."""

_SWITCH_S = 0.0005
"""How long a thread waits for the interpreter that another one holds; Python's own default is ten times as much.

A call waits for the thread that reads SQLite. With the default that took tens of milliseconds in a busy process: calls
gave up on their prepared briefs, and the rules that answered instead kept it busier still.
"""


def add(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the command."""
    parser = commands.add_parser("serve", help="run the service")
    parser.add_argument("--host", default="127.0.0.1", help="the address to listen on")
    parser.add_argument("--port", type=port, default=8000, help="the port to listen on")
    parser.add_argument("--workers", type=int, default=1, help="processes; 1 in this version")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Check the configuration, then serve until stopped."""
    import uvicorn  # late: the other commands need no server

    from cds_service.app import build
    from cds_service.http.patience import Impatient

    if args.workers != 1:
        raise Misconfigured("--workers must be 1: embedded SQLite is for one process.")
    settings = load_settings()
    service = build(settings)
    asyncio.run(service.check_start())  # said here, where it is a sentence
    steady()
    uvicorn.run(
        service.asgi,
        host=args.host,
        port=args.port,
        http=Impatient,
        access_log=False,
        server_header=False,
    )
    return 0


def steady() -> None:
    """Set the interpreter as a process has it that answers calls."""
    gc.freeze()  # what stands now stays: the collector need not walk it during every call
    gc.set_threshold(*_COLLECT)
    sys.setswitchinterval(_SWITCH_S)
