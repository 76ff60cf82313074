"""What an operator starts names only what there is: settings, volumes, secrets and files."""

import re
from pathlib import Path

import pytest
import yaml

from cds_service.settings import Settings

DEPLOY = Path(__file__).parents[2] / "deploy"
COMPOSE = yaml.safe_load((DEPLOY / "compose.yaml").read_text("utf-8"))
OURS = {n: s for n, s in COMPOSE["services"].items() if s["image"] == "cds-service"}
SETTINGS = {f"CDS_{name.upper()}" for name in Settings.model_fields}
FILES = [
    "Containerfile", "compose.yaml", "backup.sh", "restore.sh",
    *(f"systemd/{unit.name}" for unit in sorted((DEPLOY / "systemd").iterdir())),
]  # fmt: skip


@pytest.mark.parametrize("name", FILES)
def test_a_file_names_only_settings_that_there_are(name):
    named = set(re.findall(r"\bCDS_[A-Z_]+\b", (DEPLOY / name).read_text("utf-8")))
    assert named <= SETTINGS


@pytest.mark.parametrize("name", OURS)
def test_a_service_is_configured_by_our_settings_alone(name):
    """The client of PostgreSQL reads its password file by a name of its own."""
    assert set(OURS[name]["environment"]) <= SETTINGS | {"PGPASSFILE"}


@pytest.mark.parametrize("name", COMPOSE["services"])
def test_what_a_service_mounts_is_declared_or_beside_the_file(name):
    service = COMPOSE["services"][name]
    assert set(service.get("secrets", ())) <= set(COMPOSE["secrets"])
    for mount in service.get("volumes", ()):
        source = mount.split(":")[0]
        assert source in COMPOSE["volumes"] or source in {"./sites", "./collector.yaml"}


@pytest.mark.parametrize("name", OURS)
def test_every_process_has_the_signing_keys_and_nothing_else_to_write_to(name):
    assert "data:/data" in OURS[name]["volumes"]
    assert OURS[name]["read_only"] is True
    assert OURS[name]["cap_drop"] == ["ALL"]


def test_the_image_and_the_compose_file_ask_for_health_in_the_same_words():
    [asked] = re.findall(r"CMD (\[.*healthz.*\])", (DEPLOY / "Containerfile").read_text("utf-8"))
    for name in ("service", "worker"):
        assert OURS[name]["healthcheck"]["test"] == ["CMD", *yaml.safe_load(asked)]
