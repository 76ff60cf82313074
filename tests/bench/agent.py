"""What one run of the agent costs us: CPU of this process, and the size of its first request.

A stand-in in another process answers at once over loopback; the model's SDK is imported before.
"""

import asyncio
import gc
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC
from pathlib import Path

from pydantic import SecretStr

from cds_service.agent.prompts import system_prompt
from cds_service.agent.run import Agent
from cds_service.brief.why import WORDS
from cds_service.domain.evidence import Context
from cds_service.domain.json import decode
from cds_service.flow.write_brief import WithAgent
from cds_service.llm.clients import claude
from cds_service.settings import Settings
from cds_service.simulator.scripted_model import NAME
from cds_service.sites import Site, load_site
from tests.bench.brief import NOW, usual_record
from tests.bench.measure import Row, Size, at_most
from tests.bench.process import free_port, serving

MAX_CPU_MS = 150.0
MAX_TOKENS = 12_000
_SITE = """
title = "Bench"
vendor = "generic-r4"
services = ["patient-view-brief"]

[fhir]
base_url = "https://ehr.example.org"

[[trust]]
iss = "https://ehr.example.org"
jwks_url = "https://ehr.example.org/jwks"

[agent]
enabled = true
"""


@dataclass(frozen=True, slots=True)
class _Run:
    cpu_ms: float
    first_tokens: int
    turns: int


def agent_run(size: Size) -> Iterator[Row]:
    """Measure whole runs over the usual record: what is sent, asked, checked and written."""
    chart = usual_record()
    with tempfile.TemporaryDirectory(prefix="cds-bench-") as temporary:
        folder, port = Path(temporary), free_port()
        site = _site(folder)
        log = folder / "model.log"
        with serving(["tests.bench._model", str(port)], port=port, log=log):
            url = f"http://127.0.0.1:{port}/scripted-model"
            runs = [asyncio.run(_run(url, chart, site)) for _ in range(size.briefs)]
    best = min(runs, key=lambda each: each.cpu_ms)
    note = f"best of {size.briefs}, {len(chart.ledger.evidence)} resources, {best.turns} turns"
    yield at_most("CPU of one run of the agent", best.cpu_ms, "ms", MAX_CPU_MS, note)
    note = "as the stand-in counts: four characters each"
    yield at_most("first request of a run", best.first_tokens, "tok", MAX_TOKENS, note)


async def _run(url: str, chart: Context, site: Site) -> _Run:
    settings = Settings(
        profile="demo",
        ANTHROPIC_API_KEY=SecretStr("scripted"),
        model_base_url=url,
        model_id=NAME,
    )
    model = claude(settings, today=NOW.astimezone(UTC).date())
    assert model is not None
    agent = Agent(model=model, prompt=system_prompt(WORDS), clock=time.monotonic)
    gc.collect()
    began = time.process_time_ns()
    written = await WithAgent(agent=agent)(chart, site)
    spent = time.process_time_ns() - began
    await model.close()
    if written.status != "ok" or written.record is None:
        raise RuntimeError(f"the run ended as {written.status}")
    steps = decode(written.record)["steps"]  # type: ignore[index]
    turns = [each for each in steps if each["step"] == "model"]
    return _Run(spent / 1e6, turns[0]["tokens_in"], len(turns))


def _site(folder: Path) -> Site:
    file = folder / "bench.toml"
    file.write_text(_SITE, encoding="utf-8")
    return load_site(file, services=frozenset({"patient-view-brief"}), demo=True)
