"""A chart of 50 MB is prepared in the process that answers calls, and holds none of them up."""

import time

from tests.processes import standing, until

LONGEST_S = 1.0
"""Far more than such a call may take here, and far less than decoding, comparing and packing that chart takes."""


def test_calls_are_answered_while_a_chart_of_50_mb_is_prepared(tmp_path):
    with standing(tmp_path, delay_s=0.02) as stand:
        service = stand.serve()
        stand.open_chart(service, "other")
        until(lambda: stand.states() == {"ready": 1}, 30)
        stand.ask_for("large")
        until(lambda: stand.counts().get("large"), 30)
        took, deadline = [], time.monotonic() + 120
        while stand.states()["ready"] < 2:
            assert time.monotonic() < deadline
            for _ in range(10):
                began = time.monotonic()
                assert stand.open_chart(service, "other")[0] == 200
                took.append(time.monotonic() - began)
        print(f"{len(took)} calls meanwhile, the slowest {max(took) * 1000:.0f} ms")
        assert len(took) > 20
        assert max(took) < LONGEST_S
