"""Wrong versions of the rules, each one slip in the real source, put in its place while it is imported.

`run` forks for each mutant a process in which the module is what the slip makes of it, and has the tests of the brief
run there. A mutant is caught when a test fails. What the slips are is in `slips.py`.
"""

import json
import os
import sys
import time
import tomllib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
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
"""Which file of tests caught each slip when `--write` was asked for; one that stands for another only costs time."""
_MUTABLE = (
    "cds_service.brief",
    "cds_service.context",
    "cds_service.fhir",
    "cds_service.rulebook",
    "hooks",
)


@dataclass(frozen=True, slots=True)
class Verdict:
    """What became of a mutant."""

    mutant: Mutant
    caught: bool
    by: str
    seconds: float


def run(mutants: Sequence[Mutant], files: Sequence[str] = FILES) -> Iterator[Verdict]:
    """Yield what became of each mutant; call it in a process that has not imported the rules.

    The file that caught it last is tried first: to collect all of them takes longer than to run one.
    """
    last = tomllib.loads(CAUGHT_BY.read_text("utf-8"))
    for mutant in mutants:
        began = time.perf_counter()
        first = [each for each in files if each == last.get(mutant.does)]
        caught, by = _try(mutant, first) if first else (False, "")
        if not caught:
            caught, by = _try(mutant, files)
        yield Verdict(mutant, caught, by, time.perf_counter() - began)


def _try(mutant: Mutant, files: Sequence[str]) -> tuple[bool, str]:
    """Return whether a test fails in a process with the mutant, and which."""
    source = mutant.source()
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(reading)
        os._exit(_tested(mutant.module, source, files, writing))
    os.close(writing)
    with os.fdopen(reading, encoding="utf-8") as told:
        by = told.read()
    code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    if code not in {_PASSED, _FAILED} or (code == _FAILED) != bool(by):
        raise RuntimeError(f"{mutant.does}: the tests did not run (exit status {code})")
    return code == _FAILED, by


_PASSED, _FAILED = 0, 1


class _First:
    """A pytest plugin that remembers the first test that failed."""

    failed = ""

    def pytest_runtest_logreport(self, report: object) -> None:
        if report.failed and not self.failed:
            file, _, test = report.nodeid.partition("::")
            self.failed = f"{Path(file).name}::{test.partition('[')[0]}"


def _tested(module: str, source: str, files: Sequence[str], writing: int) -> int:
    import pytest

    null = os.open(os.devnull, os.O_WRONLY)
    os.dup2(null, 1)
    os.dup2(null, 2)
    for name in [n for n in sys.modules if n.startswith((*_MUTABLE, "tests."))]:
        del sys.modules[name]
    _put(module, source)
    first = _First()
    paths = [str(ROOT / "tests" / "brief" / each) for each in files]
    quiet = "ignore::pytest.PytestAssertRewriteWarning"  # what a fork has at hand is not rewritten
    options = ["-x", "-q", "-p", "no:cacheprovider", "--noconftest", "-W", quiet]
    told = pytest.main([*options, *paths], plugins=[first])
    os.write(writing, first.failed.encode())
    return int(told)


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

    2 when a test fails without any slip: it would catch every one. `--write` notes which file caught each;
    `--part 0/2` runs every second one.
    """
    import hypothesis  # noqa: F401  # imported before the forks, once for all of them
    import pytest  # noqa: F401

    import cds_service.simulator.patients  # noqa: F401

    named = "--named" in words
    part, parts = words[words.index("--part") + 1].split("/") if "--part" in words else ("0", "1")
    chosen = [each for each in MUTANTS if each.named or not named][int(part) :: int(parts)]
    files = FILES[:3] if named else FILES
    [sound] = run([replace(MUTANTS[0], new=MUTANTS[0].old)], files)
    if sound.caught:
        print(f"{sound.by} fails without a slip; mend it first", file=sys.stderr)
        return 2
    caught, widest, by = 0, max(len(each.does) for each in chosen), {}
    for each in run(chosen, files):
        word = "caught" if each.caught else "SURVIVED"
        print(f"{word:<9}{each.mutant.does:<{widest}}  {each.by}".rstrip(), flush=True)
        caught += each.caught
        by[each.mutant.does] = each.by.partition("::")[0]
    if "--write" in words:
        lines = [f"{json.dumps(does)} = {json.dumps(file)}\n" for does, file in by.items()]
        CAUGHT_BY.write_text(
            "# written by `python -m tests.brief.mutants --write`\n" + "".join(lines), "utf-8"
        )
    print(f"{caught} of {len(chosen)} mutants of the rules caught")
    return int(caught != len(chosen))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
