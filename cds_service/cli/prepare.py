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

from cds_service.cli.terminal import counted
from cds_service.domain.errors import BadCall, Misconfigured
from cds_service.domain.visit import YEARS, Visit
from cds_service.fhir.elements import FHIR_ID
from cds_service.settings import load_settings
from cds_service.storage import briefs, start
from cds_service.storage.hold import is_held
from cds_service.storage.switches import WHOLE_SITE

if TYPE_CHECKING:
    from cds_service.app import Service
    from cds_service.sites import Site

_LOOK_S = 0.5
PATIENCE_S = 10.0
"""Work that fails as a whole for so long will not begin to succeed while somebody watches."""
BEGUN_WITHIN_S = 60.0
"""What nobody has begun for so long waits behind others, or no worker runs: who watches is told, and goes."""
_WIDTH = 30
_UNDER_WAY = frozenset({"requested", "preparing"})
_UNTOLD = {"requested": "not begun"}
"""Why a brief is not ready that has no reason of its own."""


def add(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the command."""
    parser = commands.add_parser("prepare", help="have briefs prepared now, and watch")
    parser.add_argument("--site", required=True, help="the site's name")
    what = parser.add_mutually_exclusive_group(required=True)
    what.add_argument("--patient", type=_patient, help="the id of one patient")
    what.add_argument("--date", type=_date, help="all booked visits of this day, as 2026-11-25")
    parser.set_defaults(run=run)


def _patient(text: str) -> str:
    bare = text.removeprefix("Patient/")
    if not FHIR_ID.fullmatch(bare) or not bare.strip("."):
        raise argparse.ArgumentTypeError("an id has up to 64 letters, digits, - and . alone")
    return bare


def _date(text: str) -> date:
    try:
        day = date.fromisoformat(text)
    except ValueError:
        raise argparse.ArgumentTypeError("a date is written as 2026-11-25") from None
    if day.year not in YEARS:
        raise argparse.ArgumentTypeError("no visit is of that year")
    return day


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
        if held := await _held(service, site):
            raise BadCall(f"{held} No brief is asked for.")
        visits = await _visits(service, site, args)
        if not visits:
            print(f"site {site.name}: no visits on {args.date}; nothing is asked for.")
            return 0
        by = f"operator/{getuser()}"
        ids = [await service.background.ask.by_hand(visit, site, by=by) for visit in visits]
        print(
            f"{counted(len(ids), 'brief')} asked for{'' if works_here else '; the running service prepares them'}"
        )
        return await _watch(service, site, ids)


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
    if args.patient is not None:
        return [Visit(patient=args.patient)]
    return await service.background.work.schedule.visits_of(site, args.date)


async def _held(service: "Service", site: "Site") -> str:
    """Return in a sentence why no brief of a site is begun now, or ""."""
    await service.switches.read()
    if service.switches.is_off(site.name, WHOLE_SITE):
        return f"site {site.name} is switched off: `cds-service site on {site.name}`."
    return await service.background.pauses.told(site)


async def _watch(service: "Service", site: "Site", ids: Sequence[str]) -> int:
    """Show progress until nothing is under way; what waits is told with its reason.

    Raises `Misconfigured` when this process was to do the work and cannot.
    """
    well = moved = time.monotonic()
    before: list[briefs.Row] = []
    while True:
        async with service.database.reading() as connection:
            rows = [row for each in ids if (row := await briefs.get(connection, each))]
        going = [row for row in rows if row.state in _UNDER_WAY and not row.reason]
        made = [row for row in going if row.state == "preparing"]
        moved = time.monotonic() if made or rows != before else moved
        before, held = rows, await _held(service, site)
        if held or time.monotonic() - moved > BEGUN_WITHIN_S:
            going = made
        _show(len(rows) - len(going), rows, last=not going)
        if not going:
            break
        problem = service.background.work.problem
        well = well if problem else time.monotonic()
        if time.monotonic() - well > PATIENCE_S:
            raise Misconfigured(f"{problem}. The briefs stay asked for; the log says more.")
        await asyncio.sleep(_LOOK_S)
    if held:
        print(held, file=sys.stderr)
    for row in rows:
        if row.state != "ready":
            print(_told(row, site), file=sys.stderr)
    return 0 if all(row.state == "ready" for row in rows) else 1


def _told(row: briefs.Row, site: "Site") -> str:
    """Say what a brief came to that is not ready, and when one that waits is tried again."""
    told = f"{row.id}  {row.state}: {row.reason or _UNTOLD.get(row.state, '')}"
    if row.state != "requested" or row.due is None:
        return told
    if row.reason is None:
        return f"{told}; it stays asked for, behind others or until a worker runs: see `cds-service queue list`"
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
