"""`cds-service site check`: what stands between a site and its first correct card, and who mends it."""

import argparse
import asyncio
import json

from cds_service.cli.terminal import Progress
from discovery.checks import judge
from discovery.report import as_json, is_well, shown


def add(group: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the command."""
    parser = group.add_parser("check", help="what stands between a site and a correct card")
    parser.add_argument("site", metavar="SITE", help="the site's name")
    parser.add_argument("--patient", default="", metavar="ID", help="id of a test patient to read")
    parser.add_argument("--all", action="store_true", help="show what is good, too")
    parser.add_argument("--json", action="store_true", help="print JSON for a program")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Check a site; exit status 1 when something has to be mended."""
    from cds_service.cli.look import looked_at  # late: the other commands need no service

    with Progress(quiet=args.json) as progress:
        subject = asyncio.run(looked_at(args.site, args.patient, progress))
    judged = list(judge(subject))
    if args.json:
        print(json.dumps(as_json(subject.site, judged), ensure_ascii=False))
    else:
        print("\n".join(shown(subject.site, judged, everything=args.all)))
    return 0 if is_well(judged) else 1
