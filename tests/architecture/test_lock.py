"""The lock files name what is installed and its hashes, and no place that it comes from."""

import re
import tomllib

import pytest

from tests.architecture.source import ROOT

LOCKS = sorted((ROOT / "deploy").glob("*.lock"), key=lambda file: file.name)
PIN = re.compile(r"([a-z0-9][a-z0-9.-]*)(?:\[[a-z,-]+\])?==(\S+)(?: ; [^\\]+)? \\")
HASH = re.compile(r"    --hash=sha256:[0-9a-f]{64}(?: \\)?")


def _lines(lock):
    return [x for x in lock.read_text("ascii").splitlines() if not x.startswith("#")]


@pytest.mark.parametrize("lock", LOCKS, ids=lambda file: file.name)
def test_a_lock_holds_exact_versions_and_hashes_and_nothing_else(lock):
    strange = [x for x in _lines(lock) if not PIN.fullmatch(x) and not HASH.fullmatch(x)]
    assert strange == []


@pytest.mark.parametrize("lock", LOCKS, ids=lambda file: file.name)
def test_every_pin_has_a_hash(lock):
    lines = _lines(lock)
    bare = [
        x
        for x, after in zip(lines, [*lines[1:], ""], strict=True)
        if PIN.fullmatch(x) and not HASH.fullmatch(after)
    ]
    assert bare == []


@pytest.mark.parametrize("lock", LOCKS, ids=lambda file: file.name)
def test_a_lock_names_no_address(lock):
    text = lock.read_text("ascii")
    for sign in ("://", "--index", "--find-links", "--trusted", "--extra", " @ "):
        assert sign not in text


def test_what_the_product_needs_is_locked_for_production_too():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    wanted = {re.split(r"[\[><=;~ ]", each, maxsplit=1)[0] for each in project["dependencies"]}
    for lock in LOCKS:
        pinned = {found[1] for line in _lines(lock) if (found := PIN.fullmatch(line))}
        assert {name.replace(".", "-").lower() for name in wanted} - pinned == set(), lock.name
