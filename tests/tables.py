"""A SQLite file with the newest tables and nothing in them: migrated once for each process of tests, then copied."""

import sqlite3
import tempfile
from contextlib import closing
from pathlib import Path

from cds_service.storage.database import embedded_file, open_database
from cds_service.storage.keyring import load_key_ring
from cds_service.storage.schema import upgrade

_TABLES: list[bytes] = []


async def lay_tables(folder: Path) -> None:
    """Put it where a data folder keeps its database, unless one is there."""
    if not embedded_file(folder).exists():
        embedded_file(folder).write_bytes(await _empty_tables())


async def _empty_tables() -> bytes:
    if not _TABLES:
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name)
            ring = load_key_ring("", data_dir=folder, demo=True)
            database = open_database("", data_dir=folder, ring=ring)
            await upgrade(database)
            await database.engine.dispose()
            with closing(sqlite3.connect(embedded_file(folder))) as file:
                _TABLES.append(file.serialize())
    return _TABLES[0]
