"""An operator has briefs prepared, sees what is stuck and has it tried again: the commands, on a real data folder."""

import asyncio
import io
import json
import re
import sqlite3
import sys
import threading
from contextlib import closing
from datetime import UTC, datetime, timedelta
from getpass import getuser

import pytest

from cds_service.cli import main
from cds_service.cli import prepare as preparing
from cds_service.storage import feeds
from tests.bench.process import free_port
from tests.processes import standing

pytestmark = pytest.mark.slow
TOMORROW = f"{datetime.now(UTC) + timedelta(days=1):%Y-%m-%d}"


class Terminal(io.StringIO):
    """What somebody watches."""

    def isatty(self):
        return True


@pytest.fixture
def stand(tmp_path, monkeypatch):
    """A site whose EHR is a stand-in on loopback, and an operator's environment beside it."""
    with standing(tmp_path, delay_s=0.01) as stand:
        settings = stand.settings()
        for name, value in {
            "PROFILE": "demo",
            "PUBLIC_URL": settings.public_url,
            "SITES": str(settings.sites),
            "DATA_DIR": str(settings.data_dir),
        }.items():
            monkeypatch.setenv(f"CDS_{name}", value)
        yield stand


@pytest.fixture
def command(capsys):
    def run(*words):
        """Run a command; return its status, output and complaints."""
        capsys.readouterr()
        status = main(list(words))
        told = capsys.readouterr()
        return status, told.out, told.err

    return run


def who_asked(stand, action):
    """Return under which names an action stands in the audit."""
    with closing(sqlite3.connect(stand.settings().data_dir / "app.db")) as database:
        found = database.execute("SELECT actor FROM audit WHERE action = ?", [action])
        return {actor for (actor,) in found}


def prepare(*words):
    return ("prepare", "--site", "soak", *words)


def test_one_patients_brief_is_prepared_and_the_command_ends_when_it_is_ready(stand, command):
    status, out, err = command(*prepare("--patient", "Patient/p7"))
    assert (status, err) == (0, "")
    assert out.splitlines()[0] == "1 brief asked for"
    assert out.splitlines()[-1].endswith("] 1/1  1 ready")
    assert stand.states() == {"ready": 1}
    assert stand.counts() == {"p7": 1}


def test_all_booked_visits_of_a_day_are_prepared(stand, command):
    status, out, _ = command(*prepare("--date", TOMORROW))
    assert status == 0
    assert out.splitlines()[0] == "3 briefs asked for"
    assert out.splitlines()[-1].endswith("] 3/3  3 ready")
    assert set(stand.counts()) == {"p0", "p1", "p2"}


def test_who_watches_sees_a_bar_grow_on_one_line(stand, monkeypatch):
    terminal = Terminal()
    monkeypatch.setattr(sys, "stdout", terminal)
    assert main(list(prepare("--date", TOMORROW))) == 0
    bars = terminal.getvalue().split("\r")[1:]
    assert bars[0].startswith("[" + "." * 30 + "] 0/3")
    assert bars[-1].startswith("[" + "#" * 30 + "] 3/3  3 ready")
    assert [bar.endswith("\n") for bar in bars] == [False] * (len(bars) - 1) + [True]


def test_beside_a_running_service_it_only_asks_and_the_service_prepares(stand, command):
    stand.serve()
    status, out, _ = command(*prepare("--patient", "p7"))
    assert status == 0
    assert "the running service prepares them" in out
    assert stand.states() == {"ready": 1}


def test_what_cannot_be_prepared_is_told_and_the_command_says_that_it_failed(stand, command):
    status, out, err = command(*prepare("--patient", "nobody"))
    assert status == 1
    assert "1 failed" in out
    assert "failed: no_such_patient" in err
    assert "nobody" not in out + err, "whose chart it is, is no business of a terminal"


def test_what_waits_for_its_ehr_is_said_to_stay_asked_for_and_until_when(stand, command):
    file = stand.settings().sites / "soak.toml"
    away = file.read_text("utf-8").replace(f":{stand.ehr_port}", f":{free_port()}")
    file.write_text(away, "utf-8")
    status, out, err = command(*prepare("--patient", "p7"))
    assert status == 1
    assert "1 requested" in out
    assert re.search(
        r"requested: token_\w+; it stays asked for: a running service or worker tries again from "
        r"\d{4}-\d\d-\d\d \d\d:\d\d \w+",
        err,
    )
    assert stand.states() == {"requested": 1}


def test_a_day_without_visits_is_said_to_have_none(stand, command):
    told = "site soak: no visits on 2020-01-01; nothing is asked for.\n"
    assert command(*prepare("--date", "2020-01-01")) == (0, told, "")


def test_who_watches_is_told_that_no_work_can_be_done(stand, command, monkeypatch):
    monkeypatch.setattr(preparing, "PATIENCE_S", 0.2)
    with closing(sqlite3.connect(stand.settings().data_dir / "engine.db")) as stranger:
        stranger.execute("CREATE TABLE workflow_status (of TEXT)")
    status, _, err = command(*prepare("--patient", "p1"))
    assert (status, "no work is begun before it is mended" in err) == (1, True)
    assert stand.states() == {"requested": 1}


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("--patient", "p1", "--date", TOMORROW), "not allowed with"),
        ((), "one of the arguments --patient --date is required"),
        (("--date", "tomorrow"), "a date is written as 2026-11-25"),
        (("--date", "9999-12-31"), "no visit is of that year"),
        (("--date", "0001-01-01"), "no visit is of that year"),
        (("--patient", ""), "an id has up to 64 letters"),
        (("--patient", "Patient/"), "an id has up to 64 letters"),
        (("--patient", ".."), "an id has up to 64 letters"),
        (("--patient", "p7?x=y"), "an id has up to 64 letters"),
    ],
)
def test_a_wrong_command_says_how_it_is_written(words, told, capsys):
    with pytest.raises(SystemExit):
        main(list(prepare(*words)))
    err = capsys.readouterr().err
    assert told in err
    assert "p7" not in err, "whose chart it is, is no business of a terminal"


