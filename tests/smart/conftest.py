"""The ground with a backend client at each site, and signing keys that are made once: RSA keys are slow to make."""

import shutil
from datetime import UTC, datetime

import pytest

from cds_service.simulator.keys import reused_keys
from cds_service.smart.keys import KeyFile
from tests.ground import GENERAL, RIVERSIDE, standing
from tests.http.conftest import FewPatients

BACKEND = """
[backend]
client_id = "cds-brief"
scopes = ["system/Patient.rs", "system/Observation.rs"]
"""
MAKE_KEY = reused_keys()
"""Deals from a few RSA keys of 2048 bits."""
MADE = datetime(2026, 1, 1, tzinfo=UTC)


@pytest.fixture(scope="session")
def signing_keys(tmp_path_factory):
    """A file of signing keys; tests that rotate copy it."""
    file = KeyFile(
        path=tmp_path_factory.mktemp("keys") / "keys.json",
        now=lambda: MADE,
        clock=lambda: 0.0,
        make_key=MAKE_KEY,
    )
    file.rotate()
    return file.path


@pytest.fixture
async def ground(tmp_path, signing_keys):
    shutil.copy(signing_keys, tmp_path / "signing-keys.json")
    sites = {"general": GENERAL + BACKEND, "riverside": RIVERSIDE + BACKEND}
    async with standing(tmp_path, sites=sites, patients=FewPatients()) as running:
        yield running
