"""What an operator is told of a model that is about to go, or is not there."""

import time
from datetime import UTC, datetime
from types import SimpleNamespace

import pytest

from cds_service.flow.model import Helper
from cds_service.sites import Sites
from tests.llm.asking import settings

pytestmark = pytest.mark.anyio
NOW = datetime(2026, 11, 23, tzinfo=UTC)


async def told(standin, model_id):
    """Return what readiness would say of a model, having looked it up."""
    helper = Helper(
        settings=settings(standin, "sk-x", model_id=model_id),
        audit=None,
        is_off=lambda _: False,
        now=lambda: NOW,
        clock=time.monotonic,
    )
    enabled = SimpleNamespace(enabled=True)
    helper.check(SimpleNamespace(file=SimpleNamespace(agent=enabled)))
    await helper._look(helper.model)
    await helper.close()
    return list(helper.notes(Sites({})))


async def test_a_retired_model_is_told_with_its_end_and_what_to_do(standin):
    assert await told(standin, "claude-old") == [
        "model: claude-old is retired and ends on 2027-01-01: choose another"
    ]


async def test_a_model_that_is_not_there_is_told(standin):
    [said] = await told(standin, "claude-nonesuch")
    assert said.startswith("model: claude-nonesuch could not be looked up (404")


async def test_nothing_is_told_of_a_model_that_is_offered(standin):
    assert await told(standin, "claude-sonnet-5-5") == []
