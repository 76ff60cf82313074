"""A process whose event loop hangs keeps its locks, and with them its work: it ends itself."""

import signal
import subprocess
import sys
import time
from contextlib import contextmanager

import pytest

from tests.bench.process import ROOT
from tests.engine.hanging import HANG_S

pytestmark = pytest.mark.slow


@contextmanager
def launched(folder, how, seconds):
    words = [sys.executable, "-m", "tests.engine.hanging", str(folder), how, str(seconds)]
    process = subprocess.Popen(
        words, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    try:
        assert process.stdout.readline() == "launched\n"
        yield process
    finally:
        process.kill()
        process.communicate()


def test_a_process_whose_event_loop_hangs_ends_itself_and_says_why(tmp_path):
    with launched(tmp_path, "hangs", 60) as process:
        assert process.wait(30) == -signal.SIGKILL
        assert "the event loop hangs" in process.stderr.read()


@pytest.mark.parametrize("stopped_s", [0, 2 * HANG_S])
def test_a_process_that_waits_or_was_suspended_lives_on(tmp_path, stopped_s):
    with launched(tmp_path, "sleeps", 3 * HANG_S) as process:
        if stopped_s:
            process.send_signal(signal.SIGSTOP)
            time.sleep(stopped_s)
            process.send_signal(signal.SIGCONT)
        assert process.wait(30) == 0
        assert process.stdout.read() == "still here\n"
