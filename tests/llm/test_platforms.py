"""The same request in the form of each platform, as the installed SDK sends it, to a stand-in on this machine.

That a platform takes it was not seen: none was asked.
"""

import pytest

from cds_service.llm import ModelFailed
from cds_service.llm.claude import Claude
from cds_service.llm.clients import _client, claude, endpoint
from tests.llm.asking import ask, settings
from tests.llm.test_gate import TODAY

pytestmark = pytest.mark.anyio

YES = {"json": {"word": "yes"}}
REGION = {"model_region": "us-east5"}
NAMED = {"model_project": "clinic"}
PLATFORMS = {
    "foundry": ("/anthropic/", NAMED),
    "bedrock": ("", REGION),
    "vertex": ("/v1", REGION | NAMED),
}


@pytest.fixture(params=PLATFORMS)
def platform(request):
    return request.param


def client_of(standin, key, platform, monkeypatch):
    """Return the client as it is made for a platform, with an identity that the stand-in knows."""
    path, more = PLATFORMS[platform]
    monkeypatch.setenv("AWS_BEARER_TOKEN_BEDROCK", key)
    given = settings(standin, key, model_provider=platform, **more)
    given = given.model_copy(update={"model_base_url": f"{standin.url}{path}"})
    made = _client(given, endpoint(given))
    if platform == "vertex":
        made.access_token = key
    return Claude(made, model=given.model_id)


async def test_each_platform_is_sent_the_same_question_and_its_answer_is_read(
    standin, platform, monkeypatch
):
    key = standin.script(YES)
    client = client_of(standin, key, platform, monkeypatch)
    reply = await client.ask(ask(), seconds=5)
    await client.close()
    assert reply.content[0]["text"] == '{"word": "yes"}'
    [sent], [headers] = standin.sent(key), standin.headers(key)
    own = standin.script(YES)
    plain = claude(settings(standin, own), today=TODAY)
    await plain.ask(ask(), seconds=5)
    await plain.close()
    assert [sent] == standin.sent(own)
    assert "anthropic-beta" not in headers


async def test_what_goes_wrong_has_the_same_names_on_each(standin, platform, monkeypatch):
    key = standin.script({"error": 529}, {"body": "<html>Log in", "media_type": "text/html"})
    client = client_of(standin, key, platform, monkeypatch)
    for code in ("529 overloaded_error", "200 not_a_message"):
        with pytest.raises(ModelFailed) as failed:
            await client.ask(ask(), seconds=5)
        assert failed.value.code == code
    assert client._client.max_retries == 0
    await client.close()


@pytest.mark.parametrize("platform", ["bedrock", "vertex"])
async def test_an_identity_that_cannot_be_had_is_a_failure_with_a_name(
    standin, platform, monkeypatch
):
    client = client_of(standin, "sk-x", platform, monkeypatch)
    client._client.api_key = client._client.access_token = None
    monkeypatch.setenv("AWS_PROFILE", "nobody")
    with pytest.raises(ModelFailed) as failed:
        await client.ask(ask(), seconds=5)
    assert (failed.value.kind, failed.value.retryable) == ("unavailable", False)
    assert failed.value.code
    await client.close()
