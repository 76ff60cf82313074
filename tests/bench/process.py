"""Server processes: started on a free loopback port, read from /proc, stopped by pid."""

import http.client
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
START_S = 60.0
SETTLE_S = 0.5
"""Longer than what is written behind waits, so that a request's whole cost is counted."""


@dataclass(frozen=True, slots=True)
class Server:
    """One running server process."""

    pid: int
    port: int

    def cpu_seconds(self) -> float:
        """Return the CPU time of all its threads so far, in user and kernel mode."""
        fields = Path(f"/proc/{self.pid}/stat").read_text("ascii").rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def kill(self) -> None:
        """End it at once, as a crash does."""
        os.kill(self.pid, signal.SIGKILL)

    def rss_mib(self) -> float:
        """Return the resident memory."""
        pages = int(Path(f"/proc/{self.pid}/statm").read_text("ascii").split()[1])
        return pages * os.sysconf("SC_PAGE_SIZE") / 1024 / 1024


@contextmanager
def serving(
    command: list[str], *, port: int, log: Path, settings: Mapping[str, str] | None = None
) -> Iterator[Server]:
    """Run `python -m <command>` until left; ready when entered, whatever it answers."""
    with log.open("wb") as out:
        process = subprocess.Popen(
            [sys.executable, "-m", *command],
            cwd=ROOT,
            env={**os.environ, **(settings or {})},
            stdout=out,
            stderr=subprocess.STDOUT,
        )
    try:
        first_answer(process, port, "/", log)
        yield Server(process.pid, port)
    finally:
        process.terminate()
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def first_answer(process: subprocess.Popen[bytes], port: int, path: str, log: Path) -> int:
    """Wait until a process answers HTTP; return the status. Raises `RuntimeError` with its log."""
    deadline = time.monotonic() + START_S
    while process.poll() is None and time.monotonic() < deadline:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=START_S)
        try:
            connection.request("GET", path, headers={"Authorization": "Bearer x"})
            return connection.getresponse().status
        except ConnectionError:
            time.sleep(0.005)
        finally:
            connection.close()
    raise RuntimeError(f"no server on port {port}:\n{log.read_text('utf-8')[-2000:]}")


def free_port() -> int:
    """Return a loopback port that nobody uses now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
