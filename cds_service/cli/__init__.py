"""The `cds-service` command: one module for each group of subcommands."""

import argparse
import sys
from importlib.metadata import version

from cds_service.brief.rules import RULES_VERSION
from cds_service.cli import (
    audit,
    brief,
    db,
    demo,
    explain,
    hooks,
    keys,
    prepare,
    queue,
    serve,
    site,
    worker,
)
from cds_service.domain.errors import CdsError

_COMMANDS = (demo, serve, worker, brief, site, explain, prepare, queue, hooks, keys, audit, db)


def parser() -> argparse.ArgumentParser:
    """Return the parser with every command."""
    top = argparse.ArgumentParser(
        prog="cds-service", description="A CDS Hooks service: cited pre-visit briefs as cards."
    )
    top.add_argument(
        "--version",
        action="version",
        version=f"cds-service {version('cds-service')}, rules {RULES_VERSION}",
    )
    commands = top.add_subparsers(required=True, metavar="COMMAND")
    for module in _COMMANDS:
        module.add(commands)
    return top


def main(argv: list[str] | None = None) -> int:
    """Run one command; an error is one sentence on stderr and exit status 1 (2 for bad usage)."""
    args = parser().parse_args(argv)
    try:
        status: int = args.run(args)
    except CdsError as problem:
        print(f"cds-service: {problem}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:
        return 1
    return status
