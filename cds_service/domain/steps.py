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


class Temporary(Exception):
    """A step failed for a reason that may pass: the engine tries it again, later each time.

    `reason` is a code, never a server's prose. The last try's problem is raised in the workflow.
    """

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class Steps(Protocol):
    """Runs the steps of one workflow."""

    async def __call__(self, name: str, body: Callable[..., Awaitable[T]], /, *args: Json) -> T:
        """Run a step, or return what it returned before.

        What the body raises is raised here: `Temporary` after the tries that the engine gives it, anything else
        at once. `name` and the order of steps must be the same in every run; a result is JSON.
        """
        ...


Workflow: TypeAlias = Callable[[Steps, str], Awaitable[None]]
"""`async def prepare(step: Steps, brief_id: str) -> None`."""
