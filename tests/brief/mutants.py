"""Wrong versions of the rules, each one slip in the real source, put in its place while it is imported.

`run` forks for each mutant a process in which the module is what the slip makes of it, and has the tests of the brief
run there. A mutant is caught when a test fails. One whose place in the source is gone, or is there twice, is an error:
the table has to follow the code.
"""

import os
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec, SourceFileLoader
from importlib.util import spec_from_loader
from pathlib import Path

ROOT = Path(__file__).parents[2]
FILES = (  # the quick ones first: a run ends at the first test that fails
    "test_result_sections.py",
    "test_summary_sections.py",
    "test_visit_sections.py",
    "test_ward_orders.py",
    "test_plans_and_intolerances.py",
    "test_long_charts.py",
    "test_must_show.py",
    "test_site_rules.py",
    "test_bundle.py",
    "test_dates.py",
    "test_hand_read_charts.py",
)
_MUTABLE = ("cds_service.brief", "cds_service.context", "cds_service.fhir", "cds_service.rulebook")


@dataclass(frozen=True, slots=True)
class Mutant:
    """One slip: what it does, where, and the text it puts in place of another."""

    does: str
    module: str
    old: str
    new: str
    named: bool = False
    """One of the five kinds that every run of the tests tries."""

    def source(self) -> str:
        """Return the module with the slip. Raises `ValueError` when its place is not there exactly once."""
        text = _file(self.module).read_text("utf-8")
        if text.count(self.old) != 1:
            raise ValueError(
                f"{self.does}: {self.module} has its place {text.count(self.old)} times"
            )
        changed = text.replace(self.old, self.new)
        compile(changed, self.module, "exec", dont_inherit=True)
        return changed


@dataclass(frozen=True, slots=True)
class Verdict:
    """What became of a mutant."""

    mutant: Mutant
    caught: bool
    by: str
    seconds: float


