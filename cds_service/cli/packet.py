"""`cds-service site packet`: what the EHR's admins type in for a site."""

import argparse
import sys
from pathlib import Path

from cds_service.card import OVERRIDE_REASONS
from cds_service.catalog import Catalog, load_catalog
from cds_service.cli.plan import FORMATS
from cds_service.domain.errors import Misconfigured
from cds_service.settings import Settings, load_settings
from cds_service.sites import Site, load_site, site_files, unfilled
from discovery.packet import Ours, packet


def add(group: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the command."""
    parser = group.add_parser("packet", help="what the EHR's admins type in, screen by screen")
    parser.add_argument("site", metavar="SITE", help="the site's name")
    parser.add_argument(
        "--format", choices=sorted(FORMATS), default="markdown", help="of the output"
    )
    parser.add_argument("--output", type=Path, help="a file instead of the terminal")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Print the packet."""
    settings = load_settings()
    catalog = load_catalog(settings.hook_packages)
    site = named(args.site, settings, catalog)
    page = packet(site, catalog.by_id.values(), ours(settings, catalog))
    shown = FORMATS[args.format](page)
    if args.output:
        args.output.write_text(shown, encoding="utf-8")
        print(f"Wrote {args.output}.", file=sys.stderr)
    else:
        print(shown)
    if left := unfilled(site.file):
        print(
            f"Still open: {', '.join(left)}. Settle them with the EHR's admins, write them into {site.name}.toml"
            " and print the packet again.",
            file=sys.stderr,
        )
    return 0


def named(name: str, settings: Settings, catalog: Catalog) -> Site:
    """Return a site, also one in preparation; other sites' files are not read. Raises `Misconfigured`."""
    files = {file.stem: file for file in site_files(settings.sites)}
    if name not in files:
        raise Misconfigured(f"There is no site {name!r}; there are {', '.join(files)}.")
    known = frozenset(catalog.by_id)
    return load_site(files[name], services=known, demo=settings.is_demo, preparing=True)


def ours(settings: Settings, catalog: Catalog) -> Ours:
    """Return what a packet says of this installation."""
    reasons = tuple((r.code, r.system, r.display or "") for r in OVERRIDE_REASONS)
    return Ours(public_url=settings.public_url, override_reasons=reasons, intents=catalog.intents)
