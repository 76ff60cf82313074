"""What the body of a durable workflow is written against; it knows no engine.

A workflow is an async function of a step runner and the id of a row. All that it does happens inside steps: the
outcome of a step that ended is remembered, so that a workflow that is taken over by another process goes on
after its last finished step. A step may therefore run again, and has to be safe to repeat.
"""

from collections.abc import Awaitable, Callable
from typing import Protocol, TypeAlias, TypeVar

Json: TypeAlias = "str | int | float | bool | list[Json] | dict[str, Json] | None"
"""What steps take and return: ids, counts and codes, never records of a chart."""

T = TypeVar("T")


class Stopped(Exception):
    """A step could not be done. `reason` is a code of ours, never a server's prose."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class Temporary(Stopped):
    """For a reason that may pass: the engine tries the step again before it tells the workflow."""


class Permanent(Stopped):
    """For a reason that stays: trying again would change nothing."""


class Steps(Protocol):
    """Runs the steps of one workflow."""

    async def __call__(self, name: str, body: Callable[..., Awaitable[T]], /, *args: Json) -> T:
        """Run a step, or return what it returned before.

        A step that cannot be done raises `Temporary`, after the tries that the engine gives it, or `Permanent`;
        a crash is a `Permanent` too, whose reason names its kind. `name` and the order of steps must be the same
        in every run; a result is JSON.
        """
        ...


Workflow: TypeAlias = Callable[[Steps, str], Awaitable[None]]
"""`async def prepare(step: Steps, brief_id: str) -> None`."""
