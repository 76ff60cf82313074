"""The table, for people and for programs."""

import json
import os
import platform
from collections.abc import Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path

from tests.bench.chart import BODY_BYTES, RESOURCES
from tests.bench.measure import Row

_SIZE = f"{BODY_BYTES // 1024} KiB of prefetch in {sum(RESOURCES.values()) + 2} resources"
METHOD = f"""
patient-view with {_SIZE} and a fresh ES384 token for each call;
uvicorn with uvloop and httptools on loopback, one process each, rounds in turn, both with the same tokens.
Floor: parses the JSON (orjson), verifies the token (PyJWT, key at hand) and answers a constant.
Ours: `cds-service serve` in the demo profile, for http on loopback; the path of a call is production's.
CPU is the server process's, user and kernel, all threads, what is written behind included.
"""
VERDICTS = {True: "met", False: "MISSED", None: ""}


def machine() -> dict[str, str]:
    """Return what this was measured on, and when."""
    cpu = Path("/proc/cpuinfo").read_text("utf-8")
    model = next((x.split(":")[1] for x in cpu.splitlines() if x.startswith("model name")), "?")
    return {
        "cpu": model.strip(),
        "cores": str(os.cpu_count()),
        "python": platform.python_version(),
        "system": platform.system(),
        "load": f"{os.getloadavg()[0]:.1f}",
        "date": datetime.now(UTC).isoformat(timespec="minutes"),
    }


def as_text(rows: Sequence[Row]) -> str:
    """Return the table."""
    on = machine()
    head = f"{on['cpu']}, {on['cores']} cores, Python {on['python']}, {on['system']}, {on['date']}"
    load = f"load average at the end {on['load']}"
    lines = [
        f"{row.name:<44}{_number(row.value):>8} {row.unit:<4} {row.target:<12}"
        f" {VERDICTS[row.met]:<7} {row.note}".rstrip()
        for row in rows
    ]
    return "\n".join([f"{head}; {load}", METHOD, *lines])


def as_json(rows: Sequence[Row]) -> str:
    """Return the same for a program."""
    return json.dumps({"machine": machine(), "rows": [asdict(row) for row in rows]}, indent=2)


def _number(value: float) -> str:
    return f"{value:.2f}" if value < 10 else f"{value:.1f}" if value < 100 else f"{value:.0f}"


def as_page(rows: Sequence[Row]) -> str:
    """Return the page of docs/reference."""
    return f"""<!-- written by `python -m tests.bench --write` -->
# Performance

What `make bench` printed on the day and machine in its first line. The floor is measured in the same run, round
by round, so that ratios hold where single figures move with the machine: this one is shared and noisy.

```text
{as_text(rows)}
```

The row "half the floor's capacity" is an arithmetic bound rather than a tuning goal: one process that needs *r*
times the floor's CPU for a call can serve at most 1/*r* of the floor's calls, so that half of them needs a ratio
below 2, or more processes. The row "half its own capacity" is the same measurement at a load that one process
can serve.

Follow-up reads go through httpx. A profile of such calls (py-spy, 2026-11-26) has half of the CPU of a call with
fifteen reads in the HTTP client, and half of that in its connection pool, which looks at every idle connection for
every request.
"""
