"""The database for commands that read or change it beside a running service, whatever state the site files are in."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime

from cds_service.domain.errors import Misconfigured
from cds_service.settings import Settings
from cds_service.storage import Database, load_key_ring, open_database
from cds_service.storage.start import start


@asynccontextmanager
async def opened(settings: Settings) -> AsyncIterator[Database]:
    """Give the database with its keys loaded. Raises `Misconfigured` when it does not fit."""
    ring = load_key_ring(settings.keyring, data_dir=settings.data_dir, demo=settings.is_demo)
    database = open_database(settings.database_url, data_dir=settings.data_dir, ring=ring)
    try:
        await start(database, now=datetime.now(UTC), by_itself=database.is_embedded)
        yield database
    finally:
        await database.close()


def check_site(settings: Settings, name: str) -> None:
    """Check that there is a file of this site, good or not. Raises `Misconfigured` naming those that are."""
    known = sorted(file.stem for file in settings.sites.glob("*.toml"))
    if name not in known:
        raise Misconfigured(f"There is no site {name!r}; there are {', '.join(known) or 'none'}.")
