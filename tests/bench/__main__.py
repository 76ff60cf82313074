"""Runs as `python -m tests.bench`; `make bench`."""

import argparse
import sys
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

from tests.bench.agent import agent_run
from tests.bench.ahead import ready_path
from tests.bench.brief import brief_cpu
from tests.bench.filing import filing
from tests.bench.measure import (
    FULL,
    SHORT,
    Row,
    Size,
    against_the_floor,
    audit_cost,
    follow_up_reads,
    start,
)
from tests.bench.report import as_json, as_page, as_text
from tests.bench.review import review_page
from tests.bench.stand import Stand, standing
from tests.bench.verification import verification
from tests.bench.workers import work_ahead

Part = Callable[[Stand, Size], Iterable[Row]]
PARTS: Mapping[str, Part] = {
    "floor": against_the_floor,
    "ready": ready_path,
    "audit": audit_cost,
    "reads": follow_up_reads,
    "verification": verification,
    "start": lambda stand, size: [start(stand, size)],
    "ahead": work_ahead,
    "rules": lambda _, size: brief_cpu(size),
    "agent": lambda _, size: agent_run(size),
    "review": review_page,
    "filing": lambda _, size: filing(size),
}
PAGE = Path(__file__).parents[2] / "docs" / "reference" / "performance.md"


def main() -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description=__doc__)
    parser.add_argument("--short", action="store_true", help="a minute or two instead of ten")
    parser.add_argument("--json", action="store_true", help="print JSON for a program")
    which = parser.add_mutually_exclusive_group()
    which.add_argument("--write", action="store_true", help=f"also write {PAGE.name}")
    which.add_argument("--only", choices=PARTS, help="one part of it")
    parser.add_argument("--strict", action="store_true", help="exit status 1 for a missed target")
    args = parser.parse_args()
    size = SHORT if args.short else FULL
    with standing() as stand:
        wanted = [PARTS[args.only]] if args.only else PARTS.values()
        rows = [row for part in wanted for row in part(stand, size)]
    print(as_json(rows) if args.json else as_text(rows))
    if args.write:
        PAGE.write_text(as_page(rows), "utf-8")
    return int(args.strict and any(row.met is False for row in rows))


if __name__ == "__main__":
    sys.exit(main())
