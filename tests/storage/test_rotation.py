"""Keys are replaced while the service runs; whoever kills a rotation only makes it later."""

import asyncio
import signal
import sys

import pytest
from sqlalchemy import LargeBinary

from cds_service.storage.rotate import reseal, sealed_columns
from cds_service.storage.tables import METADATA
from tests.storage.databases import NOW, opened
from tests.storage.key_cases import SITES, kept, reopening
from tests.storage.rotation_cases import RotationCases, all_of, kids, many, new_keys

pytestmark = pytest.mark.anyio


@pytest.fixture
async def database(tmp_path):
    database = await opened("", tmp_path)
    yield database
    await database.close()


@pytest.fixture
async def again(tmp_path):
    async with reopening("", tmp_path) as open_again:
        yield open_again


class TestRotation(RotationCases):
    pass


NOT_CONTENT = {
    "data_key.wrapped",
    "audit.mac",
    "audit_head.mac",
    "audit_head.seal",
    "replay.key",
}


SEALED_ONCE = {
    "audit.patient",  # an entry is never changed
    "part.body",  # lives for the length of one preparation
    "sign_in.body",  # for the length of one sign-in
}


def names(columns):
    return {f"{table.name}.{column.name}" for table, column in columns}


def test_every_column_of_bytes_is_sealed_again_or_has_a_reason_not_to_be():
    assert names(sealed_columns()) - names(sealed_columns(again=True)) == SEALED_ONCE
    binary = {
        f"{table.name}.{column.name}"
        for table in METADATA.sorted_tables
        for column in table.columns
        if isinstance(column.type, LargeBinary)
    }
    assert binary - names(sealed_columns()) == NOT_CONTENT


KILLED = """
import asyncio, os, signal, sys
from pathlib import Path
sys.path.insert(0, os.getcwd())
from cds_service.storage import rotate
from tests.storage.databases import NOW, opened
from tests.storage.rotation_cases import LATER

rotate.BATCH = 20

async def main():
    database = await opened("", Path(sys.argv[1]))
    database.seals.turn(LATER)
    async for done in rotate.reseal(database, now=NOW):
        if done >= int(sys.argv[2]):
            os.kill(os.getpid(), signal.SIGKILL)

asyncio.run(main())
"""


async def test_a_rotation_that_is_killed_again_and_again_comes_to_its_end(tmp_path):
    database = await opened("", tmp_path)
    await many(database, 100)
    old = await kids(database)
    await new_keys(database)
    await database.close()
    for _ in range(2):
        argv = [sys.executable, "-c", KILLED, str(tmp_path), "40"]
        killed = await asyncio.create_subprocess_exec(*argv)
        assert await killed.wait() == -signal.SIGKILL
        database = await opened("", tmp_path)
        assert len(await kids(database)) == 2, "some are under the new key, some under the old"
        for n in range(100):
            assert await database.brief("general", f"b{n}") == f"body {n}".encode()
        await database.close()
    database = await opened("", tmp_path)
    database.seals.turn(NOW.replace(hour=16))
    await all_of(reseal(database, now=NOW))
    assert not old & await kids(database)
    for n in range(100):
        assert await database.brief("general", f"b{n}") == f"body {n}".encode()
    await database.close()


async def test_each_sites_content_is_under_its_own_key(database):
    for site in SITES:
        await kept(database, brief_id=site, site=site)
    assert len(await kids(database)) == 2
