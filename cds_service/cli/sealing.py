"""The sealing part of `cds-service keys`: the key ring, and the data keys that it wraps."""

import argparse
import asyncio
from datetime import timedelta
from pathlib import Path

from cds_service.cli.stored import attached, now
from cds_service.cli.terminal import progress
from cds_service.domain.errors import Misconfigured
from cds_service.settings import read_settings
from cds_service.storage import Database, RingPlace, ring_place
from cds_service.storage.rotate import (
    begin,
    delete_data_keys,
    reseal,
    rewrap,
    sites_with_keys,
    unused,
    wrapping_keys,
)
from cds_service.storage.upkeep import KEYS_S

_NOTICED = timedelta(seconds=3 * KEYS_S)
"""By then every running process has loaded what was changed."""


def add(
    group: "argparse._SubParsersAction[argparse.ArgumentParser]",
    how: "argparse._MutuallyExclusiveGroup",
) -> None:
    """Add the options of `keys rotate`, and the commands that belong to them."""
    how.add_argument(
        "--sealing",
        action="store_true",
        help="put a new key into the key ring and wrap all data keys with it",
    )
    how.add_argument(
        "--data",
        action="store_true",
        help="make new data keys and seal all content with them; takes some minutes",
    )
    again = group.add_parser(
        "reseal",
        help="seal all content with the newest data keys; goes on where it was interrupted",
    )
    again.set_defaults(run=run_reseal)
    retiring = group.add_parser(
        "retire", help="remove the sealing keys that nothing in this database is under any more"
    )
    retiring.set_defaults(run=run_retire)


def run_rotate(args: argparse.Namespace) -> int:
    """Rotate the ring's key, or the data keys, beside a running service."""
    return asyncio.run(_rotate_ring() if args.sealing else _rotate_data())


def run_reseal(_args: argparse.Namespace) -> int:
    """Seal everything again that is not under its site's newest key."""
    return asyncio.run(_reseal_all())


def run_retire(_args: argparse.Namespace) -> int:
    """Remove keys that are not used."""
    return asyncio.run(_retire())


def _place() -> RingPlace:
    settings = read_settings()
    return ring_place(settings.keyring, data_dir=settings.data_dir, demo=False)


async def _rotate_ring() -> int:
    """Add a key to the ring's file, unless an interrupted rotation did or it is kept elsewhere; wrap with it."""
    place = _place()
    async with attached(read_settings()) as database:
        if place.file is not None and await _all_wrapped(database):
            place.save(place.ring().with_new_key())
            database.seals.ring = place.load()
        done = 0
        async for done in rewrap(database, now=now()):
            progress(f"{done} data keys wrapped")
        newest = database.seals.ring.newest
    print(f"{done} data keys wrapped with {newest}. Older backups need the ring as it was:")
    print("keep a copy of the older keys with them, then `cds-service keys retire`.")
    return 0


async def _all_wrapped(database: Database) -> bool:
    """Return whether every data key is under the ring's newest key: no rotation was interrupted."""
    return await wrapping_keys(database) == {database.seals.ring.newest}


async def _rotate_data() -> int:
    async with attached(read_settings()) as database:
        sites = await sites_with_keys(database)
        await begin(database, sites, begins=now() + _NOTICED, now=now())
    seconds = _NOTICED.seconds
    print(f"{len(sites)} new data keys; they seal in {seconds} s, when all processes have them.")
    await asyncio.sleep(2 * seconds)
    return await _reseal_all()


async def _reseal_all() -> int:
    done = 0
    async with attached(read_settings()) as database:
        async for done in reseal(database, now=now()):
            progress(f"{done} values sealed again")
    print(f"{done} values sealed again; all content is under its site's newest key.")
    return 0


async def _retire() -> int:
    place = _place()
    async with attached(read_settings()) as database:
        if place.file is not None:
            _check_noticed(place.file)
        noticed = now() - _NOTICED
        found, _ = await unused(database, made_before=noticed)
        data = await delete_data_keys(database, found, now=now())
        _, wrapping = await unused(database, made_before=noticed)
    if wrapping and place.file is not None:
        place.save(place.ring().without(wrapping))
    where = "removed" if place.file is not None else "to be removed where the ring is kept"
    print(f"Data keys removed: {', '.join(sorted(data)) or 'none'}.")
    print(f"Keys of the ring {where}: {', '.join(sorted(wrapping)) or 'none'}.")
    return 0


def _check_noticed(file: Path) -> None:
    """Check that every running process has taken the ring as it is: none wraps with a key that goes."""
    age = now().timestamp() - file.stat().st_mtime
    if age < _NOTICED.seconds:
        raise Misconfigured(
            f"The key ring was changed a moment ago: wait {_NOTICED.seconds} s, until all processes have it."
        )
