"""`cds-service keys`: what proves us to EHRs, and how it is replaced."""

import argparse
import asyncio
import json
import sys
import time
from datetime import datetime, timedelta

from cds_service.audit import Audit
from cds_service.cli import sealing
from cds_service.cli.stored import attached_if_begun, now
from cds_service.settings import load_signing_keys, read_settings
from cds_service.smart.keys import LEAD, KeyFile, Keys, SigningKey, facts_of, published, signing
from cds_service.storage import Writer
from cds_service.storage.chain import ADMINISTRATION
from cds_service.storage.seal import SHARED


def add(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the command group."""
    group = commands.add_parser("keys", help="our keys").add_subparsers(
        required=True, metavar="COMMAND"
    )
    show = group.add_parser("show", help="print our public signing keys as a JWK set")
    show.set_defaults(run=run_show)
    rotate = group.add_parser(
        "rotate", help="publish new signing keys, and sign with them once every EHR has seen them"
    )
    how = rotate.add_mutually_exclusive_group()
    how.add_argument(
        "--lead-hours",
        type=float,
        default=LEAD.total_seconds() / 3600,
        help="from publishing the new keys to signing with them (default: 30)",
    )
    how.add_argument(
        "--revoke",
        action="store_true",
        help="a key was stolen: sign with the new ones at once and withdraw all others",
    )
    sealing.add(group, how)
    rotate.set_defaults(run=run_rotate)


def run_show(_args: argparse.Namespace) -> int:
    """Print the JWK set to stdout and, for people, what each key does to stderr."""
    file = _file()
    print(json.dumps(file.key_set(), indent=2))
    _tell(file)
    return 0


def run_rotate(args: argparse.Namespace) -> int:
    """Add a signing key for each algorithm, which running processes see within a second; or a sealing key."""
    if args.sealing or args.data:
        return sealing.run_rotate(args)
    file = _file()
    lead = timedelta(hours=max(0.0, args.lead_hours))
    with file.revoking() if args.revoke else file.rotating(lead=lead) as new:
        asyncio.run(_audit("revoked" if args.revoke else "rotated", new))
    print(json.dumps(file.key_set(), indent=2))
    _tell(file)
    return 0


async def _audit(outcome: str, new: Keys) -> None:
    """Put a change of our signing keys into the audit, before it is made; without the entry there is none."""
    async with attached_if_begun(read_settings()) as database:
        if database is None:
            print(
                "No service has started here yet: no audit tells of these keys.", file=sys.stderr
            )
            return
        audit = Audit(writer=Writer(database), now=now)
        async with database.transaction() as connection:
            await audit.append(
                connection,
                site=SHARED,
                action="key",
                outcome=outcome,
                facts=facts_of(new),
                purpose=ADMINISTRATION,
            )


def _file() -> KeyFile:
    return KeyFile(path=load_signing_keys(), now=now, clock=time.monotonic)


def _tell(file: KeyFile) -> None:
    at, keys = file.now(), file.keys()
    for key in published(keys, at):
        signs = signing(keys, key.algorithm, at) is key
        print(f"{key.algorithm} {key.kid}: {_does(key, at, signs=signs)}", file=sys.stderr)


def _does(key: SigningKey, at: datetime, *, signs: bool) -> str:
    if key.signs_from > at:
        return f"published, signs from {key.signs_from:%Y-%m-%d %H:%M} UTC"
    until = key.published_until
    stays = f", published until {until:%Y-%m-%d %H:%M} UTC" if until else ""
    return ("signs now" if signs else "no longer signs") + stays
