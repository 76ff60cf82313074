"""Of several briefs of a patient the newest that still counts is shown, and none that was made before a rejection."""

from datetime import timedelta

import pytest

from cds_service.storage.reviews import Reviews
from tests.prepare.test_ready import change, opened

pytestmark = pytest.mark.anyio


async def test_what_is_over_does_not_stand_before_what_is_still_valid(works):
    """A note that was filed keeps its brief for years; another visit of the patient has one of its own."""
    clock = works.ground.clock
    week = clock() + timedelta(days=7)
    await works.prepared(appointment="next week", start=week)
    clock.move(hours=1)
    soon = clock() + timedelta(hours=1)
    filed = await works.prepared(appointment="today", start=soon)
    await change(works, filed, state="verified")
    clock.move(days=2)
    await works.background.work.expire()
    assert "Prepared 2 days ago" in await opened(works)
    assert (await works.row(filed.id)).state == "verified"


async def test_what_was_prepared_before_a_rejection_is_not_served_after_it(works):
    await works.prepared()
    works.ground.clock.move(hours=2)
    rejected = await works.prepared()
    reviews = Reviews(works.ground.service.database, works.background.notices)
    async with works.ground.service.database.transaction() as connection:
        brief = await reviews.brief(connection, "general", rejected.id)
        await reviews.move(connection, brief, "in_review", now=works.ground.clock())
        brief = await reviews.brief(connection, "general", rejected.id)
        await reviews.move(connection, brief, "rejected", now=works.ground.clock())
    works.background.notices.drop("", "")
    assert "Prepared" not in await opened(works)
    asked = next(r for r in await works.rows("requested") if r.due <= works.ground.clock())
    await works.run(asked.id)
    works.background.notices.drop("", "")
    assert "Prepared" in await opened(works)
