"""The load generator, a process of its own: raw HTTP/1.1 over kept-alive connections, requests ready beforehand.

Runs as `python -m tests.bench.load`, one JSON order on standard input, one JSON report on standard output.
Closed loop: `connections` workers, each sends the next request as soon as its answer is there. Open loop: one request
every `1 / rate` seconds whatever became of the others; latency counts from the moment when it was due.
"""

import asyncio
import json
import subprocess
import sys
from collections import Counter
from dataclasses import asdict, dataclass, field
from pathlib import Path
from time import perf_counter

import uvloop

MAX_IDLE_S = 3.0
"""Below the five seconds after which uvicorn closes an idle connection."""
_STATUS = slice(9, 12)


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """What to send where: one request for each token."""

    port: int
    path: str
    body_file: str
    tokens: list[str] = field(repr=False)
    connections: int = 1
    rate: float | None = None
    """Requests a second, open loop; None for a closed loop."""


@dataclass(frozen=True, slots=True)
class Report:
    """What came back: seconds for all, milliseconds for each good answer in order, and how many of each status."""

    seconds: float
    latencies_ms: list[float]
    statuses: dict[str, int]

    def percentile(self, share: float) -> float:
        """Return the latency below which this share of the answers stayed."""
        ordered = sorted(self.latencies_ms)
        return ordered[min(len(ordered) - 1, int(len(ordered) * share))] if ordered else 0.0

    @property
    def refused(self) -> int:
        """Return how many were not answered with 200."""
        return sum(count for status, count in self.statuses.items() if status != "200")


def run(order: Order) -> Report:
    """Send an order from a process of its own."""
    command = [sys.executable, "-m", "tests.bench.load"]
    ended = subprocess.run(
        command, input=json.dumps(asdict(order)).encode(), stdout=subprocess.PIPE, check=True
    )
    return Report(**json.loads(ended.stdout))


class Connections:
    """Connections to one port, handed out free ones first, the last used before the others."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._free: list[tuple[float, asyncio.StreamReader, asyncio.StreamWriter]] = []

    async def send(self, request: tuple[bytes, bytes]) -> str:
        """Send one request; return the status of its answer, read to the end."""
        reader, writer = await self._one()
        writer.writelines(request)
        head = await reader.readuntil(b"\r\n\r\n")
        fields = dict(line.split(b": ", 1) for line in head.lower().split(b"\r\n")[1:-2])
        await reader.readexactly(int(fields[b"content-length"]))
        if fields.get(b"connection") == b"close":
            writer.close()
        else:
            self._free.append((perf_counter(), reader, writer))
        return head[_STATUS].decode()

    async def _one(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        if self._free:
            since, reader, writer = self._free.pop()
            if perf_counter() - since < MAX_IDLE_S:
                return reader, writer
            self.close()  # those below it have been idle even longer
            writer.close()
        return await asyncio.open_connection("127.0.0.1", self._port)

    def close(self) -> None:
        """Close what is free."""
        while self._free:
            self._free.pop()[2].close()


async def _generate(order: Order, body: bytes) -> Report:
    requests = [(_head(order, token, len(body)), body) for token in order.tokens]
    connections, statuses, latencies = Connections(order.port), Counter(), []

    async def send(request: tuple[bytes, bytes], due: float) -> None:
        status = await connections.send(request)
        statuses[status] += 1
        if status == "200":
            latencies.append((perf_counter() - due) * 1000)

    started = perf_counter()
    if order.rate is None:
        await _closed(requests, send, order.connections)
    else:
        await _open(requests, send, order.rate)
    report = Report(perf_counter() - started, latencies, dict(statuses))
    connections.close()
    return report


async def _closed(requests, send, connections: int) -> None:
    waiting = iter(requests)

    async def worker() -> None:
        for request in waiting:
            await send(request, perf_counter())

    await asyncio.gather(*(worker() for _ in range(connections)))


async def _open(requests, send, rate: float) -> None:
    started, sent = perf_counter(), []
    for number, request in enumerate(requests):
        due = started + number / rate
        await asyncio.sleep(max(0.0, due - perf_counter()))
        sent.append(asyncio.create_task(send(request, due)))
    await asyncio.gather(*sent)


def _head(order: Order, token: str, length: int) -> bytes:
    return (
        f"POST {order.path} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n"
        f"Authorization: Bearer {token}\r\nContent-Length: {length}\r\n\r\n"
    ).encode()


if __name__ == "__main__":
    what = Order(**json.load(sys.stdin))
    report = uvloop.run(_generate(what, Path(what.body_file).read_bytes()))
    sys.stdout.write(json.dumps(asdict(report)))
