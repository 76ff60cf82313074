"""Prints the table of vendors' traps from traps.toml and the marks of the checks.

Run as `python -m tests.checks.traps`; it writes docs/reference/traps.md.
"""

import tomllib
from pathlib import Path

from discovery.checks import CHECKS

HERE = Path(__file__).parent
PAGE = HERE.parents[1] / "docs" / "reference" / "traps.md"
_HEAD = """\
<!-- written by tests/checks/traps.py; run `python -m tests.checks.traps` -->
# Traps

What surprises who connects an EHR. Each has a check of `cds-service site check` that sees it at a site, a test that
proves our defence, or the reason why software cannot see it. E: Epic; O: Oracle Health; A: athenahealth.

| trap | what | checks | tests, or why not |
| --- | --- | --- | --- |
"""


def traps() -> dict[str, dict[str, object]]:
    """Read the traps."""
    return tomllib.loads((HERE / "traps.toml").read_text(encoding="utf-8"))


def checks_of(trap: str) -> list[str]:
    """Return the checks that see a trap."""
    return [check.id for check in CHECKS if trap in check.traps]


def page() -> str:
    """Return the page."""
    return _HEAD + "".join(_line(name, row) for name, row in traps().items())


def _line(name: str, row: dict[str, object]) -> str:
    seen = ", ".join(f"`{check}`" for check in checks_of(name))
    tests = "<br>".join(f"`{test}`" for test in row.get("tests", ()))
    return f"| {name} | {row['says']} | {seen} | {tests or row.get('why', '')} |\n"


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
    print(f"wrote {PAGE.relative_to(HERE.parents[1])}")
