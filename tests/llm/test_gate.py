"""Chart content goes only where somebody attests that an agreement covers it."""

from datetime import date
from math import inf

import pytest
from pydantic import SecretStr

from cds_service.domain.errors import Misconfigured
from cds_service.domain.prices import Prices
from cds_service.flow.model import limits
from cds_service.llm.clients import attestation, claude, endpoint
from cds_service.settings import Settings, read_settings
from tests.llm.asking import ask

pytestmark = pytest.mark.anyio

TODAY = date(2026, 11, 23)
PRICES = '{"input": 3, "output": 15, "cache_read": 0.3, "cache_write": 3.75}'
BAA = {
    "model_baa_by": "Privacy Office",
    "model_baa_date": date(2026, 3, 1),
    "model_baa_reference": "C-2026-117",
    "model_baa_region": "us",
}


def settings(profile="production", key="sk-test", **more):
    return Settings(profile=profile, ANTHROPIC_API_KEY=SecretStr(key), **more)


def made(**more):
    return claude(settings(**more), today=TODAY)


def test_without_a_key_there_is_no_model():
    assert made(key="", **BAA) is None
    assert made(key="", model_provider="foundry") is None


def test_a_key_without_an_attestation_stops_the_start_and_says_how_to_attest():
    with pytest.raises(Misconfigured, match=r"CDS_MODEL_BAA_BY.*CDS_MODEL_BAA_REGION"):
        made()


@pytest.mark.parametrize("missing", BAA)
def test_every_part_of_an_attestation_is_needed(missing):
    given = {name: value for name, value in BAA.items() if name != missing}
    with pytest.raises(Misconfigured, match=f"CDS_{missing.upper()}"):
        made(**given)


def test_an_agreement_of_tomorrow_is_none():
    with pytest.raises(Misconfigured, match="future"):
        made(**{**BAA, "model_baa_date": date(2026, 11, 24)})


def test_the_region_that_was_attested_is_the_one_that_is_used():
    with pytest.raises(Misconfigured, match=r"eu-west-1.*us"):
        made(model_region="eu-west-1", **BAA)
    assert made(model_region="us", **BAA)._geo == "us"


async def test_inference_is_asked_for_where_the_agreement_allows_it_also_when_no_region_is_set(
    standin,
):
    key = standin.script({"json": {"word": "yes"}})
    given = settings("demo", key, model_base_url=standin.url, **BAA)
    client = claude(given, today=TODAY)
    await client.ask(ask(), seconds=5)
    await client.close()
    assert standin.sent(key)[0]["inference_geo"] == "us"


def test_an_attested_endpoint_is_used_and_its_facts_are_there_for_the_audit():
    model = made(**BAA)
    assert model.id == "claude-sonnet-5-5"
    assert attestation(settings(**BAA)).facts() == {
        "by": "Privacy Office",
        "signed": "2026-03-01",
        "reference": "C-2026-117",
        "region": "us",
    }


def test_only_the_demo_may_use_a_stand_in_on_this_machine_without_a_word():
    url = "http://127.0.0.1:9000"
    assert made(profile="demo", model_base_url=url) is not None
    with pytest.raises(Misconfigured, match="https"):
        made(model_base_url=url, **BAA)
    with pytest.raises(Misconfigured, match="attests"):
        made(profile="demo", model_base_url="https://gateway.example.org")
    with pytest.raises(Misconfigured, match="attests"):
        made(profile="demo", model_base_url="https://127.0.0.1.example.org")


@pytest.mark.parametrize(
    ("more", "url"),
    [
        ({}, "https://api.anthropic.com"),
        (
            {"model_provider": "bedrock", "model_region": "us-east-1"},
            "https://bedrock-runtime.us-east-1.amazonaws.com",
        ),
        (
            {"model_provider": "vertex", "model_region": "eu", "model_project": "p"},
            "https://aiplatform.eu.rep.googleapis.com/v1",
        ),
        (
            {"model_provider": "vertex", "model_region": "us-east5", "model_project": "p"},
            "https://us-east5-aiplatform.googleapis.com/v1",
        ),
        (
            {"model_provider": "foundry", "model_project": "clinic"},
            "https://clinic.services.ai.azure.com/anthropic/",
        ),
    ],
)
def test_each_provider_is_asked_at_its_own_address(more, url, monkeypatch):
    for name in ("ANTHROPIC_BASE_URL", "ANTHROPIC_BEDROCK_BASE_URL", "ANTHROPIC_FOUNDRY_BASE_URL"):
        monkeypatch.setenv(name, "https://elsewhere.example.org")
    where = endpoint(settings(**more))
    assert where.url == url
    with pytest.raises(Misconfigured):  # whichever it is, somebody has to attest
        made(**more)


def test_the_address_of_the_client_is_the_attested_one(monkeypatch):
    monkeypatch.setenv("ANTHROPIC_FOUNDRY_BASE_URL", "https://elsewhere.example.org")
    model = made(model_provider="foundry", model_project="clinic", **BAA)
    assert model._client.base_url.host == "clinic.services.ai.azure.com"
    assert model._client.max_retries == 0


@pytest.mark.parametrize(
    ("provider", "named"),
    [
        ("bedrock", "CDS_MODEL_REGION"),
        ("vertex", "CDS_MODEL_REGION"),
        ("foundry", "CDS_MODEL_PROJECT"),
    ],
)
def test_a_platform_says_what_it_needs(provider, named):
    with pytest.raises(Misconfigured, match=named):
        made(model_provider=provider, **BAA)


@pytest.mark.parametrize("provider", ["bedrock", "vertex"])
def test_a_platform_whose_extra_is_not_installed_says_how_to_install_it(provider, monkeypatch):
    monkeypatch.setattr("cds_service.llm.clients.find_spec", lambda _: None)
    with pytest.raises(Misconfigured, match=rf"cds-service\[{provider}\]"):
        made(model_provider=provider, model_region="us", model_project="p", **BAA)


def test_the_key_shows_nowhere():
    assert "sk-test" not in repr(settings())


def test_prices_are_the_operators_own_and_whole(monkeypatch):
    monkeypatch.setenv("CDS_MODEL_PRICES", PRICES)
    assert read_settings().model_prices.cache_write == 3.75
    for wrong, told in (
        ("3", "CDS_MODEL_PRICES: "),
        ("three", "CDS_MODEL_PRICES: "),
        ('{"input": 3}', "CDS_MODEL_PRICES_OUTPUT"),
        (PRICES.replace("3.75", "-1"), "no price is below 0"),
        (PRICES.replace("cache_write", "cache_writes"), "CDS_MODEL_PRICES_CACHE_WRITE"),
    ):
        monkeypatch.setenv("CDS_MODEL_PRICES", wrong)
        with pytest.raises(Misconfigured, match=told):
            read_settings()


def test_a_cap_in_money_needs_prices():
    with pytest.raises(Misconfigured, match="CDS_MODEL_COST needs CDS_MODEL_PRICES"):
        limits(settings(model_cost=0.5))
    prices = Prices(input=3, output=15, cache_read=0.3, cache_write=3.75)
    assert limits(settings(model_cost=0.5, model_prices=prices)).cost == 0.5
    assert limits(settings(model_prices=prices)).cost == inf
