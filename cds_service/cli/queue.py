"""`cds-service queue`: what waits, what is late, what failed and why; and another try for it."""

import argparse
import asyncio
import json
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import asdict
from datetime import UTC, datetime
from getpass import getuser

from cds_service.audit import Audit
from cds_service.flow.change import Change
from cds_service.flow.queue import Paused, Queue, Stuck, Unread
from cds_service.settings import read_settings
from cds_service.storage import Writer, load_key_ring, open_database, start
from cds_service.storage.notices import Notices


def add(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the command group."""
    group = commands.add_parser("queue", help="work ahead that waits or failed").add_subparsers(
        required=True, metavar="COMMAND"
    )
    listing = group.add_parser("list", help="what is stuck, and why")
    listing.add_argument("--site", help="only this site's")
    listing.add_argument("--json", action="store_true", help="for a program")
    listing.set_defaults(run=run_list)
    retry = group.add_parser("retry", help="try again what failed, waits for its EHR or is late")
    retry.add_argument("ids", nargs="*", metavar="ID", help="briefs, as `queue list` names them")
    retry.add_argument("--site", help="everything of this site that failed or waits for its EHR")
    retry.set_defaults(run=run_retry)


def run_list(args: argparse.Namespace) -> int:
    """Print what is stuck."""
    stuck, paused, unread = asyncio.run(_stuck(args.site))
    if args.json:
        kinds: dict[str, Sequence[Stuck | Paused | Unread]] = {
            "stuck": stuck,
            "paused": paused,
            "unread": unread,
        }
        told = {name: [asdict(each) for each in found] for name, found in kinds.items()}
        print(json.dumps(told, default=str, indent=2))
        return 0
    _tell(paused)
    for schedule in unread:
        print("\n".join(_of_schedule(schedule)))
    for one in stuck:
        due = (
            f", next try {one.due:%Y-%m-%d %H:%M %Z}"
            if one.state == "requested" and one.due
            else ""
        )
        print(f"{one.brief}  {one.site}  {one.state}  {one.reason}  (tries: {one.tries}{due})")
    if not stuck and not paused and not unread:
        print("Nothing is stuck.")
    return 0


def run_retry(args: argparse.Namespace) -> int:
    """Have what failed, waits or is late tried again; says where an EHR is to be left alone for now."""
    begun, paused = asyncio.run(_retried(args.ids, args.site))
    print(f"{len(begun)} {'brief is' if len(begun) == 1 else 'briefs are'} tried again.")
    _tell(paused)
    return 0


def _tell(paused: Sequence[Paused]) -> None:
    for each in paused:
        print(
            f"site {each.site}: nothing is read ahead before {each.until:%Y-%m-%d %H:%M %Z}: {each.reason}"
        )


def _of_schedule(schedule: Unread) -> Iterator[str]:
    if schedule.reason:
        read = f"{schedule.read_at:%Y-%m-%d %H:%M %Z}" if schedule.read_at else "never yet"
        yield f"site {schedule.site}: its schedule could not be read: {schedule.reason} (read last: {read})"
    if schedule.without_patient:
        yield f"site {schedule.site}: {schedule.without_patient} appointments name no patient"


async def _stuck(site: str | None) -> tuple[list[Stuck], list[Paused], list[Unread]]:
    async with _queue() as queue:
        paused = [each for each in await queue.paused() if _is_asked(each.site, site)]
        unread = [each for each in await queue.unread() if _is_asked(each.site, site)]
        return await queue.stuck(site), paused, unread


def _is_asked(name: str, site: str | None) -> bool:
    """Return whether an EHR is the one that was asked about: of all, one that still has a site file."""
    return name == site if site else (read_settings().sites / f"{name}.toml").is_file()


async def _retried(ids: Sequence[str], site: str | None) -> tuple[list[str], list[Paused]]:
    async with _queue() as queue:
        begun, paused = await queue.retry(ids, site), await queue.paused()
    return begun, [each for each in paused if site in {None, each.site}]


@asynccontextmanager
async def _queue() -> AsyncIterator[Queue]:
    """Give the queue of the database of the settings, beside whatever process serves it."""
    settings = read_settings()
    ring = load_key_ring(settings.keyring, data_dir=settings.data_dir, demo=settings.is_demo)
    database = open_database(settings.database_url, data_dir=settings.data_dir, ring=ring)
    audit = Audit(writer=Writer(database), now=_now)
    change = Change(
        database=database,
        notices=Notices(database=database),
        audit=audit,
        now=_now,
        actor=f"operator/{getuser()}",
    )
    try:
        await start(database, now=_now(), by_itself=False)
        yield Queue(database=database, change=change, now=_now)
    finally:
        await database.close()


def _now() -> datetime:
    return datetime.now(UTC)
