"""What the rules cost: CPU of one brief, and how it grows with the record. No server, no wire."""

import gc
import time
from collections.abc import Iterator
from datetime import UTC, date, datetime

import orjson

from cds_service.brief import rule_brief
from cds_service.cli.serve import steady
from cds_service.context.bundle import bundle_context
from cds_service.domain.evidence import Context
from cds_service.domain.json import decode
from tests.bench.chart import PATIENT, call, resources
from tests.bench.measure import Row, Size, at_most

ANCHOR = date(2026, 11, 23)
NOW = datetime(2026, 11, 23, 15, tzinfo=UTC)
MAX_MS = 4.0
LARGE = 33
"""Times the usual prefetch: about 5,000 resources."""
GROWTH = 1.25
"""Times linear: what a record of 5,000 may cost beyond its share."""


def brief_cpu(size: Size) -> Iterator[Row]:
    """Measure the rules at 150 and at 5,000 resources, in turn, the best of several each.

    The interpreter is set as a process has it that answers: what stands is out of the collector's way.
    """
    usual, large = _record(1), _record(LARGE)
    gc.collect()
    steady()
    counts = [len(each.ledger.evidence) for each in (usual, large)]
    cpu = [
        min(pair) for pair in zip(*(_turn(usual, large) for _ in range(size.briefs)), strict=True)
    ]
    note = f"best of {size.briefs}, {counts[0]} resources"
    yield at_most("CPU of the rules, usual record", cpu[0], "ms", MAX_MS, note)
    times = counts[1] / counts[0]
    note = f"{cpu[1]:.0f} ms for {counts[1]} resources, {times:.0f} times the usual record"
    yield at_most("CPU growth of the rules", cpu[1] / cpu[0], "x", round(times * GROWTH, 1), note)


def usual_record() -> Context:
    """Return the record that a usual prefetch holds."""
    return _record(1)


def _turn(usual: Context, large: Context) -> tuple[float, float]:
    return min(_cpu_ms(usual) for _ in range(5)), _cpu_ms(large)


def _cpu_ms(found: Context) -> float:
    gc.collect()
    begun = time.process_time_ns()
    rule_brief(found)
    return (time.process_time_ns() - begun) / 1e6


def _record(times: int) -> Context:
    _, prefetch = call(anchor=ANCHOR, fhir_server="https://ehr.example.org", times=times)
    entries = [{"resource": each} for each in resources(prefetch)]
    bundle = decode(
        orjson.dumps({"resourceType": "Bundle", "type": "collection", "entry": entries})
    )
    return bundle_context(bundle, patient=PATIENT, now=NOW, zone=UTC)
