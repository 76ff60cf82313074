"""The measurements: each returns rows of the table."""

import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from os import environ
from statistics import median

from tests.bench.chart import plan
from tests.bench.fhir import DELAY_S
from tests.bench.process import ROOT, SETTLE_S, Server, first_answer, free_port
from tests.bench.stand import RULES, TIMES, Stand

CONNECTIONS = 8
WARM_UP = 30
MAX_RATIO = 6.0
MAX_AUDIT_RATIO = 1.15
MAX_P95_MS = 50.0
MAX_START_S = 2.0
READ_MS = 2.5
"""What one follow-up read may add to the slowest of them."""
SPARE_MS = 10.0


@dataclass(frozen=True, slots=True)
class Size:
    """How long a run measures."""

    rounds: int
    calls: int
    """Calls of a round."""
    large_calls: int
    open_s: float
    flood_s: float
    """How long more comes in than one process of ours can answer."""
    reads: int
    starts: int
    briefs: int
    """Turns of the rules."""
    prepares: int
    """Briefs that a worker prepares."""
    idle_s: float


FULL = Size(
    rounds=7,
    calls=250,
    large_calls=20,
    open_s=12.0,
    flood_s=2.0,
    reads=25,
    starts=5,
    briefs=20,
    prepares=60,
    idle_s=60.0,
)
SHORT = Size(
    rounds=2,
    calls=70,
    large_calls=4,
    open_s=2.0,
    flood_s=0.4,
    reads=5,
    starts=2,
    briefs=4,
    prepares=20,
    idle_s=6.0,
)


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the table; `met` is None where there is nothing to meet."""

    name: str
    value: float
    unit: str
    target: str = ""
    met: bool | None = None
    note: str = ""


@dataclass(frozen=True, slots=True)
class Rounds:
    """What the closed-loop rounds of one server came to, one number for each round."""

    cpu_ms: list[float] = field(default_factory=list)
    """For each call."""
    rates: list[float] = field(default_factory=list)
    """Calls a second."""

    @property
    def half_rate(self) -> float:
        """Return half of what the server can answer in a second."""
        return median(self.rates) / 2


def against_the_floor(stand: Stand, size: Size) -> Iterator[Row]:
    """Compare CPU, throughput, latency and memory."""
    with stand.floor() as floor, stand.ours() as ours:
        at_start = ours.rss_mib()
        low, high = rounds_in_turn(stand, floor, ours, size)
        yield from compared(low, high, "ours", MAX_RATIO)
        yield from open_loop(stand, floor, "floor", rate=low.half_rate, seconds=size.open_s)
        name = "ours, half its own capacity"
        yield from open_loop(stand, ours, name, rate=high.half_rate, seconds=size.open_s)
        yield Row("memory, floor", floor.rss_mib(), "MiB")
        yield Row("memory, ours", ours.rss_mib(), "MiB", note=f"{at_start:.0f} MiB at start")
        yield _growth(stand, ours, size)
        name = "ours, half the floor's capacity"
        yield from open_loop(stand, ours, name, rate=low.half_rate, seconds=size.flood_s)


def audit_cost(stand: Stand, size: Size) -> Iterator[Row]:
    """Compare the service with itself when its audit keeps nothing, rounds in turn."""
    with stand.without_audit() as null, stand.ours() as ours:
        low, high = rounds_in_turn(stand, null, ours, size)
    each = [real / none for none, real in zip(low.cpu_ms, high.cpu_ms, strict=True)]
    note = f"median of the rounds, {min(each):.2f} to {max(each):.2f}"
    yield at_most("CPU per call, audit / null sink", median(each), "x", MAX_AUDIT_RATIO, note)


def rounds_in_turn(
    stand: Stand, floor: Server, ours: Server, size: Size, site: str = RULES
) -> tuple[Rounds, Rounds]:
    """Run the rounds in turn, both servers with the same tokens."""
    low, high = Rounds(), Rounds()
    for number in range(size.rounds + 1):
        tokens = stand.tokens(size.calls if number else WARM_UP, site)
        for server, rounds in ((floor, low), (ours, high)):
            cpu, rate = _round(stand, server, tokens, site)
            if number:
                rounds.cpu_ms.append(cpu)
                rounds.rates.append(rate)
    return low, high


def compared(low: Rounds, high: Rounds, name: str, most: float) -> Iterator[Row]:
    """Compare one server of ours with the floor."""
    each = [ours / floor for floor, ours in zip(low.cpu_ms, high.cpu_ms, strict=True)]
    yield Row("CPU per call, floor", median(low.cpu_ms), "ms")
    yield Row(f"CPU per call, {name}", median(high.cpu_ms), "ms")
    note = f"median of the rounds, {min(each):.1f} to {max(each):.1f}"
    yield at_most(f"CPU per call, {name} / floor", median(each), "x", most, note)
    note = f"closed loop, {CONNECTIONS} connections"
    yield Row("calls per second, floor", median(low.rates), "/s", note=note)
    yield Row(f"calls per second, {name}", median(high.rates), "/s", note=note)


def _round(
    stand: Stand, server: Server, tokens: list[str], site: str = RULES
) -> tuple[float, float]:
    """Return (CPU ms for each call, calls per second) of one closed-loop round."""
    before = server.cpu_seconds()
    report = stand.send(server, tokens, site=site, connections=CONNECTIONS)
    time.sleep(SETTLE_S)
    if report.refused:
        raise RuntimeError(f"answers outside 200: {report.statuses}")
    return (server.cpu_seconds() - before) / len(tokens) * 1000, len(tokens) / report.seconds


def open_loop(
    stand: Stand, server: Server, name: str, *, rate: float, seconds: float, site: str = RULES
) -> Iterator[Row]:
    """Measure latency at a rate of calls, whatever becomes of each."""
    report = stand.send(server, stand.tokens(int(rate * seconds), site), site=site, rate=rate)
    told = f"open loop, {rate:.0f}/s"
    refused = f", {report.refused} of {sum(report.statuses.values())} refused"
    note = told + (refused if report.refused else "")
    yield Row(f"p50, {name}", report.percentile(0.50), "ms", note=note)
    slow = report.percentile(0.95)
    if name == "floor":
        yield Row(f"p95, {name}", slow, "ms", note=note)
        return
    met = slow <= MAX_P95_MS and not report.refused
    yield Row(f"p95, {name}", slow, "ms", f"<= {MAX_P95_MS:.0f} ms", met, note)


def _growth(stand: Stand, ours: Server, size: Size) -> Row:
    """Compare the CPU of a large body with that of the usual one, measured now, in turn."""
    small, large = [], []
    for _ in range(2):
        small.append(_round(stand, ours, stand.tokens(size.calls // 4))[0])
        tokens = stand.tokens(size.large_calls)
        before = ours.cpu_seconds()
        stand.send(ours, tokens, "large")
        time.sleep(SETTLE_S)
        large.append((ours.cpu_seconds() - before) / len(tokens) * 1000)
    ratio = sum(large) / sum(small)
    note = f"{sum(large) / 2:.0f} ms for {TIMES} times the prefetch"
    return at_most(f"CPU growth, 1x to {TIMES}x prefetch", ratio, "x", float(TIMES), note)


def follow_up_reads(stand: Stand, size: Size) -> Iterator[Row]:
    """Measure calls without prefetch, one after the other, against a server that takes its time."""
    reads = len(plan())
    most = DELAY_S * 1000 + SPARE_MS + READ_MS * reads
    with stand.fhir(), stand.ours() as ours:
        stand.send(ours, stand.tokens(2), "bare")
        report = stand.send(ours, stand.tokens(size.reads), "bare", rate=3.0)
        note = f"{reads} reads of {DELAY_S * 1000:.0f} ms each"
        yield at_most("follow-up reads, p50", report.percentile(0.50), "ms", most, note)
        yield Row("follow-up reads, p95", report.percentile(0.95), "ms", note=note)


def start(stand: Stand, size: Size) -> Row:
    """Measure from the start of the process to its first 200."""
    took = []
    for number in range(size.starts + 1):
        port, log = free_port(), stand.folder / "start.log"
        command = [sys.executable, "-m", *stand.serve(port)]
        with log.open("wb") as out:
            began = time.perf_counter()
            process = subprocess.Popen(
                command,
                cwd=ROOT,
                env={**environ, **stand.settings(f"start-{number}")},
                stdout=out,
                stderr=subprocess.STDOUT,
            )
        try:
            status = first_answer(process, port, "/bench/cds-services", log)
            took.append(time.perf_counter() - began)
        finally:
            process.terminate()
            process.wait(10)
        if status != 200:
            raise RuntimeError(f"the first answer was {status}")
    warm = took[1:]
    note = f"median of {len(warm)}, {min(warm):.2f} to {max(warm):.2f}"
    return at_most("first 200 after process start", median(warm), "s", MAX_START_S, note)


def at_most(name: str, value: float, unit: str, most: float, note: str) -> Row:
    """Return a row whose value may not be more than `most`."""
    return Row(name, value, unit, f"<= {most:g} {unit}", value <= most, note)
