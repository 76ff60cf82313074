"""A newcomer follows the pages about rotating keys on a running demo, word by word, and no call fails meanwhile."""

import json
import os
import re
import shlex
import subprocess
import sys
import threading
import time
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

from tests.bench.process import ROOT, free_port, serving

PATIENTS = ("beatrice-okonkwo", "iris-calloway", "gregory-nwosu")
SEALING = [["keys", "rotate", "--sealing"], ["keys", "rotate", "--data"], ["keys", "retire"]]
SIGNING = ["keys", "rotate", "--lead-hours", "0"]
PAUSE_S = 31.0
"""The page: wait half a minute after a change to the ring."""


def commands(page):
    """Return the product's commands that a page shows at a prompt, in order."""
    text = (ROOT / "docs" / "how-to" / page).read_text("utf-8")
    blocks = re.findall(r"```console\n(.*?)```", text, re.DOTALL)
    lines = [line[2:] for block in blocks for line in block.splitlines() if line.startswith("$ ")]
    return [
        shlex.split(line)[1:] for line in lines if line.partition(" ")[0].endswith("cds-service")
    ]


@pytest.fixture
def demo(tmp_path):
    """Run `cds-service demo`; this will be its settings and the addresses of both."""
    port, ehr = free_port(), free_port()
    command = ["cds_service.cli", "demo", "--port", str(port), "--ehr-port", str(ehr)]
    settings = {"CDS_DATA_DIR": str(tmp_path)}
    with serving(command, port=port, log=tmp_path / "demo.log", settings=settings):
        own = {"CDS_PROFILE": "demo", "CDS_DATA_DIR": str(tmp_path / "demo")}
        yield own, f"http://127.0.0.1:{port}", f"http://127.0.0.1:{ehr}"


class Clinic(threading.Thread):
    """Opens charts one after the other until it is told to stop; both sites, so both kinds of our keys are used."""

    def __init__(self, ehr):
        super().__init__()
        self.ehr, self.done, self.opened, self.bad = ehr, threading.Event(), 0, []

    def run(self):
        with httpx.Client(timeout=30) as http:
            while not self.done.wait(0.5):
                for site in ("general", "riverside"):
                    patient = PATIENTS[self.opened % len(PATIENTS)]
                    page = http.get(f"{self.ehr}/chart/{patient}", params={"site": site})
                    self.opened += 1
                    if page.status_code != 200:
                        self.bad.append((site, patient, page.status_code))


def run(own, words):
    ended = subprocess.run(
        [sys.executable, "-m", "cds_service.cli", *words],
        cwd=ROOT,
        env={**os.environ, **own},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert ended.returncode == 0, (words, ended.stdout, ended.stderr)
    return ended.stdout


def outcomes(own):
    """Return how the calls and our own token requests ended, from the audit's export."""
    told = {}
    for site in ("general", "riverside"):
        out = run(own, ["audit", "export", "--site", site])
        for line in out.splitlines():
            event = json.loads(line)
            kind = event["subtype"][0]["display"]
            told.setdefault(kind, []).append(event["outcomeDesc"])
    return told


def ring_of(own):
    return set(json.loads((Path(own["CDS_DATA_DIR"]) / "keyring.json").read_text())["keys"])


def published(service):
    return len(httpx.get(f"{service}/.well-known/jwks.json").json()["keys"])


@contextmanager
def opening_charts(ehr):
    """Let a clinic work from here on, until shortly after what is done inside."""
    clinic = Clinic(ehr)
    clinic.start()
    try:
        time.sleep(3)
        yield clinic
        time.sleep(12)  # a process takes a changed ring within ten seconds
    finally:
        clinic.done.set()
        clinic.join(60)


def test_the_pages_show_these_commands():
    assert commands("rotate-sealing-keys.md") == SEALING
    assert commands("rotate-signing-keys.md")[-1] == SIGNING


def test_both_kinds_of_key_are_rotated_as_the_pages_say_and_no_call_fails(demo):
    own, service, ehr = demo
    with opening_charts(ehr) as clinic:
        before, keys = ring_of(own), published(service)
        run(own, SIGNING)
        for words in SEALING:
            if words == ["keys", "retire"]:
                time.sleep(PAUSE_S)
            run(own, words)
    assert clinic.bad == []
    answers = outcomes(own)["answer"]
    assert len(answers) >= clinic.opened > 50
    assert set(answers) == {"ok"}
    assert ring_of(own).isdisjoint(before), "the old key of the ring is gone"
    assert published(service) == 2 * keys
    assert "whole" in run(own, ["audit", "verify"])
