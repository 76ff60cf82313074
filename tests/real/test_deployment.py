"""Units that systemd accepts, and a backup that comes back: on SQLite and on PostgreSQL."""

import asyncio
import fcntl
import os
import shutil
import subprocess
import sys
from pathlib import Path

import psycopg
import pytest

from tests.ground import standing
from tests.http.conftest import FewPatients
from tests.http.wire import SERVICE, body, post

from .deploying import DEPLOY, program

pytestmark = pytest.mark.real
UNITS = sorted((DEPLOY / "systemd").glob("cds-*"))


@pytest.mark.parametrize("unit", UNITS, ids=lambda file: file.name)
def test_systemd_accepts_each_unit_with_its_hardening(unit, tmp_path):
    """The program is looked for, so that one that exists stands in its place."""
    for file in UNITS:
        text = file.read_text("utf-8").replace("/opt/cds-service/bin/cds-service", sys.executable)
        text = text.replace("/opt/cds-service/deploy", str(DEPLOY))
        (tmp_path / file.name).write_text(text, "utf-8")
        if file.suffix == ".service":
            drop_in = tmp_path / f"{file.name}.d"
            drop_in.mkdir()
            shutil.copy(DEPLOY / "systemd" / "hardening.conf", drop_in)
    checked = subprocess.run(
        [program("systemd-analyze", "systemd"), "verify", "--man=no", str(tmp_path / unit.name)],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    ours = [
        line for line in checked.stderr.splitlines() if str(tmp_path) in line or "cds-" in line
    ]
    assert (checked.returncode, ours) == (0, [])


def script(name, *words, check=True, **environment):
    known = {**os.environ, "PYTHON": sys.executable, **environment}
    done = subprocess.run(
        ["sh", str(DEPLOY / name), *map(str, words)],
        capture_output=True,
        text=True,
        env=known,
        check=False,
        timeout=600,  # an image is installed from nothing
    )
    assert (done.returncode == 0) is check, done.stderr
    return done


async def a_day_of_work(folder, **settings):
    """Answer one call; return the id of its brief."""
    async with standing(folder, patients=FewPatients(), **settings) as ground:
        response = await post(ground, body(), path=SERVICE)
        assert response.status_code == 200
        [entry] = [e for e in await ground.audited() if e["action"] == "answer"]
        return entry["brief"]


async def is_there(folder, brief, **settings):
    """Open the restored service; return what a brief of before says."""
    async with standing(folder, patients=FewPatients(), seed=None, **settings) as ground:
        assert (await post(ground, body(), path=SERVICE)).status_code == 200
        return await ground.service.database.brief("general", brief)


def test_a_lost_sqlite_database_comes_back_with_its_briefs_readable(tmp_path):
    work, copies = tmp_path / "work", tmp_path / "copies"
    brief = asyncio.run(a_day_of_work(work))
    copy = Path(script("backup.sh", copies, CDS_DATA_DIR=str(work)).stdout.strip())
    assert copy.stat().st_mode & 0o077 == 0
    for file in work.glob("app.db*"):
        file.unlink()
    script("restore.sh", copy, CDS_DATA_DIR=str(work))
    assert b"Zyxomab" in asyncio.run(is_there(work, brief))


def test_a_restore_never_overwrites_and_never_runs_beside_the_service(tmp_path):
    work, copies = tmp_path / "work", tmp_path / "copies"
    asyncio.run(a_day_of_work(work))
    copy = script("backup.sh", copies, CDS_DATA_DIR=str(work)).stdout.strip()
    refused = script("restore.sh", copy, check=False, CDS_DATA_DIR=str(work))
    assert "is there already" in refused.stderr
    for file in work.glob("app.db*"):
        file.unlink()
    with (work / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # as a running service does
        running = script("restore.sh", copy, check=False, CDS_DATA_DIR=str(work))
    assert "stop it first" in running.stderr
    assert "no copy of ours" in script("restore.sh", __file__, check=False).stderr


def test_a_copy_is_worth_nothing_without_the_key_ring(tmp_path):
    work, copies = tmp_path / "work", tmp_path / "copies"
    asyncio.run(a_day_of_work(work))
    copy = Path(script("backup.sh", copies, CDS_DATA_DIR=str(work)).stdout.strip())
    assert b"Zyxomab" not in copy.read_bytes()
    assert [file.name for file in copies.iterdir()] == [copy.name]


def test_a_lost_postgresql_database_comes_back_with_its_briefs_readable(
    tmp_path, postgres, postgres_url
):
    first, second = postgres_url, f"{postgres}/restored"
    with psycopg.connect(f"{postgres}/postgres", autocommit=True) as connection:
        connection.execute("CREATE DATABASE restored")
    work, copies = tmp_path / "work", tmp_path / "copies"
    brief = asyncio.run(a_day_of_work(work, database_url=first))
    programs = {"PATH": f"{_programs()}:{os.environ['PATH']}"}
    copy = script("backup.sh", copies, CDS_DATABASE_URL=first, **programs).stdout.strip()
    full = script("restore.sh", copy, check=False, CDS_DATABASE_URL=first, **programs)
    assert "not empty" in full.stderr
    script("restore.sh", copy, CDS_DATABASE_URL=second, **programs)
    assert b"Zyxomab" in asyncio.run(is_there(work, brief, database_url=second))


def _programs():
    return max(Path("/usr/lib/postgresql").glob("*/bin"))


def test_the_image_holds_the_service_and_neither_pip_nor_the_simulator(tmp_path):
    """The steps of the Containerfile that need no container engine, in a clean folder."""
    wheels, target = tmp_path / "wheels", tmp_path / "image"
    root = DEPLOY.parent
    pip = [sys.executable, "-m", "pip"]
    options = ["--no-deps", "--no-build-isolation", "--wheel-dir", str(wheels)]
    subprocess.run([*pip, "wheel", "--quiet", *options, str(root)], check=True, timeout=300)
    script("image.sh", target, wheels, DEPLOY / "requirements.lock")
    command = target / "bin" / "cds-service"
    shown = subprocess.run(
        [command, "--help"], capture_output=True, text=True, check=True, cwd=tmp_path, timeout=60
    )
    assert "site" in shown.stdout
    left = {file.name for file in (target / "bin").iterdir()}
    assert not {"pip", "activate"} & left
    assert list(target.rglob("simulator")) == []
