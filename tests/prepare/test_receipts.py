"""The next card says what became of the note that was approved last, and looks nothing up for it."""

import pytest

from tests.prepare.conftest import SITES, working
from tests.prepare.test_ready import opened
from tests.storage.databases import count_statements

pytestmark = pytest.mark.anyio
WRITES = '\n[write]\nroute = "fhir"\n'
CHART = "beatrice-okonkwo"


async def at(works, state, row):
    """Move a brief as its review and its filing do, and tell of it as they do."""
    reviews = works.ground.service.desk.write_back.reviews
    path = {"approved": ("in_review", "approved"), "verified": ("writing", "written", "verified")}
    for each in path.get(state, (state,)):
        async with reviews.database.transaction() as connection:
            brief = await reviews.any_brief(connection, row.id)
            await reviews.move(connection, brief, each, now=works.ground.clock())
        reviews.told(brief)


async def test_the_next_card_says_that_a_note_was_filed(tmp_path):
    async with working(tmp_path, change=lambda text: text + WRITES) as works:
        row = await works.prepared()
        assert "approved" not in await opened(works)
        await at(works, "approved", row)
        assert "its note is being filed" in await opened(works)
        await at(works, "verified", row)
        said = await opened(works)
        assert "approved, filed and read back 2026-11-23 09:00 CST" in said


async def test_a_rules_card_says_it_too(tmp_path):
    sites = {"general": SITES["general"].partition("[backend]")[0] + WRITES}
    async with working(tmp_path, sites=sites) as works:
        card = await works.ground.client("general").open_chart(CHART)
        await works.ground.service.writer.flush()
        [row] = await works.rows("ready")
        await at(works, "approved", row)
        await at(works, "verified", row)
        assert card
        assert "read back" in await opened(works)


async def test_it_is_news_for_a_day(tmp_path):
    async with working(tmp_path, change=lambda text: text + WRITES) as works:
        row = await works.prepared()
        await at(works, "approved", row)
        works.ground.clock.move(hours=25)
        assert "being filed" not in await opened(works)


async def test_a_chart_that_opens_asks_the_database_once_and_then_not_at_all(tmp_path):
    async with working(tmp_path, change=lambda text: text + WRITES) as works:
        row = await works.prepared()
        await at(works, "approved", row)
        sent = count_statements(works.ground.service.database)

        def reads():
            return [each for each in sent if each.startswith("SELECT") and "FROM brief" in each]

        assert "being filed" in await opened(works)
        assert len(reads()) == 1
        assert "being filed" in await opened(works)
        assert len(reads()) == 1


async def test_a_site_that_files_nothing_says_nothing(works):
    row = await works.prepared()
    await at(works, "approved", row)
    assert "being filed" not in await opened(works)
