"""`cds-service audit`: prove the chains, export them, and sign where they end."""

import argparse
import asyncio
import json
import sys
from pathlib import Path

from cds_service.audit.export import events, head_line, read_head
from cds_service.cli.stored import attached
from cds_service.domain.errors import Misconfigured
from cds_service.settings import read_settings
from cds_service.storage.chain import Head, Verdict, heads, verify
from cds_service.storage.rotate import sites_with_keys


def add(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the command group."""
    group = commands.add_parser("audit", help="who did what to whose chart").add_subparsers(
        required=True, metavar="COMMAND"
    )
    proving = group.add_parser("verify", help="prove that no entry was changed, dropped or moved")
    proving.add_argument("--site", help="one site's chain only; all without it")
    proving.add_argument(
        "--heads",
        type=Path,
        metavar="FILE",
        help="also compare with what `audit head` printed once",
    )
    proving.add_argument("--json", action="store_true", help="print JSON for a program")
    proving.set_defaults(run=run_verify)
    signing = group.add_parser(
        "head", help="print where each chain ends, signed, to be kept in another place"
    )
    signing.set_defaults(run=run_head)
    exporting = group.add_parser(
        "export", help="print entries as FHIR AuditEvents, one on a line; patients are named in it"
    )
    exporting.add_argument("--site", help="one site's entries only; all without it")
    exporting.set_defaults(run=run_export)


def run_verify(args: argparse.Namespace) -> int:
    """Walk the chains; exit status 1 and a sentence for the first broken entry of each."""
    known = _read_heads(args.heads) if args.heads else []
    verdicts = asyncio.run(_verified(args.site, known))
    if args.json:
        print(json.dumps([_as_json(each) for each in verdicts]))
    for verdict in verdicts:
        if verdict.problem:
            print(f"cds-service: {_sentence(verdict)}", file=sys.stderr)
        elif not args.json:
            print(f"{_name(verdict.site)}: {verdict.entries} entries, whole")
    return int(any(verdict.problem for verdict in verdicts))


async def _verified(site: str | None, known: list[Head]) -> list[Verdict]:
    async with attached(read_settings()) as database:
        sites = [site] if site else await sites_with_keys(database)
        async with database.reading() as connection:
            ended = {head.site for head in await heads(connection)}
            if not site:
                sites = sorted({*sites, *ended, *(head.site for head in known)})
            _check_known(site, ended)
            return [await verify(database.seals, connection, each, known) for each in sites]


def _check_known(site: str | None, ended: set[str]) -> None:
    if site and site not in ended:
        raise Misconfigured(f"The audit has no chain of a site {site}.")


def _sentence(verdict: Verdict) -> str:
    named = f" ({verdict.entry_id})" if verdict.entry_id else ""
    return (
        f"{_name(verdict.site)}: entry {verdict.broken_at}{named} {verdict.problem};"
        f" the {verdict.entries} before it are whole. Keep this database as it is, and compare with a backup."
    )


def _as_json(verdict: Verdict) -> dict[str, object]:
    broken = {"entry": verdict.broken_at, "id": verdict.entry_id, "problem": verdict.problem}
    whole = not verdict.problem
    row = {"site": verdict.site, "entries": verdict.entries, "whole": whole}
    return row if whole else row | {"broken": broken}


def _name(site: str) -> str:
    return "all sites" if site == "-" else f"site {site}"


def _read_heads(file: Path) -> list[Head]:
    try:
        lines = file.read_text("utf-8").splitlines()
        return [read_head(json.loads(line)) for line in lines if line.strip()]
    except (OSError, ValueError, KeyError, TypeError):
        raise Misconfigured(
            f"{file}: these are no heads; give a file that `cds-service audit head` printed."
        ) from None


def run_head(_args: argparse.Namespace) -> int:
    """Print one line of JSON for each chain."""
    for head in asyncio.run(_heads()):
        print(json.dumps(head_line(head)))
    return 0


async def _heads() -> list[Head]:
    async with attached(read_settings()) as database, database.reading() as connection:
        return await heads(connection)


def run_export(args: argparse.Namespace) -> int:
    """Print one AuditEvent on a line."""
    return asyncio.run(_export(args.site))


async def _export(site: str | None) -> int:
    async with attached(read_settings()) as database, database.reading() as connection:
        ended = {head.site for head in await heads(connection)}
        _check_known(site, ended)
        for each in [site] if site else sorted(ended):
            async for event in events(database, connection, each):
                print(json.dumps(event))
    return 0
