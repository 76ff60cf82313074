"""The tutorial is a test: its files are written and its commands run in a copy of the product."""

import re
import shutil
import subprocess
import sys
from pathlib import Path

TOP = Path(__file__).parents[2]
PAGE = (TOP / "docs/tutorial/first-service.md").read_text("utf-8")
_BLOCK = re.compile(r"```(\w+)(?: (\S+))?\n(.*?)```", re.DOTALL)


def test_following_the_tutorial_word_by_word_works(tmp_path):
    for package in ("cds_service", "discovery", "hooks"):
        # the reader's own folder stands there where this very page was followed
        ignored = shutil.ignore_patterns("__pycache__", "high_alert")
        shutil.copytree(TOP / package, tmp_path / package, ignore=ignored)
    said = ""
    for language, file, text in _BLOCK.findall(PAGE):
        if file:
            (tmp_path / file).write_text(text, "utf-8")
        elif language == "console":
            for line in text.strip().splitlines():
                said = _run(line.removeprefix("$ cds-service "), tmp_path)
    assert "FAIL" not in said
    assert "first: 1 card as expected" in said
    expected = (tmp_path / "hooks/high_alert/examples/first/cards.json").read_text("utf-8")
    assert "Warfarin" in expected


def _run(arguments: str, folder: Path) -> str:
    done = subprocess.run(  # noqa: PLW1510  # the assertion below says more
        [sys.executable, "-m", "cds_service.cli", *arguments.split()],
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout
