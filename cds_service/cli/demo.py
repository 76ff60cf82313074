"""`cds-service demo`: a simulated EHR and the service on loopback, with real cards for synthetic patients."""

import argparse
from importlib.util import find_spec

from cds_service.cli.terminal import port
from cds_service.domain.errors import Misconfigured


def add(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the command."""
    parser = commands.add_parser("demo", help="a simulated EHR and the service, on loopback")
    parser.add_argument("--port", type=port, default=8000, help="the service's")
    parser.add_argument("--ehr-port", type=port, default=8001, help="the simulated EHR's")
    parser.add_argument("--once", action="store_true", help="play the story once, and exit")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Start both and stay up, or play the tour once."""
    if find_spec("cds_service.simulator") is None:
        raise Misconfigured(
            "The demo's EHR is not part of this installation: use the source, or `serve`."
        )
    from cds_service.cli import play  # late: the other commands need no simulator

    return play.run(args)
