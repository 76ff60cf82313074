"""Prints the conformance statement from rows.toml and the `spec` marks of the tests.

Run as `python -m tests.conformance.report`; it writes docs/reference/conformance.md. The marks are read from the
source of the tests, so that the page is the same on every machine and needs nothing to run.
"""

import ast
import tomllib
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

HERE = Path(__file__).parent
TESTS = HERE.parent
PAGE = TESTS.parent / "docs" / "reference" / "conformance.md"
IN_FORCE = ("1.0", "1.1", "2.0", "2.0.1")
"""Versions whose rules we claim."""
BINDING = ("SHALL", "SHALL NOT")

_HEAD = """\
<!-- written by tests/conformance/report.py; run `python -m tests.conformance.report` -->
# Conformance to CDS Hooks

We claim CDS Hooks 2.0.1 as a service, and take the habits of 1.0 to 2.0 clients. Each row is a rule in our words, with
the tests that prove it or the reason why there is none. *Level*: SHALL, SHALL NOT, SHOULD and MAY as in the
specification; *advice* is its lower-case should; *meaning*, how to read what arrives; *HTTP*, a status code;
*ours*, a rule of our own. *(client)* marks the other side's duty: the row says what we make of it. `@N` is Inferno's id
`cds-hooks_2.0@N`.
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One rule."""

    id: str
    level: str
    since: str
    says: str
    inferno: tuple[int, ...] = ()
    binds: str = "service"
    why: str = ""

    @property
    def is_due(self) -> bool:
        """Return whether the rule binds a service now."""
        return self.level in BINDING and self.since in IN_FORCE and self.binds == "service"


@dataclass(frozen=True, slots=True)
class Section:
    """The rules of one chapter."""

    letter: str
    title: str
    rows: tuple[Row, ...]


@cache
def sections() -> tuple[Section, ...]:
    """Read the rules."""
    data = tomllib.loads((HERE / "rows.toml").read_text(encoding="utf-8"))
    return tuple(
        Section(
            part["letter"],
            part["title"],
            tuple(
                Row(**{**row, "inferno": tuple(row.get("inferno", ()))}) for row in part["rows"]
            ),
        )
        for part in data["section"]
    )


@cache
def marks() -> Mapping[str, tuple[str, ...]]:
    """Return the tests that prove each row, as `file::test`."""
    found: dict[str, set[str]] = defaultdict(set)
    for file in sorted(TESTS.rglob("test_*.py")):
        name = file.relative_to(TESTS).as_posix()
        for place, node in _places(ast.parse(file.read_text(encoding="utf-8"))):
            for row in _named(node):
                found[row].add("::".join((name, *place)))
    return {row: tuple(sorted(places)) for row, places in found.items()}


def _places(module: ast.Module) -> Iterator[tuple[tuple[str, ...], ast.AST]]:
    """Yield each test with its name, and what stands outside of tests with the name of its class or none."""
    for node in module.body:
        if isinstance(node, ast.ClassDef):
            yield from (((node.name,), mark) for mark in node.decorator_list)
            yield from (((node.name, getattr(one, "name", "")), one) for one in node.body)
        else:
            is_test = isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
            yield ((node.name,) if is_test else ()), node


def _named(node: ast.AST) -> Iterator[str]:
    """Yield the rows of every `pytest.mark.spec(...)` in a piece of a test module."""
    for call in ast.walk(node):
        if isinstance(call, ast.Call) and ast.unparse(call.func) == "pytest.mark.spec":
            yield from (ast.literal_eval(each) for each in call.args)


def page() -> str:
    """Return the page."""
    return "\n".join([_HEAD, _tally(), *(_table(section) for section in sections())])


def _tally() -> str:
    due = [row for section in sections() for row in section.rows if row.is_due]
    proven = sum(row.id in marks() and not row.why for row in due)
    return (
        f"Of the {len(due)} rules with SHALL or SHALL NOT that bind a service now, {proven} are proven by tests;"
        f" the other {len(due) - proven} say why not, or not wholly.\n"
    )


def _table(section: Section) -> str:
    head = f"## {section.title}\n\n| row | level | since | rule | proof |\n| --- | --- | --- | --- | --- |\n"
    return head + "".join(_line(row) for row in section.rows)


def _line(row: Row) -> str:
    tests = marks().get(row.id, ())
    proof = "<br>".join((*(f"`{test}`" for test in tests), *((row.why,) if row.why else ())))
    ids = " ".join(f"@{number}" for number in row.inferno)
    level = row.level if row.binds == "service" else f"{row.level} (client)"
    return f"| {row.id} {ids}".rstrip() + f" | {level} | {row.since} | {row.says} | {proof} |\n"


if __name__ == "__main__":
    PAGE.parent.mkdir(parents=True, exist_ok=True)
    PAGE.write_text(page(), encoding="utf-8")
    print(f"wrote {PAGE.relative_to(TESTS.parent)}")
