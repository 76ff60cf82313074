"""`cds-service explain`: why a call gave these cards, or none."""

import argparse
import asyncio
import json
from typing import Any

from cds_service.cli.stored import opened
from cds_service.domain.errors import Misconfigured
from cds_service.flow.explain import explained
from cds_service.settings import read_settings
from cds_service.storage.entries import cards_of, entries_about


def add(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the command."""
    parser = commands.add_parser("explain", help="why a call gave these cards, or none")
    parser.add_argument(
        "id", metavar="ID", help="of a hook instance, card, brief, trace or audit entry"
    )
    parser.add_argument("--json", action="store_true", help="print JSON for a program")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Print what is known: metadata only."""
    known = asyncio.run(_known(args.id))
    if not known:
        raise Misconfigured(
            f"Nothing is known of {args.id}: a call is known a moment after its answer, and under the id that"
            " its own request, card or log line has."
        )
    if args.json:
        print(json.dumps(known, default=str))
    else:
        print("\n\n".join("\n".join(explained(row, row["cards"])) for row in known))
    return 0


async def _known(identity: str) -> list[dict[str, Any]]:
    """Return what is known of an id, and of the brief that was prepared ahead and served to its call."""
    async with opened(read_settings()) as database:
        rows = {row["id"]: row for row in await entries_about(database, identity)}
        served = {str(row["facts"].get("prepared", "")) for row in rows.values()} - {""}
        for brief in sorted(served):
            rows |= {row["id"]: row for row in await entries_about(database, brief)}
        return [
            {**row, "cards": await cards_of(database, row["brief"]) if row["brief"] else []}
            for row in sorted(rows.values(), key=lambda row: row["at"])
        ]
