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
from cds_service.sites import Site, check_apart, load_site, site_files, unfilled
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
    """Print the sites, and what is wrong with the files of others; exit status 1 where anything is."""
    settings = load_settings()
    sites, wrong = _read(settings)
    off, unread = asyncio.run(_switched_off(settings))
    rows: list[dict[str, Any]] = [
        {
            "site": site.name,
            "title": site.file.title,
            "vendor": site.profile.title,
            "mode": site.file.mode,
            "unfilled": list(unfilled(site.file)),
            "services": list(site.file.services),
            "off": None
            if unread
            else sorted(what or "everything" for s, what in off if s == site.name),
        }
        for site in sites
    ]
    if args.json:
        print(json.dumps(rows))
    else:
        for row in rows:
            stopped = f"; switched off: {', '.join(row['off'])}" if row["off"] else ""
            services = ", ".join(row["services"])
            open_ = "; not in service, it still says REPLACE" if row["unfilled"] else ""
            print(
                f"{row['site']:<20} {row['mode']:<7} {row['vendor']}: {services}{stopped}{open_}"
            )
    if unread:
        print(f"What is switched off could not be read: {unread}", file=sys.stderr)
    for sentence in wrong:
        print(sentence, file=sys.stderr)
    return 1 if wrong else 0


def _read(settings: Settings) -> tuple[list[Site], list[str]]:
    """Return the sites, those in preparation too, and a sentence for each file that is wrong."""
    known = frozenset(load_catalog(settings.hook_packages).by_id)
    sites, wrong = [], []
    for file in site_files(settings.sites):
        try:
            sites.append(load_site(file, services=known, demo=settings.is_demo, preparing=True))
        except Misconfigured as problem:
            wrong.append(problem.detail)
    try:
        check_apart(site for site in sites if not unfilled(site.file))
    except Misconfigured as problem:
        wrong.append(problem.detail)
    return sites, wrong


async def _switched_off(settings: Settings) -> tuple[Off, str]:
    """Return what is switched off, and why that could not be read."""
    try:
        async with attached(settings) as database:
            off = await switched_off(database)
    except Misconfigured as problem:
        return frozenset(), problem.detail
    return (frozenset(), "the database does not answer.") if off is None else (off, "")
