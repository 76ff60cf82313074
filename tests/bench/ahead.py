"""The ready path: a chart opens for which a brief was prepared, against the floor with the same calls."""

import asyncio
import http.client
import time
from collections.abc import Iterator
from datetime import UTC, datetime

from cds_service.storage import briefs, load_key_ring, open_database, start
from tests.bench import chart
from tests.bench.measure import Row, Size, compared, open_loop, rounds_in_turn
from tests.bench.process import Server
from tests.bench.stand import AHEAD, Stand, path

MAX_RATIO = 2.5
_PREPARED_S = 60.0
_WARM, _LOOK_UPS = 50, 500
_SERVED = b"Prepared "
"""What a card says that comes from a prepared brief."""


def ready_path(stand: Stand, size: Size) -> Iterator[Row]:
    """Compare CPU, throughput and latency of calls that are served from a prepared brief."""
    with stand.fhir(), stand.floor() as floor, stand.ours() as ours:
        prepare(stand, ours)
        low, high = rounds_in_turn(stand, floor, ours, size, AHEAD)
        yield from compared(low, high, "ready brief", MAX_RATIO)
        for name, rate in (
            ("ready, half its own capacity", high.half_rate),
            ("ready, half the floor's capacity", low.half_rate),
        ):
            yield from open_loop(stand, ours, name, rate=rate, seconds=size.open_s, site=AHEAD)
        if _SERVED not in _answer(stand, ours):
            raise RuntimeError("the calls were no longer served from the prepared brief")
        yield asyncio.run(look_up(stand))


async def look_up(stand: Stand) -> Row:
    """Measure what a chart costs more that nobody opened lately: its brief is looked up in the database."""
    data = stand.folder / "data"
    ring = load_key_ring("", data_dir=data, demo=True)
    database = open_database("", data_dir=data, ring=ring)
    try:
        await start(database, now=datetime.now(UTC), sites=[AHEAD])
        blind = database.blind(f"Patient/{chart.PATIENT}", site=AHEAD)
        for number in range(_WARM + _LOOK_UPS):
            if number == _WARM:
                began = time.process_time()
            found = await briefs.of_patient(database, AHEAD, blind, datetime.now(UTC))
            if found.prepared is None:
                raise RuntimeError("the brief that was served is not in the database")
        spent = (time.process_time() - began) / _LOOK_UPS * 1000
    finally:
        await database.close()
    return Row("looking up a ready brief that is not at hand", spent, "ms", note="CPU, SQLite")


def prepare(stand: Stand, ours: Server) -> None:
    """Open the chart until it is served from what the first opening asked for."""
    deadline = time.monotonic() + _PREPARED_S
    while _SERVED not in _answer(stand, ours):
        if time.monotonic() > deadline:
            log = (stand.folder / "ours.log").read_text("utf-8")
            raise RuntimeError(f"no brief was prepared:\n{log[-2000:]}")
        time.sleep(0.5)


def _answer(stand: Stand, ours: Server) -> bytes:
    connection = http.client.HTTPConnection("127.0.0.1", ours.port, timeout=30)
    try:
        [token] = stand.tokens(1, AHEAD)
        headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
        body = (stand.folder / "body.json").read_bytes()
        connection.request("POST", path(AHEAD), body, headers)
        return connection.getresponse().read()
    finally:
        connection.close()
