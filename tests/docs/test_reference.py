"""Pages that repeat the code are written by the code, and the README shows what the program prints."""

import importlib.util
from pathlib import Path

import pytest

from cds_service.brief import RULES_VERSION
from cds_service.cli import main

DOCS = Path(__file__).parents[2] / "docs"


def _generator():
    spec = importlib.util.spec_from_file_location("generate", DOCS / "generate.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


PAGES = _generator().pages()


@pytest.mark.parametrize("name", PAGES)
def test_a_reference_page_says_what_the_code_says(name):
    page = (DOCS / "reference" / name).read_text("utf-8")
    assert page == PAGES[name], "run: python docs/generate.py"


def test_every_link_between_pages_leads_somewhere():
    pages = [*DOCS.rglob("*.md"), DOCS.parent / "README.md"]
    linked = [(page, target) for page in pages for target in _links(page.read_text("utf-8"))]
    assert [(p.name, target) for p, target in linked if not (p.parent / target).exists()] == []


def _links(text):
    for part in text.split("](")[1:]:
        target = part.split(")")[0].split("#")[0]
        if target and "://" not in target:
            yield target


def test_the_page_that_a_clinical_lead_signs_names_the_rules_version():
    page = (DOCS / "explanation" / "brief.md").read_text("utf-8")
    assert f"| Rules | version {RULES_VERSION} (" in page
    assert f'"{RULES_VERSION}+2026-' in page


def test_the_card_in_the_readme_is_what_the_program_prints(capsys):
    assert main(["check-hook", "patient_view", "--show", "kidney-follow-up"]) == 0
    printed = capsys.readouterr().out.rstrip()
    assert f"```text\n{printed}\n```" in (DOCS.parent / "README.md").read_text("utf-8")
