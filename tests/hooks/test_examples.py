"""Every example of every CDS service gives exactly the cards that stand beside it."""

import json
from pathlib import Path

import pytest

from cds_service.catalog import load_catalog
from cds_service.cli.hooks import example_cards

HOOKS = Path(__file__).parents[2] / "hooks"
REQUESTS = sorted(HOOKS.glob("*/examples/*/request.json"))


@pytest.mark.parametrize("request_file", REQUESTS, ids=lambda f: f"{f.parts[-4]}/{f.parts[-2]}")
def test_an_example_gives_its_cards(request_file):
    catalog = load_catalog(["hooks"])
    folder = f"hooks.{request_file.parts[-4]}"
    [service] = [s for s in catalog.by_id.values() if s.cards.__module__.startswith(folder)]
    cards = example_cards(request_file, service)
    expected = json.loads(request_file.with_name("cards.json").read_text("utf-8"))
    assert json.loads(json.dumps(cards)) == expected


def test_every_service_has_an_example_and_says_what_it_is_for():
    folders = [f.parent for f in HOOKS.glob("*/service.py")]
    assert folders
    assert [f.name for f in folders if not list(f.glob("examples/*/cards.json"))] == []
    assert [f.name for f in folders if not (f / "README.md").is_file()] == []
