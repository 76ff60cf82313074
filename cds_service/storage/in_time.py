"""Database work that somebody cannot wait for longer than so long."""

import asyncio
from collections.abc import Coroutine
from typing import Any, TypeVar

T = TypeVar("T")
_PARTS = 4
"""Each is some three turns of the loop at least: a dozen are enough for a look-up, and a bound for what hangs."""
_left: set[asyncio.Task[Any]] = set()
"""What nobody waits for any more and has not ended yet; at most as much as the pool has connections."""


async def in_time(work: Coroutine[Any, Any, T], within_s: float) -> T:
    """Return what the work brings. Raises `TimeoutError`, which is an outage, when it takes longer.

    The time is waited for in parts, so that the event loop turns between them: what a busy process has not come to yet
    is no outage of the database.

    `asyncio.timeout` does not bound it: to cancel a query, PostgreSQL's driver asks the server, and for one that hangs
    it waits ten seconds more. So the work is told to end and left to it.
    """
    task = asyncio.create_task(work)
    _left.add(task)
    task.add_done_callback(_ended)
    try:
        for _ in range(_PARTS):
            done, _ = await asyncio.wait([task], timeout=within_s / _PARTS)
            if done:
                return task.result()
    except asyncio.CancelledError:
        task.cancel()
        raise
    task.cancel()
    raise TimeoutError


def _ended(task: asyncio.Task[Any]) -> None:
    """Forget it. Its problem is taken note of here: the loop would log it with its trace."""
    _left.discard(task)
    if not task.cancelled():
        task.exception()
