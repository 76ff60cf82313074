"""Traces and metrics arrive at a real collector, and one that is down costs a call nothing."""

import asyncio
import socket
import time
from pathlib import Path

import pytest

from cds_service.simulator.prefetch import Offer
from tests.ground import standing
from tests.http.conftest import FewPatients

from .rotel import backend_running, rotel_running

PATIENT = "iris-calloway"


def test_traces_and_metrics_arrive_and_name_no_patient(tmp_path: Path) -> None:
    """Everything that the product does to answer a call is in them; nothing of whom it was about is."""

    async def answer_one(collector: str) -> None:
        async with standing(
            tmp_path / "data", patients=FewPatients(), otlp_url=collector
        ) as ground:
            (answer,) = await ground.client().open_chart(PATIENT, offer=Offer(prefetch="none"))
            assert answer.status == 200

    with backend_running() as backend, rotel_running(tmp_path, backend) as collector:
        asyncio.run(answer_one(collector))
        deadline = time.monotonic() + 20
        while time.monotonic() < deadline and not (backend.spans() and backend.metrics()):
            time.sleep(0.1)
    assert {"answer", "verify", "gather", "compose"} <= set(backend.spans())
    assert "POST /{site}/cds-services/{service}" in backend.spans()
    assert {"cds.calls", "cds.stage.duration"} <= backend.metrics()
    for word in (PATIENT, "Calloway", "Patient/", "eyJ", "ehr.test"):
        assert word.encode() not in backend.text()


@pytest.mark.parametrize("listens", [False, True], ids=["refuses", "never answers"])
def test_a_collector_that_is_down_costs_a_call_nothing(tmp_path: Path, listens: bool) -> None:
    """Neither one that refuses nor one that never answers: the call is answered, and the stop is quick."""
    collector = socket.create_server(("127.0.0.1", 0))
    at = f"http://127.0.0.1:{collector.getsockname()[1]}"
    if not listens:
        collector.close()

    async def answer_some() -> float:
        async with standing(tmp_path / "data", patients=FewPatients(), otlp_url=at) as ground:
            for _ in range(5):
                began = time.monotonic()
                (answer,) = await ground.client().open_chart(PATIENT)
                assert answer.status == 200
            return time.monotonic() - began

    began = time.monotonic()
    took = asyncio.run(answer_some())
    collector.close()
    assert took < 2.0
    assert time.monotonic() - began < 40