def pause(stand, hours):
    """Have the site's EHR left alone for some hours, as one that had enough of us."""
    now = datetime.now(UTC)
    until = {"paused_at": now, "paused_until": now + timedelta(hours=hours)}

    async def begin():
        async with stand.opened() as database, database.transaction() as connection:
            await feeds.set_feed(connection, database, "soak", paused_for="daily_limit", **until)

    asyncio.run(begin())


@pytest.mark.parametrize("words", [("--patient", "p7"), ("--date", TOMORROW)])
def test_an_ehr_that_is_left_alone_is_told_of_and_nothing_is_asked_for(stand, command, words):
    pause(stand, hours=9)
    status, out, err = command(*prepare(*words))
    assert (status, out) == (1, "")
    assert re.search(r"nothing is read ahead before \S+ \S+ there: daily_limit", err)
    assert stand.states() == {}


@pytest.mark.parametrize("is_served", [False, True])
def test_a_site_that_is_switched_off_is_told_of_and_nothing_is_asked_for(
    stand, command, is_served
):
    if is_served:
        stand.serve()
    command("site", "off", "soak")
    status, out, err = command(*prepare("--patient", "p7"))
    assert (status, out) == (1, "")
    assert "site soak is switched off" in err
    assert stand.states() == {}


def test_who_watches_is_told_when_nobody_begins_what_was_asked_for(stand, command, monkeypatch):
    monkeypatch.setattr(preparing, "BEGUN_WITHIN_S", 1.0)
    stand.serve(role="api")
    status, out, err = command(*prepare("--patient", "p7"))
    assert status == 1
    assert out.splitlines()[-1].endswith("1 requested")
    assert "requested: not begun; it stays asked for" in err
    assert stand.states() == {"requested": 1}


def test_who_watches_is_told_when_its_site_is_switched_off_meanwhile(stand, command, monkeypatch):
    monkeypatch.setattr(preparing, "BEGUN_WITHIN_S", 600.0)
    stand.serve(role="api")
    asked = threading.Timer(2.0, lambda: main(["site", "off", "soak"]))
    asked.start()
    status, _, err = command(*prepare("--patient", "p7"))
    asked.join()
    assert (status, "site soak is switched off" in err) == (1, True)


def test_a_site_that_prepares_nothing_says_what_its_file_lacks(stand, command):
    file = stand.settings().sites / "soak.toml"
    file.write_text(file.read_text("utf-8").partition("[prepare]")[0], "utf-8")
    status, _, err = command(*prepare("--patient", "p1"))
    assert (status, "needs [backend] and [prepare]" in err) == (1, True)


def test_what_failed_is_listed_with_its_reason_and_tried_again_once_it_may_succeed(stand, command):
    assert command("queue", "list") == (0, "Nothing is stuck.\n", "")
    command(*prepare("--patient", "nobody"))
    status, out, _ = command("queue", "list")
    brief, site, state, reason = out.split()[:4]
    assert (status, site, state, reason) == (0, "soak", "failed", "no_such_patient")
    [told] = json.loads(command("queue", "list", "--json")[1])["stuck"]
    assert (told["brief"], told["reason"], told["tries"]) == (brief, "no_such_patient", 1)
    assert command("queue", "list", "--site", "other") == (0, "Nothing is stuck.\n", "")

    assert command("queue", "retry", brief) == (0, "1 brief is tried again.\n", "")
    assert stand.states() == {"requested": 1}
    assert set(stand.entries("retry", "requested")) == {brief}
    assert who_asked(stand, "retry") == who_asked(stand, "ask") == {f"operator/{getuser()}"}
    assert command("queue", "list") == (0, "Nothing is stuck.\n", "")


def test_all_that_failed_at_a_site_is_tried_again(stand, command):
    command(*prepare("--patient", "nobody"))
    command(*prepare("--patient", "nobody"))
    assert command("queue", "retry", "--site", "soak")[1] == "2 briefs are tried again.\n"


def test_what_did_not_fail_is_not_tried_again(stand, command):
    command(*prepare("--patient", "p1"))
    [ready] = stand.entries("prepare", "ready")
    status, _, err = command("queue", "retry", ready)
    assert (status, "only what failed while it was prepared" in err) == (1, True)
    status, _, err = command("queue", "retry", "no-such-brief")
    assert (status, err) == (1, "cds-service: There is no brief no-such-brief.\n")


def test_an_ehr_whose_site_file_is_gone_is_not_listed_as_left_alone(stand, command):
    pause(stand, hours=9)
    assert "site soak: nothing is read ahead" in command("queue", "list")[1]
    (stand.settings().sites / "soak.toml").unlink()
    assert command("queue", "list") == (0, "Nothing is stuck.\n", "")
