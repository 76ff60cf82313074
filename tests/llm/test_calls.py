"""One request to a model, over the installed SDK, and everything that can go wrong with it."""

import asyncio
import time

import pytest

from cds_service.llm import ModelFailed, OutOfTime
from tests.llm.asking import answer, ask, model

pytestmark = pytest.mark.anyio

YES = {"json": {"word": "yes"}}


async def test_an_answer_comes_back_with_its_tokens_and_ids(standin):
    reply, retries = await answer(standin, standin.script(YES))
    assert reply.content[0]["text"] == '{"word": "yes"}'
    assert (reply.stop, reply.model, retries) == ("end_turn", "claude-sonnet-5-5", 0)
    assert reply.usage.total > 0
    assert reply.request_id.startswith("req_")


async def test_the_request_uses_no_beta_no_sampling_and_no_state_of_the_server(standin):
    key = standin.script(YES)
    await answer(standin, key)
    [sent], [headers] = standin.sent(key), standin.headers(key)
    assert {"temperature", "top_p", "thread", "container", "metadata"}.isdisjoint(sent)
    assert "anthropic-beta" not in headers
    assert "traceparent" not in headers
    assert sent["tools"][0]["strict"] is True
    assert sent["output_config"]["format"]["schema"]["additionalProperties"] is False


async def test_the_prefix_of_tools_and_system_is_read_from_the_cache_the_second_time(standin):
    key = standin.script(YES, YES)
    await answer(standin, key)
    again, _ = await answer(standin, key)
    assert again.usage.cache_read > 1000


@pytest.mark.parametrize("status", [408, 409, 429, 500, 503, 504, 529])
async def test_what_passes_is_asked_again(standin, status):
    reply, retries = await answer(
        standin, standin.script({"error": status}, {"error": status}, YES)
    )
    assert (reply.stop, retries) == ("end_turn", 2)


@pytest.mark.parametrize("status", [400, 401, 403, 404, 413, 422])
async def test_what_does_not_pass_is_not_asked_again(standin, status):
    key = standin.script({"error": status}, YES)
    with pytest.raises(ModelFailed) as failed:
        await answer(standin, key)
    assert (failed.value.kind, failed.value.retryable) == ("rejected", False)
    assert len(standin.sent(key)) == 1


@pytest.mark.parametrize("wait", ["3600", "4294967", "1e300", "inf", "99999999999999999999"])
async def test_an_absurd_retry_after_costs_no_time(standin, wait):
    key = standin.script({"error": 429, "headers": {"retry-after": wait}}, YES)
    began = time.monotonic()
    with pytest.raises(ModelFailed) as failed:
        await answer(standin, key)
    assert time.monotonic() - began < 2
    assert failed.value.code == "429 rate_limit_error"


@pytest.mark.parametrize("wait", ["nan", "-5", "soon", "Wed, 21 Oct 2099 07:28:00 GMT"])
async def test_a_retry_after_that_is_no_time_is_passed_over(standin, wait):
    key = standin.script({"error": 429, "headers": {"retry-after": wait}}, YES)
    assert (await answer(standin, key))[1] == 1


async def test_a_short_retry_after_is_kept(standin):
    key = standin.script({"error": 429, "headers": {"retry-after-ms": "300"}}, YES)
    began = time.monotonic()
    await answer(standin, key)
    assert time.monotonic() - began >= 0.3


@pytest.mark.parametrize("code", ["enforced_spend_limit_reached", "contract_spend_limit_reached"])
async def test_a_spend_limit_is_told_apart_and_not_asked_again(standin, code):
    key = standin.script({"error": 429, "error_code": code}, YES)
    with pytest.raises(ModelFailed) as failed:
        await answer(standin, key)
    assert failed.value.kind == "spend_limit"
    assert len(standin.sent(key)) == 1


async def test_a_revoked_key_is_a_rejection(standin):
    with pytest.raises(ModelFailed) as failed:
        await answer(standin, "sk-revoked")
    assert failed.value.code == "401 authentication_error"


async def test_a_model_that_does_not_exist_is_a_rejection(standin):
    with pytest.raises(ModelFailed) as failed:
        await answer(standin, standin.script(YES), model_id="claude-nonesuch")
    assert failed.value.code == "404 not_found_error"


async def test_a_dropped_connection_is_asked_again(standin):
    assert (await answer(standin, standin.script({"drop": "body"}, YES)))[1] == 1


async def test_nobody_at_the_address_is_a_failure_that_passes(standin):
    client = model(standin, "sk-x", model_id="claude-sonnet-5-5")
    client._client.base_url = "http://127.0.0.1:9"
    with pytest.raises(ModelFailed) as failed:
        await client.ask(ask(), seconds=1)
    assert (failed.value.kind, failed.value.retryable) == ("unavailable", True)
    await client.close()


WHOLE = {
    "type": "message",
    "model": "m",
    "content": [{"type": "text", "text": "{}"}],
    "stop_reason": "end_turn",
    "usage": {"input_tokens": 1, "output_tokens": 1},
}
CALL = {"type": "tool_use", "id": "t", "name": "look", "input": {}}


