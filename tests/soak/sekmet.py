"""Prepares whole records of generated patients from a FHIR server that others wrote, while a worker is killed.

Server and generator come from PyPI on first use (`tests/real/parts.toml`). Figures of time are of server and worker on
one machine together, and the server's part is the larger one.
"""

import asyncio
import json
import tempfile
import time
from collections import Counter
from pathlib import Path

from sqlalchemy import select

from cds_service.storage.tables import BRIEF
from tests.processes import Process, Stand, standing, until
from tests.real.population import as_server_resources, synthea_patients
from tests.real.sekmet import Sekmet, running
from tests.soak.figures import Figure

PATIENTS = {True: 1, False: 3}
EACH = {True: 4, False: 3}
"""How often each record is prepared."""
KILLS = {True: 1, False: 2}
_LONGEST_S = 900.0


def run(seed: int, *, short: bool) -> list[Figure]:
    """Prepare every patient of this seed, again and again."""
    with tempfile.TemporaryDirectory(prefix="cds-soak-") as temporary:
        folder = Path(temporary)
        (folder / "server").mkdir()
        (folder / "stand").mkdir()
        with (
            running(folder / "server") as server,
            standing(folder / "stand", fhir=server.base_url, concurrency=4) as stand,
        ):
            ids = [_loaded(server, bundle) for bundle in synthea_patients(seed, PATIENTS[short])]
            return _prepared(stand, ids * EACH[short], KILLS[short])


def _loaded(server: Sekmet, bundle: dict[str, object]) -> str:
    chart = as_server_resources(bundle)
    server.load(chart)
    return next(str(each["id"]) for each in chart if each["resourceType"] == "Patient")


def _prepared(stand: Stand, ids: list[str], kills: int) -> list[Figure]:
    asked = [stand.ask_for(each) for each in ids]
    began, worker = time.monotonic(), stand.worker()
    for number in range(1, kills + 1):
        part = len(asked) * number // (kills + 1)
        until(lambda: stand.states()["ready"] >= part, _LONGEST_S)  # noqa: B023  # asked at once
        worker = _replaced(stand, worker)
    until(lambda: _ended(stand) >= len(asked), _LONGEST_S)
    took = time.monotonic() - began
    ends, gaps = stand.entries("prepare", "ready"), asyncio.run(_gaps(stand))
    return [
        Figure("briefs that became ready", sum(ends[each] > 0 for each in asked), len(asked)),
        Figure("briefs made ready more than once", sum(ends[each] > 1 for each in asked), 0),
        Figure("searches that failed or broke off", gaps.total(), 0, of=len(asked)),
        Figure("audit chains broken", int(bool(stand.chain_problem())), 0),
        Figure("kills", kills),
        Figure("s for all", round(took, 1)),
        Figure("briefs in a second", round(len(asked) / took, 2)),
    ]


def _ended(stand: Stand) -> int:
    """Return how many briefs are ready or given up; one with a gap asks for a better one, which is begun later."""
    states = stand.states()
    return states["ready"] + states["failed"]


def _replaced(stand: Stand, worker: Process) -> Process:
    worker.kill()
    return stand.worker()


async def _gaps(stand: Stand) -> Counter[str]:
    """Return the needs that a prepared brief could not have as a whole, whatever the EHR has of them."""
    query = select(BRIEF.c.id).where(BRIEF.c.source == "prepare")
    found: Counter[str] = Counter()
    async with stand.opened() as database:
        async with database.reading() as connection:
            ids = [row.id for row in await connection.execute(query)]
        for each in ids:
            told = json.loads(await database.brief("soak", each) or b'{"gaps": []}')
            found.update(gap["need"] for gap in told["gaps"] if gap["reason"] in _BROKEN)
    return found


_BROKEN = frozenset({"failed", "timeout", "partial"})
