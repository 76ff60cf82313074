"""`cds-service prepare`: have briefs prepared now, of one patient or of all visits of a day, and watch."""

import argparse
import asyncio
import sys
import time
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, date, datetime
from getpass import getuser
from typing import TYPE_CHECKING

from cds_service.domain.errors import Misconfigured
from cds_service.domain.visit import Visit
from cds_service.settings import load_settings
from cds_service.storage import briefs, start
from cds_service.storage.hold import is_held

if TYPE_CHECKING:
    from cds_service.app import Service
    from cds_service.sites import Site

_LOOK_S = 0.5
PATIENCE_S = 10.0
"""Work that fails as a whole for so long will not begin to succeed while somebody watches."""
_WIDTH = 30
_UNDER_WAY = frozenset({"requested", "preparing"})


def add(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the command."""
    parser = commands.add_parser("prepare", help="have briefs prepared now, and watch")
    parser.add_argument("--site", required=True, help="the site's name")
    what = parser.add_mutually_exclusive_group(required=True)
    what.add_argument("--patient", help="the id of one patient")
    what.add_argument("--date", type=_date, help="all booked visits of this day, as 2026-11-25")
    parser.set_defaults(run=run)


def _date(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise argparse.ArgumentTypeError("a date is written as 2026-11-25") from None


def run(args: argparse.Namespace) -> int:
    """Ask for the briefs and show how far they are; returns 0 only when all of them became ready."""
    return asyncio.run(_run(args))


async def _run(args: argparse.Namespace) -> int:
    from cds_service.app import build  # late: the other commands need none of it

    settings = load_settings().model_copy(update={"role": "worker"})
    service = build(settings)
    site = service.sites.find(args.site)
    if not site.may_prepare:
        raise Misconfigured(
            f"site {site.name}: its file needs [backend] and [prepare], and a mode that is not off."
        )
    works_here = not is_held(settings)
    async with service.running() if works_here else _beside(service):
        visits = await _visits(service, site, args)
        if not visits:
            print(f"site {site.name}: no visits on {args.date}; nothing is asked for.")
            return 0
        by = f"operator/{getuser()}"
        ids = [await service.background.ask.by_hand(visit, site, by=by) for visit in visits]
        print(
            f"{len(ids)} briefs asked for{'' if works_here else '; the running service prepares them'}"
        )
        return await _watch(service, ids)


@asynccontextmanager
async def _beside(service: "Service") -> AsyncIterator[None]:
    """Use the database of the service that runs, and work for nobody."""
    try:
        await start(service.database, now=datetime.now(UTC), by_itself=False)
        yield
    finally:
        await service.network.aclose()
        await service.database.close()


async def _visits(service: "Service", site: "Site", args: argparse.Namespace) -> list[Visit]:
    if args.patient:
        return [Visit(patient=args.patient.removeprefix("Patient/"))]
    return await service.background.work.schedule.visits_of(site, args.date)


async def _watch(service: "Service", ids: Sequence[str]) -> int:
    """Show progress until nothing is under way; what waits for its EHR is told with its reason.

    Raises `Misconfigured` when this process was to do the work and cannot.
    """
    well = time.monotonic()
    while True:
        async with service.database.reading() as connection:
            rows = [row for each in ids if (row := await briefs.get(connection, each))]
        going = [row for row in rows if row.state in _UNDER_WAY and not row.reason]
        _show(len(rows) - len(going), rows, last=not going)
        if not going:
            break
        problem = service.background.work.problem
        well = well if problem else time.monotonic()
        if time.monotonic() - well > PATIENCE_S:
            raise Misconfigured(f"{problem}. The briefs stay asked for; the log says more.")
        await asyncio.sleep(_LOOK_S)
    for row in rows:
        if row.state != "ready":
            print(_told(row, service.sites.find(row.site)), file=sys.stderr)
    return 0 if all(row.state == "ready" for row in rows) else 1


def _told(row: briefs.Row, site: "Site") -> str:
    """Say what a brief came to that is not ready, and when one that waits is tried again."""
    told = f"{row.id}  {row.state}: {row.reason or ''}"
    if row.state != "requested" or row.due is None:
        return told
    due = f"{row.due.astimezone(site.zone):%Y-%m-%d %H:%M %Z}"
    return f"{told}; it stays asked for: a running service or worker tries again from {due}"


def _show(done: int, rows: Sequence[briefs.Row], *, last: bool) -> None:
    states = Counter(row.state for row in rows)
    told = ", ".join(f"{number} {state}" for state, number in sorted(states.items()))
    filled = _WIDTH * done // max(1, len(rows))
    bar = f"[{'#' * filled}{'.' * (_WIDTH - filled)}] {done}/{len(rows)}  {told}"
    if sys.stdout.isatty():
        print(f"\r{bar:<100}", end="\n" if last else "", flush=True)
    elif last:
        print(bar)