@pytest.mark.parametrize(
    "page",
    [
        {"body": "<html>Log in", "media_type": "text/html"},
        {"body": '{"type": "message", "con'},
        {"body": ""},
        {"body": "[" * 100_000},
        *({"raw": page} for page in (None, [], "yes", {}, {"error": "log in"}, {"content": []})),
        *(
            {"raw": WHOLE | change}
            for change in (
                {"type": "error"},
                {"model": None},
                {"content": None},
                {"content": [None]},
                {"content": ["CANARY"]},
                {"content": [{"text": "CANARY"}]},
                {"content": [{"type": "text", "text": 5}]},
                {"content": [CALL | {"id": 7}]},
                {"content": [CALL | {"name": ["CANARY"]}]},
                {"usage": None},
                {"usage": {"input_tokens": "CANARY"}},
                {"usage": {"input_tokens": -1, "output_tokens": 1e300}},
                {"stop_reason": 5},
                {"stop_details": "CANARY"},
            )
        ),
    ],
    ids=str,
)
async def test_a_200_that_is_no_message_is_a_failure_without_a_word_of_it(standin, page, capfd):
    with pytest.raises(ModelFailed) as failed:
        await answer(standin, standin.script(page))
    assert failed.value.code == "200 not_a_message"
    assert "CANARY" not in "".join(capfd.readouterr())


async def test_what_is_not_known_yet_goes_back_as_it_came(standin):
    blocks = [{"type": "thinking", "signature": "x", "depth": 1.5}, CALL | {"input": {"a": None}}]
    reply, _ = await answer(standin, standin.script({"raw": WHOLE | {"content": blocks}}))
    assert list(reply.content) == blocks


async def test_a_page_instead_of_what_a_model_is_is_a_failure(standin):
    client = model(standin, "sk-x", model_id="claude-page")
    with pytest.raises(ModelFailed) as failed:
        await client.facts(seconds=2)
    assert failed.value.code == "200 not_a_model"
    await client.close()


async def test_an_error_text_of_a_gateway_is_not_repeated(standin):
    key = standin.script(
        {"error": 400, "error_type": "Jane Doe <b>", "message": "chart of Jane Doe"}
    )
    with pytest.raises(ModelFailed) as failed:
        await answer(standin, key)
    assert failed.value.code == "400"
    assert "Jane" not in repr(failed.value.__cause__)
    assert failed.value.__suppress_context__


async def test_no_call_is_begun_when_too_little_time_is_left(standin):
    key = standin.script(YES)
    with pytest.raises(OutOfTime):
        await answer(standin, key, seconds=0.1)
    assert standin.sent(key) == []


async def test_a_server_that_drips_is_ended_by_a_deadline_around_the_call(standin):
    """A timeout of the SDK is for each read: a body that drips never meets it."""
    began = time.monotonic()
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(1.0):
            await answer(standin, standin.script({**YES, "drip": 0.05}), seconds=0.9)
    assert time.monotonic() - began < 1.5


async def test_proxies_of_the_environment_are_not_used(standin, monkeypatch):
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "HTTPS_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    monkeypatch.delenv("NO_PROXY", raising=False)
    monkeypatch.delenv("no_proxy", raising=False)
    assert (await answer(standin, standin.script(YES)))[1] == 0


async def test_the_environment_can_turn_no_request_elsewhere_and_add_no_beta(standin, monkeypatch):
    monkeypatch.setenv("ANTHROPIC_BASE_URL", "http://127.0.0.1:9")
    monkeypatch.setenv("ANTHROPIC_CUSTOM_HEADERS", "anthropic-beta: message-threads-2026-08-12")
    key = standin.script(YES)
    await answer(standin, key)
    assert "anthropic-beta" not in standin.headers(key)[0]


async def test_no_request_leaves_for_another_host_than_the_attested_one(standin):
    client = model(standin, standin.script(YES))
    client._client.base_url = standin.url.replace("127.0.0.1", "localhost")
    with pytest.raises(ModelFailed):
        await client.ask(ask(), seconds=1)
    await client.close()


async def test_a_redirect_is_not_followed(standin):
    key = standin.script({"error": 307, "headers": {"location": "http://127.0.0.1:9/"}})
    with pytest.raises(ModelFailed) as failed:
        await answer(standin, key)
    assert failed.value.kind == "rejected"


async def test_what_the_endpoint_says_of_a_model_is_read(standin):
    client = model(standin, "sk-x")
    facts = await client.facts(seconds=2)
    assert facts == {
        "lifecycle": "active",
        "retires": "2027-01-01",
    }
    await client.close()
    missing = model(standin, "sk-x", model_id="claude-nonesuch")
    with pytest.raises(ModelFailed):
        await missing.facts(seconds=2)
    await missing.close()


async def test_no_content_reaches_a_span_whatever_the_environment_asks(standin, monkeypatch):
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import SimpleSpanProcessor
    from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

    monkeypatch.setenv("ANTHROPIC_OPEN_TELEMETRY_TRACES_CONTENT_MODE", "content")
    exporter, provider = InMemorySpanExporter(), TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    client = model(standin, standin.script({"json": {"word": "no", "x": "CANARY-OUT"}}))
    options = {**client._client.open_telemetry, "tracer_provider": provider}
    client._client = client._client.with_options(open_telemetry=options)
    await client.ask(ask("CANARY-IN"), seconds=2)
    [span] = exporter.get_finished_spans()
    assert "CANARY" not in str(dict(span.attributes)) + span.name + str(span.events)
    assert span.attributes["gen_ai.operation.name"] == "chat"
    assert span.attributes["gen_ai.usage.output_tokens"] > 0
    await client.close()


async def test_bodies_are_never_logged(standin, caplog):
    caplog.set_level("DEBUG")
    client = model(standin, standin.script({"text": "CANARY-OUT"}))
    await client.ask(ask("CANARY-IN"), seconds=2)
    await client.close()
    assert "CANARY" not in caplog.text
