"""`cds-service site on` and `site off`: stop a site, one of its services or the model alone, at once."""

import argparse
import asyncio
from datetime import UTC, datetime
from getpass import getuser

from cds_service.audit import OPERATIONS, Audit
from cds_service.catalog import load_catalog
from cds_service.cli.stored import check_site, opened
from cds_service.domain.errors import Misconfigured
from cds_service.settings import read_settings
from cds_service.storage import Writer
from cds_service.storage.switches import AGENT, WHOLE_SITE, set_switch


def add(group: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the commands."""
    for state, said in (
        ("off", "stop a site, a service or the model alone; calls get a correct empty answer"),
        ("on", "let it answer again"),
    ):
        parser = group.add_parser(state, help=said)
        parser.add_argument("site", metavar="SITE", help="the site's name")
        parser.add_argument(
            "what",
            metavar="SERVICE|agent",
            nargs="?",
            default=WHOLE_SITE,
            help="left out: everything",
        )
        parser.set_defaults(run=run, on=state == "on")


def run(args: argparse.Namespace) -> int:
    """Switch; running processes see it within two seconds."""
    settings = read_settings()
    check_site(settings, args.site)
    services = sorted(load_catalog(settings.hook_packages).by_id)
    if args.what not in {WHOLE_SITE, AGENT, *services}:
        raise Misconfigured(f"{args.what!r} is none of {', '.join([*services, AGENT])}.")
    asyncio.run(_switched(args.site, args.what, on=args.on))
    state = "on" if args.on else "off"
    print(
        f"{args.site}: {args.what or 'everything'} is {state}; running processes see it within two seconds."
    )
    return 0


async def _switched(site: str, what: str, *, on: bool) -> None:
    """Change the switch and audit it in one transaction."""
    now, by = datetime.now(UTC), getuser()
    async with opened(read_settings()) as database, database.transaction() as connection:
        await set_switch(connection, site=site, what=what, on=on, by=by, at=now)
        audit = Audit(writer=Writer(database), now=lambda: now)
        await audit.append(
            connection,
            site=site,
            action="switch",
            outcome="on" if on else "off",
            facts={"what": what or "everything"},
            actor=f"operator/{by}",
            purpose=OPERATIONS,
        )
