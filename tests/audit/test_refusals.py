"""Refused callers: the first is told at once, a flood is a number."""

from dataclasses import replace

import pytest

from cds_service.domain.errors import Overloaded
from tests.flow.canary import body
from tests.ground import standing

pytestmark = pytest.mark.anyio


@pytest.fixture
async def ground(tmp_path):
    async with standing(tmp_path) as running:
        yield running


async def entries(ground):
    """Return what was told so far, without telling what was only counted."""
    audit = ground.service.audit
    ground.service.audit = replace(audit, refusals=type(audit.refusals)())
    try:
        return await ground.audited()
    finally:
        ground.service.audit = audit


async def test_a_flood_of_refused_callers_is_one_entry_and_a_count(ground):
    for _ in range(50):
        assert (await ground.call(body(), token="x")).status_code == 401
    assert [entry["facts"].get("count") for entry in await entries(ground)] == [None]
    ground.clock.move(seconds=61)
    ground.service.audit.tell_refusals()
    first, rest = await entries(ground)
    assert (first["outcome"], first["facts"]["reason"]) == ("not_trusted", "not_a_jwt")
    assert (rest["outcome"], rest["facts"]["reason"]) == ("not_trusted", "not_a_jwt")
    assert rest["facts"]["count"] == 49
    assert rest["at"] == first["at"]


async def test_the_next_minute_begins_with_an_entry_of_its_own(ground):
    for _ in range(2):
        await ground.call(body(), token="x")
        ground.clock.move(seconds=61)
        ground.service.audit.tell_refusals()
    assert [entry["facts"].get("count") for entry in await entries(ground)] == [None, None]


async def test_each_reason_and_each_site_is_counted_for_itself(ground):
    for site in ("general", "riverside"):
        for token in ("x", "x.y.z", "x"):
            await ground.call(body(), site=site, token=token)
    assert len(await entries(ground)) >= 2
    assert {entry["site"] for entry in await entries(ground)} == {"general", "riverside"}


async def test_an_orderly_stop_tells_what_was_counted(tmp_path):
    async with standing(tmp_path) as ground:
        for _ in range(5):
            await ground.call(body(), token="x")
    async with standing(tmp_path) as again:
        counts = [entry["facts"].get("count") for entry in await again.audited()]
    assert sorted(counts, key=str) == [4, None]


async def test_calls_turned_away_at_the_edge_are_counted_too(ground):
    for _ in range(3):
        ground.service.audit.refused("general", "answer", Overloaded())
    first, rest = await ground.audited()
    assert (first["outcome"], rest["outcome"], rest["facts"]["count"]) == (
        "overloaded",
        "overloaded",
        2,
    )


async def test_who_was_verified_is_told_each_time(ground):
    for _ in range(3):
        await ground.call(body(hook=None))
    assert [entry["outcome"] for entry in await ground.audited()] == ["bad_call"] * 3
