"""The tests of the brief catch slips in its rules: five kinds in every run, all of them in `make test-all`."""

import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.brief.mutants import MUTANTS, Mutant

ROOT = Path(__file__).parents[2]


def _run(*words):
    command = [sys.executable, "-m", "tests.brief.mutants", *words]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)


@pytest.mark.slow
def test_each_named_kind_of_slip_is_caught():
    done = _run("--named")
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.count("caught ") == 5, done.stdout


@pytest.mark.real
def test_every_slip_is_caught():
    with ThreadPoolExecutor(2) as both:
        for done in both.map(lambda part: _run("--part", part), ("0/2", "1/2")):
            assert done.returncode == 0, done.stdout + done.stderr


def test_every_slip_has_its_place_in_the_source_and_changes_it():
    assert len(MUTANTS) >= 25
    assert len({each.does for each in MUTANTS}) == len(MUTANTS)
    for mutant in MUTANTS:
        assert mutant.old != mutant.new
        mutant.source()


def test_a_slip_whose_place_is_gone_is_refused():
    with pytest.raises(ValueError, match="has its place 0 times"):
        Mutant("x", "cds_service.brief.rules", "no such text", "").source()
