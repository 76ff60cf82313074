"""The agent against somebody else's chaos server: whatever fails, a run ends in time, and the client behaves.

That server answers in plain text, so a run never gets the form that it asks for; what is tested is the client.
Its disconnects, truncated and stalled answers are of streams alone, and we ask for none. What breaks in an answer
that is sent as one is tested in `tests/llm`: a stand-in drops the connection, cuts the body or sends it byte by byte.
"""

import time
from dataclasses import replace
from datetime import date

import pytest
from pydantic import SecretStr

from cds_service.agent.limits import Limits
from cds_service.brief import rule_brief
from cds_service.llm.calls import Patience
from cds_service.llm.clients import claude
from cds_service.settings import Settings
from tests.agent.scripted import agent_of
from tests.brief.charts import condition, context, lab

from . import llmock

pytestmark = [pytest.mark.real, pytest.mark.anyio]

CHART = context(condition("Gout"), lab("8.1"))
LIMITS = Limits(seconds=8.0, finalise_s=0.5, patience=Patience(min_call_s=0.2))
ANSWER = {"type": "reply", "text": '{"statements": [{"kind": "problem", "refs": ["Cond1"]}]}'}


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    with llmock.running(tmp_path_factory.mktemp("llmock")) as running:
        yield running


async def run(server, limits=LIMITS):
    settings = Settings(
        profile="demo", ANTHROPIC_API_KEY=SecretStr("sk-x"), model_base_url=server.base_url
    )
    model = claude(settings, today=date(2026, 11, 23))
    try:
        return await agent_of(model, limits)(CHART, rule_brief(CHART))
    finally:
        await model.close()


async def test_an_answer_of_a_stranger_is_taken(server):
    server.script(ANSWER)
    outcome = await run(server)
    assert outcome.status == "ok"
    assert outcome.draft.statements[0].refs == ("Condition/c1",)
    assert server.verdict() == []


async def test_tools_are_called_and_answered(server):
    call = {"name": "list_entries", "arguments": {"section": "problems"}}
    server.script({"type": "reply", "tool_calls": [call]}, ANSWER)
    outcome = await run(server)
    assert (outcome.status, outcome.record.tool_calls) == ("ok", 1)


@pytest.mark.parametrize("kind", ["malformed_arguments", "unknown_tool"])
async def test_broken_tool_calls_never_reach_the_record(server, kind):
    server.script({"type": "tool_fault", "kind": kind}, ANSWER)
    outcome = await run(server)
    steps = [each for each in outcome.record.steps if each["step"] == "tool"]
    assert outcome.status in {"ok", "invalid_output", "rounds_exhausted"}
    assert all(each["error"] for each in steps[:1])


@pytest.mark.parametrize("status", [429, 500, 503, 529])
async def test_what_passes_is_asked_again_as_it_should_be(server, status):
    server.script({"type": "fail", "status": status, "times": 2}, ANSWER)
    outcome = await run(server)
    assert (outcome.status, outcome.record.retries) == ("ok", 2)
    assert [each for each in server.verdict() if each.get("severity") == "error"] == []


async def test_a_short_retry_after_is_kept(server):
    server.script({"type": "fail", "status": 429, "retry_after": 1, "times": 1}, ANSWER)
    began = time.monotonic()
    assert (await run(server)).status == "ok"
    assert time.monotonic() - began >= 1
    assert server.verdict() == []


async def test_a_long_retry_after_ends_the_run_at_once(server):
    server.script({"type": "fail", "status": 429, "retry_after": 3600, "times": None})
    began = time.monotonic()
    assert (await run(server)).status == "unavailable"
    assert time.monotonic() - began < 3
    assert len(server.requests()) == 1


@pytest.mark.parametrize("status", [400, 401, 403, 404, 422])
async def test_what_does_not_pass_is_not_asked_again(server, status):
    server.script({"type": "fail", "status": status, "times": None})
    assert (await run(server)).status == "rejected"
    assert len(server.requests()) == 1
    assert server.verdict() == []


async def test_an_outage_ends_in_time(server):
    server.script({"type": "fail", "status": 503, "times": None})
    began = time.monotonic()
    assert (await run(server)).status == "unavailable"
    assert time.monotonic() - began < LIMITS.seconds
    assert len(server.requests()) == LIMITS.patience.attempts


async def test_a_server_that_hangs_is_left_at_the_deadline(server):
    server.script({"type": "delay", "seconds": 20})
    began = time.monotonic()
    outcome = await run(server, replace(LIMITS, seconds=1.5))
    assert outcome.status == "deadline"
    assert time.monotonic() - began < 3


async def test_a_server_that_only_calls_tools_is_ended(server):
    call = {"name": "list_entries", "arguments": {"section": "problems"}}
    server.script({"type": "reply", "tool_calls": [call], "times": None})
    assert (await run(server)).status == "rounds_exhausted"