_F, _S, _W = (
    "cds_service.brief.facts.",
    "cds_service.brief.sections.",
    "cds_service.brief.wording.",
)
MUTANTS = (
    Mutant(
        "drop the check for entries in error",
        "cds_service.brief.record",
        'if resource.get("status") == "entered-in-error":\n        return True',
        "pass",
        named=True,
    ),
    Mutant(
        "take the oldest value for the newest",
        "cds_service.brief.record",
        "-item.when.at if item.when else _UNDATED",
        "item.when.at if item.when else _UNDATED",
        named=True,
    ),
    Mutant(
        "lose the comparator",
        f"{_W}values",
        'text(quantity, "comparator") + shown',
        "shown",
        named=True,
    ),
    Mutant(
        "swap the unit for its code",
        f"{_F}observations",
        'return text(quantity, "unit") or text(quantity, "code")',
        'return text(quantity, "code") or "mg/L"',
        named=True,
    ),
    Mutant(
        "merge two ingredients",
        f"{_F}medicines",
        "return ingredients_of(record, item) or title(record, item).casefold() or item.ref",
        "return bool(ingredients_of(record, item)) or title(record, item).casefold() or item.ref",
        named=True,
    ),
    Mutant(
        "count a refuted allergy",
        f"{_F}allergies",
        'return not ended and not has_code(obj(item.resource, "verificationStatus"), "refuted")',
        "return not ended",
    ),
    Mutant(
        "forget severe reactions",
        f"{_F}allergies",
        'return any(code(each, "severity") == "severe" or _is_anaphylaxis(each) for each in reactions)',
        "return False",
    ),
    Mutant(
        "forget high criticality",
        f"{_F}allergies",
        'if code(item.resource, "criticality") == "high":\n        return True\n',
        "pass\n",
    ),
    Mutant(
        "read an allergy to a class as nothing",
        f"{_F}allergies",
        "related |= each.members",
        "pass",
    ),
    Mutant(
        "keep a refuted problem",
        f"{_F}problems",
        'if has_code(obj(item.resource, "verificationStatus"), "refuted"):\n        return ""\n',
        "pass\n",
    ),
    Mutant(
        "read an unknown clinical status as ended",
        f"{_F}problems",
        "if said & _STANDING or not said & _ENDED:",
        "if said & _STANDING:",
    ),
    Mutant(
        "drop old diagnoses off the list",
        f"{_S}problems",
        'alone: tuple[Place, ...] = ("old", "remission")',
        'alone: tuple[Place, ...] = ("remission",)',
    ),
    Mutant(
        "drop medicines on hold",
        f"{_F}medicines",
        'ORDER: frozenset({"active", "on-hold", "unknown", ""}),',
        'ORDER: frozenset({"active"}),',
    ),
    Mutant(
        "list what is not to be given",
        f"{_F}medicines",
        'return item.status in _ACTIVE.get(item.type, ()) and not is_true(said, "doNotPerform")',
        "return item.status in _ACTIVE.get(item.type, ())",
    ),
    Mutant(
        "call a report an order",
        f"{_F}medicines",
        'return item.type == REPORT or is_true(said, "reportedBoolean") or "reportedReference" in said',
        "return False",
    ),
    Mutant(
        "call a renewal a change",
        f"{_F}medicine_changes",
        "if before and _is_alike(record, before, newest):\n        return\n",
        "pass\n",
    ),
    Mutant(
        "compare doses by structure alone",
        f"{_F}medicine_changes",
        "return one == other and _numbers(before) == _numbers(newest)",
        "return one == other",
    ),
    Mutant(
        "miss that a dose has changed",
        f"{_F}medicine_changes",
        "return dose(before).casefold() == dose(newest).casefold()",
        "return True",
    ),
    Mutant(
        "date a stop by a move of the chart",
        f"{_F}medicine_changes",
        "if is_since_last_visit(record, seen) and not is_moved(record, newest):",
        "if is_since_last_visit(record, seen):",
    ),
    Mutant(
        "call a new order of this year a renewal",
        f"{_F}medicine_conflicts",
        "return orders and len(alike) == 1 and len(young) <= 1",
        "return orders and len(alike) == 1",
    ),
    Mutant(
        "let a preliminary result stand for the final one",
        f"{_F}observations",
        "if item.status in _NOT_FINAL:\n        return _NOT_FINAL[item.status]\n",
        "pass\n",
    ),
    Mutant(
        "believe a range in another unit",
        f"{_F}observations",
        'if value is None or code(quantity, "comparator") or not _same_unit(quantity, limits):',
        "if value is None:",
    ),
    Mutant(
        "turn above and below around",
        f"{_F}observations",
        "if low is not None and value < low:",
        "if low is not None and value > low:",
    ),
    Mutant(
        "forget that HH is critical",
        "cds_service.brief.facts.observations",
        '("critical", "abnormal", "normal")\n    for each in DEFAULT',
        '("abnormal", "normal")\n    for each in DEFAULT',
    ),
    Mutant(
        "take a fetus for the patient",
        f"{_F}observations",
        'if "focus" in resource:',
        "if False:",
    ),
    Mutant(
        "see a limit only from above",
        f"{_F}observations",
        "return not limit.low <= value <= limit.high",
        "return value > limit.high",
    ),
    Mutant(
        "compare a limit without its unit",
        f"{_F}observations",
        'if limit and value is not None and limit.unit in {unit(quantity), code(quantity, "code")}:',
        "if limit and value is not None:",
    ),
    Mutant(
        "draw a trend across units",
        f"{_W}trends",
        "if now is None or then is None or now[1] != then[1]:",
        "if now is None or then is None:",
    ),
    Mutant(
        "call a fall a rise",
        f"{_W}trends",
        'return "rising" if True in ways else "falling"',
        'return "falling" if True in ways else "rising"',
    ),
    Mutant(
        "say none where a search was cut",
        "cds_service.brief.record",
        "return all(ledger.is_complete(need) and need not in spoiled for need in needs)",
        "return True",
    ),
    Mutant(
        "say none where entries were dropped",
        "cds_service.brief.record",
        'spoiled = {gap.need for gap in ledger.dropped if gap.reason != "other_patient"}',
        "spoiled = set()",
    ),
    Mutant(
        "take an order for answered that was cancelled",
        f"{_F}orders",
        '_NOT_DONE = frozenset({"registered", "cancelled", "preparation", "not-done"})',
        "_NOT_DONE = frozenset()",
    ),
    Mutant(
        "take an earlier result for the answer",
        f"{_F}orders",
        "and not any(newest.get(key, _NEVER) > _begun(item) for key in _keys(item))",
        "and not any(key in newest for key in _keys(item))",
    ),
    Mutant(
        "take an emergency for the last visit",
        f"{_F}visits",
        "        and not setting(record, item)\n",
        "",
    ),
    Mutant(
        "show an appointment that was cancelled",
        f"{_F}visits",
        "if item.status in _BOOKED and item.when and record.days_ago(item.when) <= 0",
        "if item.when and record.days_ago(item.when) <= 0",
    ),
    Mutant(
        "keep a flag that is over",
        f"{_S}attention",
        'if item.status in {"active", ""} and (end is None or record.days_ago(end) <= 0):',
        'if item.status in {"active", ""}:',
    ),
    Mutant(
        "keep another patient's entries",
        "cds_service.context.bundle",
        'return "other_patient"\n',
        "return None\n",
    ),
    Mutant(
        "take the older of two versions",
        "cds_service.context.bundle",
        "return max(one, other, key=_age)",
        "return min(one, other, key=_age)",
    ),
    Mutant(
        "follow a condition that two resources meet",
        "cds_service.context.bundle",
        "return min(found) if len(found) == 1 else None",
        "return min(found) if found else None",
    ),
    Mutant(
        "fill in the day of a month",
        "cds_service.fhir.dates",
        "return Moment(at, stored + _clock(minutes, seconds, offset), stored, begun.date())",
        "return Moment(at, day := begun.date().isoformat(), day, begun.date())",
    ),
    Mutant(
        "call a screening missing that took place",
        f"{_F}screenings",
        "if found.keys().isdisjoint({each.name, each.unless})",
        "if True",
    ),
    Mutant(
        "tell restricted and open entries on one line",
        f"{_S}common",
        "plain = [refs for refs in things if labelled.isdisjoint(refs)]",
        "plain = things",
    ),
    Mutant(
        "take ward orders for medicines of home",
        f"{_F}medicine_changes",
        "if not is_over and not is_true",
        "if not is_true",
    ),
    Mutant(
        "take one medicine ordered twice for a plan",
        f"{_F}medicine_conflicts",
        'len(doses - {""}) == len(items)',
        "True",
    ),
    Mutant(
        "call every allergy an intolerance",
        f"{_F}allergies",
        'return code(said, "type") == "intolerance" or',
        "return True or",
    ),
)


