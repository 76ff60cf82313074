"""Every check of a site is shown to pass, and shown to find its fault in words that no other check uses."""

from collections import defaultdict
from importlib import import_module
from pathlib import Path

import pytest

from discovery.checks import CHECKS

HERE = Path(__file__).parent
IDS = [check.id for check in CHECKS]


def shown():
    """Return what the marks of this folder's tests claim; `conftest.py` holds each test to its marks."""
    found = defaultdict(list)
    for file in sorted(HERE.glob("test_*.py")):
        for thing in vars(import_module(f"{__package__}.{file.stem}")).values():
            for mark in marks(thing):
                found[mark.args[0]].append(mark.args[1:])
    return found


def marks(test):
    """Yield the `shows` marks of a test and of the sets of values that it is run with."""
    for mark in getattr(test, "pytestmark", ()) if callable(test) else ():
        rows = mark.args[1] if mark.name == "parametrize" else ()
        several = [m for row in rows for m in getattr(row, "marks", ())]
        yield from (m for m in (mark, *several) if m.name == "shows")


@pytest.mark.parametrize("check", IDS)
def test_a_check_is_shown_to_pass_and_to_find_a_fault(check):
    results = {result for result, _ in shown()[check]}
    assert "pass" in results
    assert results & {"fail", "warn"}


def test_no_two_checks_say_the_same():
    said = defaultdict(set)
    for check, claims in shown().items():
        family = "need" if check.startswith("need-") else check  # one question, asked of each need
        for result, words in claims:
            if result != "pass":
                assert len(words) > 3, check
                said[words].add(family)
    assert {words: checks for words, checks in said.items() if len(checks) > 1} == {}


def test_marks_name_checks_that_there_are():
    assert set(shown()) <= set(IDS)
