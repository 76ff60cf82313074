"""Every control of the threat model names a test that exists, and every page that a security page names is there."""

import ast
import re

import pytest

from tests.architecture.source import ROOT

PAGES = sorted((ROOT / "docs" / "security").glob("*.md"))
MODEL = (ROOT / "docs" / "security" / "threat-model.md").read_text("utf-8")
NAMED = sorted(set(re.findall(r"`(tests/[\w/.]+?\.py)(?:::(\w+))?`", MODEL)))
ROWS = [line for line in MODEL.splitlines() if line.startswith("| ") and "| ---" not in line]


@pytest.mark.parametrize(("file", "test"), NAMED, ids=lambda part: part.rpartition("/")[2])
def test_a_control_names_a_test_that_exists(file, test):
    tree = ast.parse((ROOT / file).read_text("utf-8"))
    functions = [
        node.name
        for node in ast.walk(tree)
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    ]
    assert not test or test in functions


def test_every_row_names_a_test():
    without = [row for row in ROWS if "`tests/" not in row and not row.startswith("| threat")]
    assert without == []
    assert len(ROWS) > 30


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_what_a_security_page_names_is_there(page):
    text = page.read_text("utf-8")
    paths = re.findall(r"`((?:tests|cds_service|docs)/[\w/.-]+)(?:::\w+)?`", text)
    links = re.findall(r"\]\((?!http)([\w./-]+)\)", text)
    missing = [path for path in paths if not (ROOT / path).exists()]
    missing += [link for link in links if not (page.parent / link).exists()]
    assert missing == []
