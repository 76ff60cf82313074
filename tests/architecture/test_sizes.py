"""Small pieces: a module fits in the head, a function on the screen."""

import ast

from tests.architecture.source import ROOT, functions, modules

MODULE_LINES = 400
FUNCTION_LINES = 45
CASE_HISTORIES = "cds_service/simulator/patients/"
"""Data written as one call after the other: there, only the module's length counts."""


def test_no_module_is_long():
    lengths = {path: len((ROOT / path).read_text("utf-8").splitlines()) for path in modules()}
    assert {path: n for path, n in lengths.items() if n > MODULE_LINES} == {}


def test_no_function_is_long():
    lengths = {
        f"{path}:{each.lineno} {each.name}": _lines(each)
        for path, tree in modules().items()
        if not path.startswith(CASE_HISTORIES)
        for each in functions(tree)
    }
    assert {name: n for name, n in lengths.items() if n > FUNCTION_LINES} == {}


def _lines(function: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    """Return the lines of a function from `def` to its end, its docstring not counted."""
    first = function.body[0]
    documented = ast.get_docstring(function, clean=False) is not None
    docstring = first.end_lineno - first.lineno + 1 if documented else 0
    return function.end_lineno - function.lineno + 1 - docstring
