"""What is old goes, in small steps; what a clinician decided about, and the audit, stay."""

from datetime import timedelta

import pytest
from sqlalchemy import func, select, update

from cds_service.storage import retention
from cds_service.storage.retention import forget
from cds_service.storage.tables import BRIEF, CARD, FEEDBACK, REPLAY, RUN
from tests.storage.databases import NOW, opened
from tests.storage.key_cases import kept

pytestmark = pytest.mark.anyio

KEEP = timedelta(days=90)
KEEP_RUNS = timedelta(days=30)
LATER = NOW + timedelta(days=91)


@pytest.fixture
async def database(tmp_path):
    database = await opened("", tmp_path)
    yield database
    await database.close()


async def count(database, table):
    async with database.reading() as connection:
        return (await connection.execute(select(func.count()).select_from(table))).scalar_one()


async def put(database, table, *rows):
    async with database.transaction() as connection:
        await connection.execute(table.insert(), list(rows))


def card(n, created=NOW):
    row = {"uuid": str(n), "site": "general", "service": "s", "topic": "", "brief": "b"}
    return row | {"created": created}


async def test_answers_and_feedback_go_after_their_days(database):
    await kept(database)
    told = {"key": "k", "site": "general", "issuer": "i", "service": "s", "card": "c"}
    told |= {"known_card": 1, "outcome": "accepted", "at": NOW, "received": NOW, "reason": ""}
    await put(database, FEEDBACK, told | {"accepted": [], "comment": b""})
    await put(database, CARD, card(1), card(2, LATER))
    await forget(database, now=NOW + KEEP, keep=KEEP, keep_runs=KEEP_RUNS)
    assert [await count(database, table) for table in (BRIEF, CARD, FEEDBACK)] == [1, 2, 1]
    gone = await forget(database, now=LATER, keep=KEEP, keep_runs=KEEP_RUNS)
    wanted = {"brief": 1, "card": 1, "feedback": 1}
    assert {name: gone[name] for name in wanted} == wanted
    assert [await count(database, table) for table in (BRIEF, CARD, FEEDBACK)] == [0, 1, 0]


async def test_what_a_model_was_asked_goes_after_its_own_days_whatever_became_of_the_brief(
    database,
):
    await kept(database)
    row = {"site": "general", "record": b"sealed"}
    old, new = NOW, NOW + timedelta(days=1)
    await put(database, RUN, row | {"brief": "1", "created": old})
    await put(database, RUN, row | {"brief": "2", "created": new})
    gone = await forget(
        database, now=NOW + KEEP_RUNS + timedelta(hours=1), keep=KEEP, keep_runs=KEEP_RUNS
    )
    assert (gone["run"], await count(database, RUN), await count(database, BRIEF)) == (1, 1, 1)


@pytest.mark.parametrize("state", ["in_review", "approved", "unknown", "verified", "rejected"])
async def test_a_brief_that_somebody_works_on_or_decided_about_stays(database, state):
    await kept(database)
    async with database.transaction() as connection:
        await connection.execute(update(BRIEF).values(state=state))
    await forget(database, now=LATER, keep=KEEP, keep_runs=KEEP_RUNS)
    assert await count(database, BRIEF) == 1


async def test_used_tokens_go_as_soon_as_they_have_expired(database):
    now = NOW.timestamp()
    rows = [{"key": bytes([n]), "first": now - 400, "expires": now + n - 1} for n in range(3)]
    await put(database, REPLAY, *rows)
    await forget(database, now=NOW, keep=KEEP, keep_runs=KEEP_RUNS)
    assert await count(database, REPLAY) == 2


async def test_many_rows_go_in_steps_of_a_bounded_size(database, monkeypatch):
    monkeypatch.setattr(retention, "_PAUSE_S", 0)
    await put(database, CARD, *(card(n) for n in range(retention.BATCH * 2 + 1)))
    gone = await forget(database, now=LATER, keep=KEEP, keep_runs=KEEP_RUNS)
    assert gone["card"] == retention.BATCH * 2 + 1
    assert await count(database, CARD) == 0
