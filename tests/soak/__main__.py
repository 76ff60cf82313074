"""Runs as `python -m tests.soak [NAME...]`; `make soak`.

A soak is a module of this package with `def run(seed: int, *, short: bool) -> list[Figure]`. What it looks for is in
its docstring; a figure that misses its target makes the exit status 1. The seed is printed, so that a run can be had
again.
"""

import argparse
import json
import sys
from dataclasses import asdict
from importlib import import_module
from pathlib import Path
from random import SystemRandom
from time import monotonic

from tests.soak.figures import Figure, as_text
from tests.soak.page import write

NAMES = sorted(
    file.stem
    for file in Path(__file__).parent.glob("*.py")
    if not file.stem.startswith("_") and file.stem not in {"figures", "page"}
)


def main() -> int:
    """Run soaks and print their figures."""
    parser = argparse.ArgumentParser(prog="python -m tests.soak", description=__doc__)
    parser.add_argument(
        "name", nargs="*", choices=[[], *NAMES], metavar="NAME", help=", ".join(NAMES)
    )
    parser.add_argument(
        "--seed", type=int, help="of a run before (default: another one each time)"
    )
    parser.add_argument("--short", action="store_true", help="seconds instead of minutes")
    parser.add_argument("--json", action="store_true", help="print JSON for a program")
    parser.add_argument("--write", action="store_true", help="also write docs/reference/soaks.md")
    args = parser.parse_args()
    seed = SystemRandom().randrange(10**6) if args.seed is None else args.seed
    met = [_soak(name, seed, args) for name in args.name or NAMES]
    return int(not all(met))


def _soak(name: str, seed: int, args: argparse.Namespace) -> bool:
    began, short = monotonic(), args.short
    print(f"soak {name}, seed {seed}{', short' if short else ''}", file=sys.stderr, flush=True)
    soak = import_module(f"tests.soak.{name}")
    figures: list[Figure] = soak.run(seed, short=short)
    if args.write:
        write(name, seed, str(soak.__doc__).partition("\n\n")[0], figures)
    if args.json:
        rows = [asdict(each) | {"met": each.met} for each in figures]
        print(json.dumps({"soak": name, "seed": seed, "figures": rows}))
    else:
        print(as_text(f"{name}, seed {seed}", figures), flush=True)
    print(f"{monotonic() - began:.0f} s", file=sys.stderr, flush=True)
    return all(each.met is not False for each in figures)


if __name__ == "__main__":
    sys.exit(main())
