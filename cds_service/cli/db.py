"""`cds-service db`: the schema of the database."""

import argparse
import asyncio

from cds_service.cli.stored import now
from cds_service.settings import Settings, read_settings
from cds_service.storage import open_database, ring_place, start
from cds_service.storage.hold import holding
from cds_service.storage.schema import newest, revision


def add(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the command group."""
    group = commands.add_parser("db", help="the database").add_subparsers(
        required=True, metavar="COMMAND"
    )
    upgrading = group.add_parser("upgrade", help="bring its tables up to date")
    upgrading.set_defaults(run=run_upgrade)


def run_upgrade(_args: argparse.Namespace) -> int:
    """Upgrade the database of the settings."""
    print(asyncio.run(_upgraded(read_settings())))
    return 0


async def _upgraded(settings: Settings) -> str:
    place = ring_place(settings.keyring, data_dir=settings.data_dir, demo=settings.is_demo)
    database = open_database(settings.database_url, data_dir=settings.data_dir, ring=place.load())
    try:
        with holding(settings):  # no service runs on embedded SQLite meanwhile
            before = await revision(database)
            await start(database, now=now())
    finally:
        await database.close()
    if before == newest():
        return f"The database is up to date: revision {before}."
    return f"The database was {before or 'empty'} and is now at revision {newest()}."
