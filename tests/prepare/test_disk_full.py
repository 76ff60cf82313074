"""The disk is full: charts are still answered, an operator sees it, and nothing is lost once there is room again."""

import resource
import sys
import time

import pytest

from tests.processes import standing, until

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(sys.platform != "linux", reason="another process's limit is set"),
]


def leave_room(process, size):
    """Let no file of a process grow beyond so many bytes, as a full disk does; -1: any size."""
    _, hard = resource.prlimit(process.popen.pid, resource.RLIMIT_FSIZE)
    resource.prlimit(process.popen.pid, resource.RLIMIT_FSIZE, (size, hard))


def test_a_full_disk_stops_no_answer_is_told_and_loses_nothing(tmp_path):
    with standing(tmp_path, delay_s=0.02) as stand:
        service = stand.serve()
        assert stand.open_chart(service, "p0")[0] == 200
        until(lambda: stand.states() == {"ready": 1}, 30)
        before = sum(stand.entries("answer", "ok").values())
        leave_room(service, 0)
        answers = [stand.open_chart(service, f"p{number}") for number in range(12)]
        until(lambda: service.ready()[0] == 503, 10)
        _, told = service.ready()
        assert [status for status, _ in answers] == [200] * 12
        assert "Prepared" in answers[0][1], "what was ready is served on"
        assert "entries wait in memory" in told["reasons"]["database"]
        leave_room(service, resource.RLIM_INFINITY)
        until(lambda: service.ready()[0] == 200, 10)
        until(lambda: stand.states() == {"ready": 12}, 60)
        assert sum(stand.entries("answer", "ok").values()) == before + 12
        assert set(stand.entries("prepare", "ready").values()) == {1}
        assert stand.chain_problem() == ""


def test_a_disk_that_fills_up_while_briefs_are_prepared_delays_them_and_doubles_none(tmp_path):
    with standing(tmp_path, delay_s=0.4) as stand:
        asked, service = stand.ask(7), stand.serve()
        until(lambda: stand.states()["preparing"] > 0, 30)
        leave_room(service, 0)
        time.sleep(3)
        assert stand.states()["ready"] < 7
        assert service.popen.poll() is None, "it goes on"
        leave_room(service, resource.RLIM_INFINITY)
        until(lambda: stand.states() == {"ready": 7}, 120)
        ends = stand.entries("prepare", "ready")
        assert {ends[each] for each in asked} == {1}
        assert stand.chain_problem() == ""
