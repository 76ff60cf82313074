"""An OpenTelemetry collector that others wrote, between the product and a receiver of the test's own."""

import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from gzip import decompress
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import httpx
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import (
    ExportMetricsServiceRequest,
)
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from typing_extensions import override

from .parts import PartError, python_of
from .sekmet import _free_port, _stop

START_TIMEOUT_S = 15


@dataclass
class Backend:
    """Where the collector sends on to: the spans and metrics that arrived."""

    port: int = 0
    bodies: dict[str, list[bytes]] = field(default_factory=dict)

    def spans(self) -> list[str]:
        """Return the names of the spans."""
        return [
            span.name
            for body in self.bodies.get("/v1/traces", [])
            for resource in ExportTraceServiceRequest.FromString(body).resource_spans
            for scope in resource.scope_spans
            for span in scope.spans
        ]

    def metrics(self) -> set[str]:
        """Return the names of the metrics."""
        return {
            metric.name
            for body in self.bodies.get("/v1/metrics", [])
            for resource in ExportMetricsServiceRequest.FromString(body).resource_metrics
            for scope in resource.scope_metrics
            for metric in scope.metrics
        }

    def text(self) -> bytes:
        """Return everything that arrived, to look for what must not be in it."""
        return b"\n".join(body for bodies in self.bodies.values() for body in bodies)


class _Receiver(BaseHTTPRequestHandler):
    backend: Backend

    def do_POST(self) -> None:
        """Keep the body, whatever it is."""
        body = self.rfile.read(int(self.headers["Content-Length"]))
        plain = decompress(body) if self.headers.get("Content-Encoding") == "gzip" else body
        self.backend.bodies.setdefault(self.path, []).append(plain)
        self.send_response(200)
        self.send_header("Content-Type", "application/x-protobuf")
        self.send_header("Content-Length", "0")
        self.end_headers()

    @override
    def log_message(self, format: str, *args: object) -> None:
        """Stay silent."""


@contextmanager
def backend_running() -> Iterator[Backend]:
    """Receive on loopback what a collector hands on."""
    backend = Backend()
    handler = type("OneReceiver", (_Receiver,), {"backend": backend})
    server = HTTPServer(("127.0.0.1", 0), handler)
    backend.port = server.server_port
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield backend
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@contextmanager
def rotel_running(folder: Path, backend: Backend) -> Iterator[str]:
    """Start the collector; this will be its OTLP/HTTP address. Raises `PartError` if it does not come up."""
    python = python_of("rotel")
    (agent,) = python.parents[1].glob("lib/*/site-packages/rotel/rotel-agent")
    http, grpc = _free_port(), _free_port()
    options = {
        "--pid-file": folder / "rotel.pid",
        "--log-file": folder / "rotel.log",
        "--otlp-http-endpoint": f"127.0.0.1:{http}",
        "--otlp-grpc-endpoint": f"127.0.0.1:{grpc}",
        "--exporter": "otlp",
        "--otlp-exporter-endpoint": f"http://127.0.0.1:{backend.port}",
        "--otlp-exporter-protocol": "http",
        "--batch-timeout": "100ms",
    }
    words = [str(word) for pair in options.items() for word in pair]
    log = folder / "rotel.out"
    with log.open("w") as out:
        process = subprocess.Popen([agent, "start", *words], stdout=out, stderr=subprocess.STDOUT)
    try:
        _await_port(http, process, log)
        yield f"http://127.0.0.1:{http}"
    finally:
        _stop(process)


def _await_port(port: int, process: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + START_TIMEOUT_S
    while process.poll() is None and time.monotonic() < deadline:
        try:
            httpx.post(f"http://127.0.0.1:{port}/v1/traces", content=b"")
        except httpx.ConnectError:
            time.sleep(0.05)
        else:
            return
    message = (
        f"rotel did not start in {START_TIMEOUT_S} s (exit status {process.poll()}); see {log}"
    )
    raise PartError(message)
