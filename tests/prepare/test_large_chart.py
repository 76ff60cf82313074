"""A chart of 50 MB is prepared in the process that answers calls, and holds none of them up."""

import time

import pytest

from tests.processes import standing, until

pytestmark = pytest.mark.slow

LONGEST_S = 1.0
"""Far more than such a call may take here, and less than it would wait while that chart is decoded and packed."""
TRIES = 3
"""A machine that is busy with other things may hold a call up as well, but not each time."""


def slowest_meanwhile(stand, service, patient):
    """Have a chart prepared; return how many calls were answered until it was, and the longest that one took."""
    before = stand.states()["ready"]
    stand.ask_for(patient)
    until(lambda: stand.counts().get(patient), 30)
    took, deadline = [], time.monotonic() + 120
    while stand.states()["ready"] == before:
        assert time.monotonic() < deadline
        for _ in range(10):
            began = time.monotonic()
            assert stand.open_chart(service, "other")[0] == 200
            took.append(time.monotonic() - began)
    return len(took), max(took)


def test_calls_are_answered_while_a_chart_of_50_mb_is_prepared(tmp_path):
    with standing(tmp_path, delay_s=0.02) as stand:
        service, slowest = stand.serve(), []
        stand.open_chart(service, "other")
        until(lambda: stand.states() == {"ready": 1}, 30)
        for number in range(TRIES):
            calls, longest = slowest_meanwhile(stand, service, f"large-{number}")
            print(f"{calls} calls meanwhile, the slowest {longest * 1000:.0f} ms")
            assert calls > 20
            slowest.append(longest)
            if longest < LONGEST_S:
                break
        assert min(slowest) < LONGEST_S