def run(mutants: Sequence[Mutant], files: Sequence[str] = FILES) -> Iterator[Verdict]:
    """Yield what became of each mutant; call it in a process that has not imported the rules."""
    for mutant in mutants:
        began = time.perf_counter()
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
            self.failed = report.nodeid.split("::")[-1].partition("[")[0]


def _tested(module: str, source: str, files: Sequence[str], writing: int) -> int:
    import pytest

    null = os.open(os.devnull, os.O_WRONLY)
    os.dup2(null, 1)
    os.dup2(null, 2)
    for name in [n for n in sys.modules if n.startswith((*_MUTABLE, "tests."))]:
        del sys.modules[name]
    sys.meta_path.insert(0, _Finder(module, source))
    first = _First()
    paths = [str(ROOT / "tests" / "brief" / each) for each in files]
    quiet = "ignore::pytest.PytestAssertRewriteWarning"  # what a fork has at hand is not rewritten
    options = ["-x", "-q", "-p", "no:cacheprovider", "--noconftest", "-W", quiet]
    told = pytest.main([*options, *paths], plugins=[first])
    os.write(writing, first.failed.encode())
    return int(told)


class _Finder(MetaPathFinder):
    def __init__(self, module: str, source: str) -> None:
        self.module, self.source = module, source

    def find_spec(self, fullname: str, *_: object) -> ModuleSpec | None:
        if fullname != self.module:
            return None
        return spec_from_loader(fullname, _Loader(fullname, str(_file(fullname)), self.source))


class _Loader(SourceFileLoader):
    def __init__(self, fullname: str, path: str, source: str) -> None:
        super().__init__(fullname, path)
        self.source = source

    def get_code(self, fullname: str) -> object:
        del fullname
        return compile(self.source, self.path, "exec", dont_inherit=True)


def _file(module: str) -> Path:
    return ROOT.joinpath(*module.split(".")).with_suffix(".py")


def main(words: Sequence[str]) -> int:
    """Run the mutants (`--named`: the five kinds alone), print the table; 1 when one was not caught.

    2 when a test fails without any slip: it would catch every one.
    """
    import hypothesis  # noqa: F401  # imported before the forks, once for all of them
    import pytest  # noqa: F401

    import cds_service.simulator.patients  # noqa: F401

    named = "--named" in words
    chosen = [each for each in MUTANTS if each.named or not named]
    files = FILES[:3] if named else FILES
    [sound] = run([replace(MUTANTS[0], new=MUTANTS[0].old)], files)
    if sound.caught:
        print(f"{sound.by} fails without a slip; mend it first", file=sys.stderr)
        return 2
    caught = 0
    for each in run(chosen, files):
        word = "caught" if each.caught else "SURVIVED"
        print(f"{word:<9}{each.mutant.does:<52}{each.by}", flush=True)
        caught += each.caught
    print(f"{caught} of {len(chosen)} mutants of the rules caught")
    return int(caught != len(chosen))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
