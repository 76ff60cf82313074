"""One process for each embedded database: the data folder is held while it runs."""

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager

from cds_service.domain.errors import Misconfigured
from cds_service.settings import Settings


@contextmanager
def holding(settings: Settings) -> Iterator[None]:
    """Hold the data folder for this process alone: SQLite is one process. Raises `Misconfigured`.

    With PostgreSQL several processes share the database, and there is nothing to hold.
    """
    if settings.database_url.startswith("postgresql"):
        yield
        return
    data_dir = settings.data_dir
    data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
    with (data_dir / "lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise Misconfigured(
                f"{data_dir} is in use by another process: embedded SQLite is for one process;"
                " stop the other one, or give this one its own CDS_DATA_DIR."
            ) from None
        yield


def is_held(settings: Settings) -> bool:
    """Return whether another process has the data folder, or shares the database and does the work."""
    if settings.database_url.startswith("postgresql"):
        return True
    try:
        with holding(settings):
            return False
    except Misconfigured:
        return True
