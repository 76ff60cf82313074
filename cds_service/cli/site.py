"""`cds-service site`: what is configured."""

import argparse
import json

from cds_service.catalog import load_catalog
from cds_service.cli import check, packet, plan, shadow, switch
from cds_service.settings import load_settings
from cds_service.sites import load_sites


def add(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the command group."""
    group = commands.add_parser("site", help="the configured sites").add_subparsers(
        required=True, metavar="COMMAND"
    )
    for module in (plan, packet, check, switch, shadow):
        module.add(group)
    listing = group.add_parser("list", help="list the sites and what each enabled")
    listing.add_argument("--json", action="store_true", help="print JSON for a program")
    listing.set_defaults(run=run_list)


def run_list(args: argparse.Namespace) -> int:
    """Print the sites; a wrong site file is the error."""
    settings = load_settings()
    known = frozenset(load_catalog(settings.hook_packages).by_id)
    sites = load_sites(settings.sites, services=known, demo=settings.is_demo)
    rows = [
        {
            "site": name,
            "title": site.file.title,
            "vendor": site.profile.title,
            "mode": site.file.mode,
            "services": list(site.file.services),
        }
        for name, site in sites.by_name.items()
    ]
    if args.json:
        print(json.dumps(rows))
    else:
        for row in rows:
            print(
                f"{row['site']:<20} {row['mode']:<7} {row['vendor']}: {', '.join(row['services'])}"
            )
    return 0
