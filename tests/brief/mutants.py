"""Wrong versions of the rules, each one slip in the real source, put in its place while it is imported.

The tests of the brief run here first, without a slip. Then `run` forks for each mutant a process in which all of the
product is imported anew, the module as the slip makes of it, and has the tests run there. A mutant is caught when a
test fails. What the slips are is in `slips.py`.
"""

import gc
import json
import os
import sys
import time
import tomllib
from collections.abc import Iterator, Sequence
from collections.abc import Set as AbstractSet
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec, SourceFileLoader
from importlib.util import spec_from_loader
from pathlib import Path

from tests.brief.slips import MUTANTS, ROOT, Mutant, file_of

FILES = (  # the quick ones first: a run ends at the first test that fails
    "test_result_sections.py",
    "test_summary_sections.py",
    "test_visit_sections.py",
    "test_ward_orders.py",
    "test_first_lines.py",
    "test_far_out.py",
    "test_early_reports.py",
    "test_orders.py",
    "test_plans_and_intolerances.py",
    "test_times_in_utc.py",
    "test_last_visit.py",
    "test_purpose.py",
    "test_in_force.py",
    "test_allergens.py",
    "test_combinations.py",
    "test_doses_and_places.py",
    "test_allergy_problems.py",
    "test_none_known.py",
    "test_severe_reactions.py",
    "test_courses_and_reports.py",
    "test_long_known.py",
    "test_findings.py",
    "test_one_line.py",
    "test_cards.py",
    "test_verify.py",
    "test_long_charts.py",
    "test_must_show.py",
    "test_site_rules.py",
    "test_bundle.py",
    "test_dates.py",
    "test_absences.py",
    "test_reports.py",
    "test_danger.py",
    "test_code_status.py",
    "test_the_past.py",
    "test_pregnancy_over.py",
    "test_marks_in_words.py",
    "test_said_once.py",
    "test_hand_read_charts.py",
)
CAUGHT_BY = Path(__file__).with_name("caught_by.toml")
"""Which test caught each slip when `--write` was asked for; one that stands for another only costs time."""
_ANEW = frozenset({"cds_service", "discovery", "hooks", "tests"})
_AS_IT_IS = "cds_service.simulator"
"""It imports nothing of the product, and to build its patients takes longest."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """What became of a mutant."""

    mutant: Mutant
    caught: bool
    by: str
    seconds: float


def run(
    mutants: Sequence[Mutant], files: Sequence[str] = FILES, known: AbstractSet[str] = frozenset()
) -> Iterator[Verdict]:
    """Yield what became of each mutant.

    The test that caught it last is tried first and alone, where it is one of those known.
    """
    last = tomllib.loads(CAUGHT_BY.read_text("utf-8"))
    for mutant in mutants:
        began = time.perf_counter()
        first = last.get(mutant.does)
        caught, by = _try(mutant, [first]) if first in known else (False, "")
        if not caught:
            caught, by = _try(mutant, files)
        yield Verdict(mutant, caught, by, time.perf_counter() - began)


def _try(mutant: Mutant, tests: Sequence[str]) -> tuple[bool, str]:
    """Return whether a test fails in a process with the mutant, and which."""
    source = mutant.source()
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(reading)
        os._exit(_tested(mutant.module, source, tests, writing))
    os.close(writing)
    with os.fdopen(reading, encoding="utf-8") as told:
        by = told.read()
    code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    if code not in {_PASSED, _FAILED} or (code == _FAILED) != bool(by):
        raise RuntimeError(f"{mutant.does}: the tests did not run (exit status {code})")
    return code == _FAILED, by


_PASSED, _FAILED = 0, 1


class _Seen:
    """A pytest plugin that remembers which tests ran, and the first that failed."""

    def __init__(self) -> None:
        self.ran: set[str] = set()
        self.failed = ""

    def pytest_runtest_logreport(self, report: object) -> None:
        file, _, test = report.nodeid.partition("::")
        name = f"{Path(file).name}::{test.partition('[')[0]}"
        self.ran.add(name)
        if report.failed and not self.failed:
            self.failed = name


def _tested(module: str, source: str, tests: Sequence[str], writing: int) -> int:
    for name in list(sys.modules):
        if name.partition(".")[0] in _ANEW and not name.startswith(_AS_IT_IS):
            del sys.modules[name]
    _put(module, source)
    told, seen = _ran(tests)
    os.write(writing, seen.failed.encode())
    return told


def _ran(tests: Sequence[str]) -> tuple[int, _Seen]:
    """Run tests in this process, in silence, up to the first that fails; returns how it ended and what was seen."""
    import pytest

    seen = _Seen()
    paths = [str(ROOT / "tests" / "brief" / each) for each in tests]
    quiet = "ignore::pytest.PytestAssertRewriteWarning"  # what a fork has at hand is not rewritten
    options = ["-x", "-q", "-p", "no:cacheprovider", "--noconftest", "-W", quiet]
    with Path(os.devnull).open("w") as nowhere, redirect_stdout(nowhere), redirect_stderr(nowhere):
        return int(pytest.main([*options, *paths], plugins=[seen])), seen


def _put(module: str, source: str) -> None:
    """Have a module be imported, or a data file be parsed, as a slip makes of it."""
    path = file_of(module)
    if path.suffix == ".py":
        sys.meta_path.insert(0, _Finder(module, source))
        return
    whole, loads = path.read_text("utf-8"), tomllib.loads
    tomllib.loads = lambda text: loads(source if text == whole else text)


class _Finder(MetaPathFinder):
    def __init__(self, module: str, source: str) -> None:
        self.module, self.source = module, source

    def find_spec(self, fullname: str, *_: object) -> ModuleSpec | None:
        if fullname != self.module:
            return None
        return spec_from_loader(fullname, _Loader(fullname, str(file_of(fullname)), self.source))


class _Loader(SourceFileLoader):
    def __init__(self, fullname: str, path: str, source: str) -> None:
        super().__init__(fullname, path)
        self.source = source

    def get_code(self, fullname: str) -> object:
        del fullname
        return compile(self.source, self.path, "exec", dont_inherit=True)


def main(words: Sequence[str]) -> int:
    """Run the mutants (`--named`: the five kinds alone), print the table; 1 when one was not caught.

    2 when a test fails without any slip: it would catch every one. `--write` notes which test caught each;
    `--part 0/2` runs every second one.
    """
    named = "--named" in words
    part, parts = words[words.index("--part") + 1].split("/") if "--part" in words else ("0", "1")
    chosen = [each for each in MUTANTS if each.named or not named][int(part) :: int(parts)]
    files = FILES[:3] if named else FILES
    told, seen = _ran(files)
    if told != _PASSED:
        print(f"{seen.failed} fails without a slip; mend it first", file=sys.stderr)
        return 2
    gc.freeze()  # what a fork finds imported it need not look through, nor copy for that
    caught, widest, by = 0, max(len(each.does) for each in chosen), {}
    for each in run(chosen, files, seen.ran):
        word = "caught" if each.caught else "SURVIVED"
        print(f"{word:<9}{each.mutant.does:<{widest}}  {each.by}".rstrip(), flush=True)
        caught += each.caught
        by[each.mutant.does] = each.by
    if "--write" in words:
        lines = [f"{json.dumps(does)} = {json.dumps(test)}\n" for does, test in by.items()]
        CAUGHT_BY.write_text(
            "# written by `python -m tests.brief.mutants --write`\n" + "".join(lines), "utf-8"
        )
    print(f"{caught} of {len(chosen)} mutants of the rules caught")
    return int(caught != len(chosen))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
