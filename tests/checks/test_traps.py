"""Every trap of a vendor that we know of has a check, a test, or the reason why software cannot see it."""

import ast
from pathlib import Path

import pytest

from discovery.checks import CHECKS
from tests.checks.traps import PAGE, checks_of, page, traps

TESTS = Path(__file__).parents[1]
KNOWN = [
    f"{letter}{n}" for letter, last in (("E", 21), ("O", 15), ("A", 8)) for n in range(1, last + 1)
]


def test_every_known_trap_has_its_row():
    assert list(traps()) == KNOWN


@pytest.mark.parametrize("trap", KNOWN)
def test_a_trap_is_seen_proven_or_explained(trap):
    row = traps()[trap]
    assert checks_of(trap) or row.get("tests") or len(row.get("why", "").split()) > 8


@pytest.mark.parametrize(
    "name", sorted({t for row in traps().values() for t in row.get("tests", ())})
)
def test_a_test_that_a_trap_names_exists(name):
    file, _, function = name.partition("::")
    names = [
        getattr(node, "name", "") for node in ast.parse((TESTS / file).read_text("utf-8")).body
    ]
    assert function in names


def test_checks_name_only_traps_that_there_are():
    assert {trap for check in CHECKS for trap in check.traps} <= set(KNOWN)


def test_the_page_says_what_the_marks_say():
    assert PAGE.read_text("utf-8") == page(), "run: python -m tests.checks.traps"
