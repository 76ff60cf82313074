"""One row, looked at in one step: what a hook call can wait for."""

import asyncio
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Engine, Executable, Row, create_engine, event
from sqlalchemy.ext.asyncio import AsyncEngine

_PRAGMAS = ("query_only=ON", "busy_timeout=1000")


@dataclass(slots=True)
class Glance:
    """Answers a query of one row outside of any transaction. One for each database of a process."""

    engine: AsyncEngine
    _embedded: Engine | None = None
    _thread: ThreadPoolExecutor | None = None
    """On SQLite one thread does it all: the asynchronous driver takes eleven turns of its own for the same."""

    def __post_init__(self) -> None:
        """Take a second way into a SQLite file; nothing is opened yet."""
        if self.engine.dialect.name == "sqlite":
            self._embedded = create_engine(self.engine.url.set(drivername="sqlite"))
            event.listen(self._embedded, "connect", _only_read)

    async def __call__(self, query: Executable, values: Mapping[str, Any]) -> Row[Any]:
        """Return the row. Raises one of `OUTAGES` when the database does not answer."""
        if self._embedded is None:
            async with self.engine.connect() as connection:
                await connection.execution_options(isolation_level="AUTOCOMMIT")
                return (await connection.execute(query, values)).one()
        if self._thread is None:
            self._thread = ThreadPoolExecutor(1, thread_name_prefix="glance")
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._thread, _one, self._embedded, query, values)

    def close(self) -> None:
        """Close the file, once what is under way has ended; whoever looks again opens it anew, as an engine does."""
        if self._thread is not None:
            self._thread.shutdown(wait=False, cancel_futures=True)
            self._thread = None
        if self._embedded is not None:
            self._embedded.dispose()


def _one(engine: Engine, query: Executable, values: Mapping[str, Any]) -> Row[Any]:
    with engine.connect() as connection:
        return connection.execute(query, values).one()


def _only_read(connection: Any, _record: object) -> None:  # noqa: ANN401  # a DBAPI connection
    cursor = connection.cursor()
    for pragma in _PRAGMAS:
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()
