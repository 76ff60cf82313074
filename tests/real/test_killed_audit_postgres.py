"""What a service that is killed loses of its audit on PostgreSQL: the last moment, as on SQLite."""

import pytest

from tests.audit.test_killed_service import CALLS, killed, left, lost

pytestmark = [pytest.mark.anyio, pytest.mark.real, pytest.mark.slow]


async def test_a_kill_loses_what_was_answered_in_the_moment_before_it(postgres_url):
    """One of three: a machine that stops a process for a second makes that second's window."""
    told = []
    for _ in range(3):
        with killed(postgres_url) as service:
            verdict, known = await left(service)
            count, window, bound = await lost(service)
        assert verdict.problem == ""
        assert known, "it ran long enough to store some"
        told.append(f"{count} of {CALLS} lost, the oldest answered {window:.3f} s before")
        if window <= bound:
            break
    else:
        pytest.fail("; ".join(told))
    print(told[-1])
