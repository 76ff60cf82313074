"""`cds-service site`: what is configured."""

import argparse
import asyncio
import json
import sys
from typing import Any

from cds_service.catalog import load_catalog
from cds_service.cli import check, packet, plan, shadow, switch
from cds_service.cli.stored import attached
from cds_service.domain.errors import Misconfigured
from cds_service.settings import Settings, load_settings
from cds_service.sites import load_sites
from cds_service.storage.switches import Off, switched_off


def add(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the command group."""
    group = commands.add_parser("site", help="the configured sites").add_subparsers(
        required=True, metavar="COMMAND"
    )
    for module in (plan, packet, check, switch, shadow):
        module.add(group)
    listing = group.add_parser("list", help="list the sites, what each enabled and what is off")
    listing.add_argument("--json", action="store_true", help="print JSON for a program")
    listing.set_defaults(run=run_list)


def run_list(args: argparse.Namespace) -> int:
    """Print the sites; a wrong site file is the error."""
    settings = load_settings()
    known = frozenset(load_catalog(settings.hook_packages).by_id)
    sites = load_sites(settings.sites, services=known, demo=settings.is_demo)
    off, unread = asyncio.run(_switched_off(settings))
    rows: list[dict[str, Any]] = [
        {
            "site": name,
            "title": site.file.title,
            "vendor": site.profile.title,
            "mode": site.file.mode,
            "services": list(site.file.services),
            "off": None
            if unread
            else sorted(what or "everything" for s, what in off if s == name),
        }
        for name, site in sites.by_name.items()
    ]
    if args.json:
        print(json.dumps(rows))
    else:
        for row in rows:
            stopped = f"; switched off: {', '.join(row['off'])}" if row["off"] else ""
            services = ", ".join(row["services"])
            print(f"{row['site']:<20} {row['mode']:<7} {row['vendor']}: {services}{stopped}")
    if unread:
        print(f"What is switched off could not be read: {unread}", file=sys.stderr)
    return 0


async def _switched_off(settings: Settings) -> tuple[Off, str]:
    """Return what is switched off, and why that could not be read."""
    try:
        async with attached(settings) as database:
            off = await switched_off(database)
    except Misconfigured as problem:
        return frozenset(), problem.detail
    return (frozenset(), "the database does not answer.") if off is None else (off, "")
