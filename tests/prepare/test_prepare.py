"""A brief is prepared ahead: from the request to the row that a chart-open is served from."""

import json

import pytest

from tests.prepare.conftest import until, working

pytestmark = pytest.mark.anyio
CHART = "beatrice-okonkwo"


async def body(works, row):
    raw = await works.ground.service.database.brief(row.site, row.id)
    return json.loads(raw)


async def test_a_prepared_brief_is_ready_with_its_record_and_its_versions(works):
    row = await works.prepared()
    assert (row.state, row.source, row.reason) == ("ready", "prepare", None)
    assert row.versions["rules"] == row.rules_version
    told = await body(works, row)
    assert told["patient"] == f"Patient/{CHART}"
    assert [gap for gap in told["gaps"] if gap["reason"] in {"failed", "timeout"}] == []
    trail = [e["outcome"] for e in await works.ground.audited() if e["action"] == "prepare"]
    assert trail == ["preparing", "ready"]


async def test_a_chart_that_opens_is_served_from_what_was_prepared_and_told_how_old_that_is(works):
    await works.prepared()
    works.ground.clock.move(hours=3)
    [answer] = await works.ground.client().open_chart(CHART)
    card = answer.cards()[-1]
    assert "Prepared 3 hours ago" in card["detail"]
    entry = (await works.ground.audited())[-1]
    assert entry["facts"]["prepared"]


async def test_the_engine_does_by_itself_what_a_booking_and_a_chart_open_ask_for(tmp_path):
    async with working(tmp_path, role="all") as works:
        [answer] = await works.ground.client().open_chart(CHART)
        assert "Prepared" not in answer.cards()[-1]["detail"]

        async def is_ready():
            return bool([r for r in await works.rows("ready") if r.source == "prepare"])

        await until(is_ready)
        works.ground.clock.move(minutes=5)
        [answer] = await works.ground.client().open_chart(CHART)
        assert "Prepared 5 minutes ago" in answer.cards()[-1]["detail"]
