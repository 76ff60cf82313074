"""A chaos server for model clients that others wrote; this will start it on a free loopback port and stop it again."""

import json
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

from .parts import PartError, python_of
from .sekmet import _free_port, _stop

START_TIMEOUT_S = 30


@dataclass(frozen=True, slots=True)
class LlMock:
    """A running server: where the Messages API is, and a client for its own controls."""

    base_url: str
    http: httpx.Client

    def script(self, *behaviors: dict[str, Any]) -> None:
        """Forget what was, then behave so."""
        self.http.post("/_llmock/reset").raise_for_status()
        self.http.post("/_llmock/scenario", json={"behaviors": list(behaviors)}).raise_for_status()

    def verdict(self) -> list[dict[str, Any]]:
        """Return what the server found wrong with its client."""
        answer = self.http.get("/_llmock/verdict").raise_for_status().json()
        return list(answer["findings"])

    def requests(self) -> list[dict[str, Any]]:
        """Return what was asked."""
        answer = self.http.get("/_llmock/requests").raise_for_status().json()
        return list(answer["requests"] if isinstance(answer, dict) else answer)


@contextmanager
def running(folder: Path) -> Iterator[LlMock]:
    """Start the server; this will be ready when entered, and gone when left. Raises `PartError`."""
    port, log = _free_port(), folder / "llmock.log"
    url = f"http://127.0.0.1:{port}"
    with log.open("w") as out:
        command = [python_of("llmock").with_name("llmock"), "serve", "--port", str(port)]
        process = subprocess.Popen(command, cwd=folder, stdout=out, stderr=subprocess.STDOUT)
    try:
        with httpx.Client(base_url=url, timeout=10, trust_env=False) as http:
            _await_ready(http, process, log)
            yield LlMock(f"{url}/anthropic", http)
    finally:
        _stop(process)


def _await_ready(http: httpx.Client, process: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + START_TIMEOUT_S
    while process.poll() is None and time.monotonic() < deadline:
        try:
            if http.get("/_llmock/requests").is_success:
                return
        except httpx.ConnectError:
            time.sleep(0.05)
    message = f"llmock did not start (exit status {process.poll()}); see {log}"
    raise PartError(message)


def shown(found: object) -> str:
    """Return something as JSON, for a message."""
    return json.dumps(found, indent=1)
