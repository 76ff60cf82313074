"""A type is a receipt: only the stage that does the checking makes one, and nobody edits it afterwards."""

import ast

import pytest

from tests.architecture.source import calls, functions, modules

SEALS = {
    "HookRequest": "cds_service/http/",
    "Caller": "cds_service/verify/",
    "Context": "cds_service/context/",
    "Brief": "cds_service/brief/",
    "ApprovedBrief": "cds_service/review/",
    "Receipt": "cds_service/writeback/",
}
"""Each receipt, and the one folder that may construct it."""
SIMULATOR = "cds_service/simulator/"
"""Another party, with types of its own."""
COPIES = {"replace", "__replace__", "__setattr__", "copy", "deepcopy", "_replace"}


@pytest.mark.parametrize(("receipt", "folder"), SEALS.items())
def test_a_receipt_is_made_by_its_own_stage_alone(receipt, folder):
    makers = {
        path for path, tree in modules().items() for name, _ in calls(tree) if name == receipt
    }
    assert makers
    assert {path for path in makers if not path.startswith(folder)} == set()


def test_no_receipt_is_copied_with_changes():
    found = [
        f"{path}:{node.lineno}"
        for path, tree in modules().items()
        if not path.startswith(SIMULATOR)
        for function in functions(tree)
        for name, node in calls(function)
        if name in COPIES and _changes_a_receipt(function, node)
    ]
    assert found == []


def test_a_receipt_has_no_name_but_its_own():
    renamed = [
        f"{path}: {alias.name} as {alias.asname}"
        for path, tree in modules().items()
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
        if alias.name in SEALS and alias.asname not in {None, alias.name}
    ]
    assert renamed == []


@pytest.mark.parametrize(
    "change",
    [
        "def f(x: Brief): return replace(x, gaps=())",
        "def f(x: 'Caller'): object.__setattr__(x, 'site', 'other')",
        "def f(c):\n    context = c()\n    return dataclasses.replace(context, patient='2')",
        "def f(self): return copy.replace(self.request, hook='x')",
    ],
)
def test_this_rule_sees_what_it_forbids(change):
    (function,) = functions(ast.parse(change))
    assert any(n in COPIES and _changes_a_receipt(function, c) for n, c in calls(function))


def _changes_a_receipt(function: ast.FunctionDef | ast.AsyncFunctionDef, call: ast.Call) -> bool:
    """Return whether the first argument is, by its annotation or its name, a receipt."""
    if not call.args:
        return False
    taken = [*function.args.posonlyargs, *function.args.args, *function.args.kwonlyargs]
    annotated = {
        each.arg: ast.unparse(each.annotation).strip("'") for each in taken if each.annotation
    }
    changed = ast.unparse(call.args[0])
    if annotated.get(changed) in SEALS:
        return True
    return changed not in annotated and changed.rpartition(".")[2] in _USUAL_NAMES


_USUAL_NAMES = {"caller", "context", "brief", "request", "hook_request", "approved", "receipt"}
