"""A FHIR R4 server that others wrote; this will start it empty on a free loopback port and stop it again.

How it behaves, and where it differs from an EHR, is in the README beside this file; `test_sekmet.py` holds it to that.
"""

import json
import socket
import subprocess
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

from .parts import PartError, python_of

START_TIMEOUT_S = 30
STOP_TIMEOUT_S = 10
LOAD_AT_ONCE = 500
OPEN: Mapping[str, Any] = {"types": ["none"]}


@dataclass(frozen=True, slots=True)
class Sekmet:
    """A running server: its FHIR base URL, and a client that is already allowed in."""

    base_url: str
    http: httpx.Client

    def load(self, resources: Iterable[Mapping[str, Any]]) -> None:
        """Store resources under their own ids; this will raise `httpx.HTTPStatusError` if one is refused."""
        pending = list(resources)
        for start in range(0, len(pending), LOAD_AT_ONCE):
            entries = [
                {
                    "resource": resource,
                    "request": {
                        "method": "PUT",
                        "url": f"{resource['resourceType']}/{resource['id']}",
                    },
                }
                for resource in pending[start : start + LOAD_AT_ONCE]
            ]
            bundle = {"resourceType": "Bundle", "type": "transaction", "entry": entries}
            headers = {"Prefer": "return=minimal"}
            self.http.post("", json=bundle, headers=headers).raise_for_status()

    def get(self, path: str, **headers: str) -> httpx.Response:
        """Read or search below the base URL; this will be the answer, whatever its status."""
        return self.http.get(f"/{path}", headers=headers)


@contextmanager
def running(
    folder: Path, *, auth: Mapping[str, Any] = OPEN, bearer: str | None = None
) -> Iterator[Sekmet]:
    """Start the server in a folder of its own; this will be ready when entered, and gone when left.

    `auth` is the server's `server_auth` setting: `{"types": ["bearer"], "tokens": [...]}` for fixed tokens, or
    `{"types": ["smart"], "smart_clients": [{"client_id", "jwks", "scopes"}]}` for SMART Backend Services. `bearer` is
    the token that the returned client sends. Raises `PartError` if the server does not come up.
    """
    python = python_of("sekmet")
    port = _free_port()
    root = f"http://127.0.0.1:{port}"
    settings = _settings(folder, root, port, auth)
    log = folder / "sekmet.log"
    with log.open("w") as out:
        process = subprocess.Popen(
            [python, "-m", "sekmet.cli", "serve", "-c", settings],
            cwd=folder,
            stdout=out,
            stderr=subprocess.STDOUT,
        )
    headers = {"Authorization": f"Bearer {bearer}"} if bearer else {}
    try:
        with httpx.Client(base_url=f"{root}/fhir", headers=headers, timeout=60) as http:
            _await_ready(http, process, log)
            yield Sekmet(f"{root}/fhir", http)
    finally:
        _stop(process)


def _settings(folder: Path, root: str, port: int, auth: Mapping[str, Any]) -> Path:
    settings = {
        "base_url": f"{root}/fhir",
        "host": "127.0.0.1",
        "port": port,
        "data_dir": str(folder / "data"),
        "server_auth": dict(auth),
        "simulator": {"enabled": False},
        "log_inbound": False,
    }
    file = folder / "settings.yaml"
    file.write_text(json.dumps(settings))  # JSON is YAML
    return file


def _await_ready(http: httpx.Client, process: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + START_TIMEOUT_S
    while process.poll() is None and time.monotonic() < deadline:
        try:
            if http.get("/metadata").is_success:
                return
        except httpx.ConnectError:
            time.sleep(0.05)
    message = f"sekmet did not start within {START_TIMEOUT_S} s (exit status {process.poll()}); see {log}"
    raise PartError(message)


def _stop(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    try:
        process.wait(STOP_TIMEOUT_S)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
