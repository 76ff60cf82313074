"""PostgreSQL on loopback: its own cluster on a free port in a folder that goes away with it.

PostgreSQL refuses to run as root, so that root runs it as the user `postgres` that Debian's package brings; the
package is installed when it is missing. The fixtures are in `conftest.py`.
"""

import os
import shutil
import signal
import socket
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import psycopg

from .parts import PartError, run

_SETTINGS = (
    "fsync=off",  # the tests kill our processes, never the machine
    "max_connections=200",
    "shared_buffers=64MB",
)


@dataclass(frozen=True, slots=True)
class Cluster:
    """A running cluster, which a test may restart."""

    url: str
    """Of its server, without a database's name."""
    control: Sequence[str | Path]
    """`pg_ctl` and what it needs."""
    log: Path
    options: str

    def create(self, name: str) -> str:
        """Make an empty database; this will be its URL."""
        with psycopg.connect(f"{self.url}/postgres", autocommit=True) as connection:
            connection.execute(f"CREATE DATABASE {name}".encode())
        return f"{self.url}/{name}"

    def start(self) -> None:
        """Start it; ready when this returns."""
        _postgres([*self.control, "--log", self.log, "--options", self.options, "start"])

    @contextmanager
    def hanging(self) -> Iterator[None]:
        """Let it hang for a while: it keeps every connection, takes no new one and answers nobody."""
        (data,) = (
            self.control[place + 1]
            for place, word in enumerate(self.control)
            if word == "--pgdata"
        )
        server = int((Path(data) / "postmaster.pid").read_text("utf-8").split()[0])
        # Its server first: it begins no process any more while the others are stopped.
        os.kill(server, signal.SIGSTOP)
        children = Path(f"/proc/{server}/task/{server}/children").read_text("ascii").split()
        held = [server, *map(int, children)]
        for each in held[1:]:
            os.kill(each, signal.SIGSTOP)
        try:
            yield
        finally:
            for each in held:
                with suppress(ProcessLookupError):
                    os.kill(each, signal.SIGCONT)

    def stop(self) -> None:
        """Stop it as a crash does: nothing is flushed, every connection is cut."""
        _postgres([*self.control, "--mode", "immediate", "stop"])


@contextmanager
def cluster_running() -> Iterator[str]:
    """Run a cluster; this will yield the URL of its server, without a database's name."""
    with cluster() as running:
        yield running.url


@contextmanager
def cluster() -> Iterator[Cluster]:
    """Run a cluster.

    Raises `PartError`, naming the log, when it cannot be installed or started.
    """
    programs = _programs()
    folder = Path(tempfile.mkdtemp(prefix="cds-postgres-"))
    try:
        port = _free_port()
        _own(folder)
        made = [programs / "initdb", "--auth=trust", "--username=postgres", "--encoding=UTF8"]
        _postgres([*made, "--no-sync", "--pgdata", folder / "data"])
        options = f"-p {port} -c listen_addresses=127.0.0.1 -c unix_socket_directories={folder}"
        options += "".join(f" -c {each}" for each in _SETTINGS)
        control = [programs / "pg_ctl", "--pgdata", folder / "data", "--wait", "--silent"]
        url = f"postgresql://postgres@127.0.0.1:{port}"
        running = Cluster(url, control, folder / "log", options)
        running.start()
        try:
            yield running
        finally:
            running.stop()
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _programs() -> Path:
    """Return the folder of the newest version's programs; Debian keeps them off the path."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    if not found:
        for command in (["apt-get", "update"], ["apt-get", "install", "-y", "postgresql"]):
            run("postgresql", command, needs="Debian's package archive, and to be root")
        found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    if not found:
        raise PartError("part postgresql: no /usr/lib/postgresql/*/bin/initdb after installing it")
    return found[-1].parent


def _own(folder: Path) -> None:
    folder.chmod(0o755)
    if os.geteuid() == 0:
        shutil.chown(folder, "postgres")


def _postgres(command: Sequence[str | Path]) -> None:
    as_user = ["runuser", "-u", "postgres", "--"] if os.geteuid() == 0 else []
    argv = [*as_user, *(str(word) for word in command)]
    # Its output goes to a file: a server that inherits a pipe would hold its reader forever.
    with tempfile.TemporaryFile() as out:
        ended = subprocess.run(argv, cwd="/", stdout=out, stderr=out, timeout=120, check=False)
        if ended.returncode != 0:
            out.seek(0)
            told = out.read().decode("utf-8", "replace")
            raise PartError(f"part postgresql: {argv[-1]} failed: {told[-1000:]}")


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
