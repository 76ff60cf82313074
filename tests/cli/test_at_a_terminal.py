"""What a person at a terminal is asked and shown, on a real one; and that a program is neither asked nor shown."""

import json
import os
import pty
import select
import subprocess
import sys

import pytest

from cds_service.vendors import vendor_names

TIMEOUT_S = 15
PROGRESS = """
from cds_service.cli.terminal import Progress
with Progress(quiet={quiet}) as progress:
    progress("a long name of a step")
    progress("a token")
"""


def at_a_terminal(command, environ, answers=()):
    """Run a command whose terminal is a real one; return its exit status, what it printed, and what the terminal saw.

    Standard output is a pipe, so that what is made for a program stands alone. Each answer waits for its question.
    """
    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        command, stdin=theirs, stderr=theirs, stdout=subprocess.PIPE, env=environ
    )
    os.close(theirs)
    seen = b""
    waiting = list(answers)
    while select.select([ours], [], [], TIMEOUT_S)[0] and (chunk := _read(ours)):
        seen += chunk
        if waiting and seen.rstrip().endswith(waiting[0][0].encode()):
            os.write(ours, f"{waiting.pop(0)[1]}\n".encode())
    try:
        printed = process.communicate(timeout=TIMEOUT_S)[0]
    finally:
        process.kill()
        os.close(ours)
    assert not waiting, f"never asked: {waiting}"
    return process.returncode, printed.decode(), seen.decode()


def _read(terminal):
    try:
        return os.read(terminal, 4096)
    except OSError:  # the other end is closed
        return b""


@pytest.fixture
def environ(tmp_path):
    return {**os.environ, "CDS_SITES": str(tmp_path / "sites"), "CDS_DATA_DIR": str(tmp_path)}


def planned(environ, *answers, options=()):
    command = [sys.executable, "-m", "cds_service.cli", "site", "plan", "--json", *options]
    status, printed, seen = at_a_terminal(command, environ, answers)
    assert status == 0, seen
    return json.loads(printed), seen


def test_what_was_not_given_is_asked_for(environ):
    number = vendor_names().index("epic") + 1
    plan, seen = planned(
        environ, ("Which EHR?", number), ("(empty: unknown)", "May 2024"), ("(y/n)", "y"), ("(y/n)", "n")
    )  # fmt: skip
    assert (plan["vendor"], plan["version"]) == ("epic", "May 2024")
    assert (plan["write"], plan["on_premise"]) == (True, False)
    assert f"{number}  epic" in seen
    assert "Which version of Epic?" in seen


def test_an_ehr_may_be_answered_by_its_name_and_the_rest_left_open(environ):
    plan, _ = planned(
        environ, ("Which EHR?", "meditech"), ("unknown)", ""), ("(y/n)", ""), ("(y/n)", "YES")
    )
    assert (plan["vendor"], plan["version"]) == ("meditech", None)
    assert (plan["write"], plan["on_premise"]) == (False, True)


def test_what_was_given_is_not_asked_again(environ):
    given = ["--vendor", "epic", "--version", "May 2024", "--no-write", "--no-on-premise"]
    _, seen = planned(environ, options=given)
    assert seen == ""


def test_an_answer_that_is_no_ehr_is_refused_in_words(environ):
    command = [sys.executable, "-m", "cds_service.cli", "site", "plan", "--json"]
    asked = [("Which EHR?", "99")]
    status, printed, seen = at_a_terminal(command, environ, asked)
    assert (status != 0, printed) == (True, "")
    assert "Traceback" not in seen


def test_progress_is_one_line_that_is_gone_at_the_end(environ):
    _, printed, seen = at_a_terminal([sys.executable, "-c", PROGRESS.format(quiet=False)], environ)
    shown = seen.split("\r")
    assert [each.rstrip() for each in shown] == [
        "", "  looking at a long name of a step ...", "  looking at a token ...", "", ""
    ]  # fmt: skip
    assert len(shown[2]) == len(shown[1])  # else the end of the longer one would stay
    assert printed == ""
    assert "\n" not in seen


@pytest.mark.slow
def test_progress_is_silent_where_it_is_to_be_or_nobody_looks(environ):
    loud, quiet = (PROGRESS.format(quiet=each) for each in (False, True))
    assert at_a_terminal([sys.executable, "-c", quiet], environ)[2] == ""
    piped = subprocess.run(
        [sys.executable, "-c", loud],
        env=environ,
        capture_output=True,
        check=True,
        timeout=TIMEOUT_S,
    )
    assert (piped.stdout, piped.stderr) == (b"", b"")
