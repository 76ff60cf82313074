"""`cds-service brief`: the rule-based brief of one patient's FHIR Bundle, offline."""

import argparse
import sys
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from cds_service.brief import rule_brief, to_json, to_text
from cds_service.catalog import load_catalog
from cds_service.context.bundle import bundle_context
from cds_service.context.policy import withhold
from cds_service.domain.errors import BadCall, NotJson
from cds_service.domain.evidence import Context
from cds_service.domain.json import decode, encode
from cds_service.settings import read_settings
from cds_service.sites import Site, load_site


def add(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the command."""
    parser = commands.add_parser(
        "brief", help="the rule-based brief of one patient's FHIR Bundle, offline"
    )
    parser.add_argument("bundle", type=Path, metavar="BUNDLE.json", help="any Bundle; - for stdin")
    parser.add_argument("--patient", help="id of the patient, when the Bundle holds several")
    parser.add_argument("--now", help="the moment of the brief, as ISO 8601 (default: now)")
    whose = parser.add_mutually_exclusive_group()
    whose.add_argument(
        "--timezone",
        metavar="NAME",
        help="the zone whose clock tells days and times, such as America/Chicago (default: UTC)",
    )
    whose.add_argument(
        "--site-file",
        type=Path,
        metavar="FILE",
        help="a site's file, whose time zone, rules and hidden categories are in force",
    )
    parser.add_argument(
        "--sources",
        action="store_true",
        help="print below each line the entries it was written from",
    )
    parser.add_argument("--json", action="store_true", help="print JSON for a program")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Print the brief."""
    site = _site(args.site_file) if args.site_file else None
    brief = rule_brief(_context(args, site))
    if args.json:
        sys.stdout.buffer.write(encode(to_json(brief)) + b"\n")
    else:
        print(to_text(brief, sources=args.sources))
    return 0


def _site(file: Path) -> Site:
    settings = read_settings()
    known = frozenset(load_catalog(settings.hook_packages).by_id)
    return load_site(file, services=known, demo=settings.is_demo)


def _context(args: argparse.Namespace, site: Site | None) -> Context:
    """Return the Bundle's record, as a site of this file would see it where one is given."""
    bundle, now = _bundle(args.bundle), _moment(args.now)
    if site is None:
        zone = _zone(args.timezone or "UTC")
        return bundle_context(bundle, patient=args.patient, now=now, zone=zone)
    made = bundle_context(
        bundle, patient=args.patient, now=now, zone=site.zone, tables=site.tables
    )
    return replace(made, ledger=withhold(made.ledger, site.marks))


def _bundle(file: Path) -> dict[str, object]:
    try:
        body = sys.stdin.buffer.read() if str(file) == "-" else file.read_bytes()
    except OSError as problem:
        raise BadCall(f"{file}: {problem.strerror}.") from None
    try:
        bundle = decode(body)
    except NotJson:
        raise BadCall(f"{file} is not JSON.") from None
    if not isinstance(bundle, dict) or bundle.get("resourceType") != "Bundle":
        raise BadCall(f"{file} is not a FHIR Bundle: its resourceType must be Bundle.")
    return bundle


def _zone(name: str) -> ZoneInfo:
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise BadCall("--timezone must be a name such as America/Chicago.") from None


def _moment(value: str | None) -> datetime:
    if value is None:
        return datetime.now(UTC)
    try:
        moment = datetime.fromisoformat(value)
    except ValueError:
        raise BadCall("--now must be a time such as 2026-11-22T09:00:00Z.") from None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
