"""The database for commands that read or change it beside a running service, whatever state the site files are in."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime

from cds_service.domain.errors import Misconfigured
from cds_service.settings import Settings
from cds_service.storage import (
    Database,
    attach,
    embedded_file,
    has_begun,
    load_key_ring,
    open_database,
    ring_place,
    start,
)


def now() -> datetime:
    """Return the time; a command has a clock of its own."""
    return datetime.now(UTC)


@asynccontextmanager
async def attached(settings: Settings) -> AsyncIterator[Database]:
    """Give a database that a service has started before, as it is: nothing is made or upgraded.

    Raises `Misconfigured` when there is none, or tables or key ring do not fit.
    """
    if not settings.database_url and not embedded_file(settings.data_dir).exists():
        raise Misconfigured(
            f"There is no database in {settings.data_dir}, which CDS_DATA_DIR names: start the service on it first."
        )
    place = ring_place(settings.keyring, data_dir=settings.data_dir, demo=False)
    database = open_database(settings.database_url, data_dir=settings.data_dir, ring=place.load())
    try:
        await attach(database, now=now())
        yield database
    finally:
        await database.close()


@asynccontextmanager
async def attached_if_begun(settings: Settings) -> AsyncIterator[Database | None]:
    """Give the database, or None before the first start of a service. Raises `Misconfigured`, as `attached` does."""
    if not settings.database_url and not embedded_file(settings.data_dir).exists():
        yield None
        return
    place = ring_place(settings.keyring, data_dir=settings.data_dir, demo=False)
    database = open_database(settings.database_url, data_dir=settings.data_dir, ring=place.load())
    try:
        begun = await has_begun(database)
        if begun:
            await attach(database, now=now())
        yield database if begun else None
    finally:
        await database.close()


@asynccontextmanager
async def opened(settings: Settings) -> AsyncIterator[Database]:
    """Give the database with its keys loaded. Raises `Misconfigured` when it does not fit."""
    ring = load_key_ring(settings.keyring, data_dir=settings.data_dir, demo=settings.is_demo)
    database = open_database(settings.database_url, data_dir=settings.data_dir, ring=ring)
    try:
        await start(database, now=now(), by_itself=database.is_embedded)
        yield database
    finally:
        await database.close()


def check_site(settings: Settings, name: str) -> None:
    """Check that there is a file of this site, good or not. Raises `Misconfigured` naming those that are."""
    known = sorted(file.stem for file in settings.sites.glob("*.toml"))
    if name not in known:
        raise Misconfigured(
            f"There is no site {name!r} in {settings.sites}, which CDS_SITES names;"
            f" there are {', '.join(known) or 'none'}."
        )
