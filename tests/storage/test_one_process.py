"""Embedded SQLite is for one process: a second one on the same folder is told so."""

import subprocess
import sys

import pytest

from cds_service.domain.errors import Misconfigured
from tests.ground import standing

pytestmark = pytest.mark.anyio

SECOND = """
import asyncio, sys
from pathlib import Path
from cds_service.app import build
from cds_service.domain.errors import Misconfigured
from cds_service.settings import Settings

folder = Path(sys.argv[1])
settings = Settings(
    profile="demo", data_dir=folder, public_url="http://cds.test", sites=folder / "sites"
)

async def main():
    async with build(settings).running():
        print("running")

try:
    asyncio.run(main())
except Misconfigured as stop:
    sys.exit(stop.detail)
"""


async def test_a_second_process_on_the_same_folder_is_refused_with_a_sentence(ground):
    second = subprocess.run(  # noqa: ASYNC221  # the first one has nothing to do meanwhile
        [sys.executable, "-c", SECOND, str(ground.data_dir)],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert (second.returncode, second.stdout) == (1, "")
    assert "is in use by another process" in second.stderr
    assert "CDS_DATA_DIR" in second.stderr
    assert "Traceback" not in second.stderr


async def test_the_first_one_notices_nothing(ground, tmp_path):
    with pytest.raises(Misconfigured, match="in use"):
        async with standing(tmp_path):
            pass
    assert (await ground.http.get("/readyz")).status_code == 200


async def test_when_the_first_one_has_ended_the_next_may_begin_with_what_it_left(tmp_path):
    async with standing(tmp_path) as first:
        await first.call({}, token="x")
    async with standing(tmp_path) as second:
        assert [entry["outcome"] for entry in await second.audited()] == ["not_trusted"]
