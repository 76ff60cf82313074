"""What is old goes, in small steps; what a clinician decided about, and the audit, stay."""

from datetime import timedelta

import pytest
from sqlalchemy import func, select, update

from cds_service.storage import retention
from cds_service.storage.retention import Periods, forget
from cds_service.storage.tables import (
    APPROVAL,
    BRIEF,
    CARD,
    DECISION,
    EDIT,
    FEEDBACK,
    PART,
    REPLAY,
    RUN,
    SESSION,
    SIGN_IN,
    WRITE_INTENT,
)
from tests.storage.databases import NOW, opened
from tests.storage.key_cases import kept

pytestmark = pytest.mark.anyio

KEEP = Periods(answers=timedelta(days=90), decided=timedelta(days=2192), runs=timedelta(days=30))
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
    await forget(database, now=NOW + KEEP.answers, keep=KEEP)
    assert [await count(database, table) for table in (BRIEF, CARD, FEEDBACK)] == [1, 2, 1]
    gone = await forget(database, now=LATER, keep=KEEP)
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
    gone = await forget(database, now=NOW + KEEP.runs + timedelta(hours=1), keep=KEEP)
    assert (gone["run"], await count(database, RUN), await count(database, BRIEF)) == (1, 1, 1)


OF_BRIEF = (EDIT, DECISION, APPROVAL, WRITE_INTENT)


async def worked_on(database, state):
    """Store a brief in a state, with an edit, a decision, an approval and the ledger of its filing."""
    await kept(database)
    common = {"site": "general", "brief": "1", "by": "Practitioner/1", "at": NOW, "versions": {}}
    row = common | {"made": "x", "seq": 1, "kind": "add", "line": "visit", "text": b"sealed"}
    await put(database, EDIT, row)
    await put(database, DECISION, common | {"id": "d", "kind": "reject", "reason": b"sealed"})
    row = common | {"id": "a", "note": 1, "digest": "", "session": "", "packed": b"sealed"}
    await put(database, APPROVAL, row)
    row = {"id": "a", "site": "general", "brief": "1", "state": "filed", "attempts": 1}
    row |= {"told_stored": 1, "location": "", "reason": "", "searchable": 0, "changed": NOW}
    await put(database, WRITE_INTENT, row)
    async with database.transaction() as connection:
        await connection.execute(update(BRIEF).values(state=state))


@pytest.mark.parametrize("state", ["in_review", "rejected", "withdrawn", "verified", "failed"])
async def test_what_a_person_did_goes_with_its_brief_after_six_years(database, state):
    await worked_on(database, state)
    for days, left in ((2192, 1), (2193, 0)):
        await forget(database, now=NOW + timedelta(days=days), keep=KEEP)
        assert [await count(database, table) for table in (BRIEF, *OF_BRIEF)] == [left] * 5


@pytest.mark.parametrize("state", ["approved", "writing", "unknown"])
async def test_a_note_on_its_way_to_the_chart_is_never_forgotten(database, state):
    await worked_on(database, state)
    await forget(database, now=NOW + timedelta(days=9999), keep=KEEP)
    assert [await count(database, table) for table in (BRIEF, *OF_BRIEF)] == [1] * 5


async def test_a_brief_that_could_not_be_made_goes_with_those_that_nobody_decided_about(database):
    await kept(database)
    async with database.transaction() as connection:
        await connection.execute(update(BRIEF).values(state="failed"))
    await forget(database, now=LATER, keep=KEEP)
    assert await count(database, BRIEF) == 0


async def test_a_sign_in_that_nobody_came_back_from_goes_within_the_hour(database):
    row = {"site": "general", "body": b"sealed"}
    hour = timedelta(hours=1)
    await put(
        database, SIGN_IN, row | {"id": "1", "begun": NOW}, row | {"id": "2", "begun": NOW + hour}
    )
    await forget(database, now=NOW + hour + timedelta(seconds=1), keep=KEEP)
    assert await count(database, SIGN_IN) == 1


async def test_a_session_and_its_tokens_go_a_week_after_its_end(database):
    row = {
        "site": "general",
        "brief": "1",
        "started": NOW,
        "seen": NOW,
        "body": b"",
        "tokens": b"",
    }
    ends = (NOW, NOW + timedelta(days=1))
    await put(database, SESSION, *(row | {"id": str(n), "ends": at} for n, at in enumerate(ends)))
    await forget(database, now=NOW + timedelta(days=7, seconds=1), keep=KEEP)
    assert await count(database, SESSION) == 1


@pytest.mark.parametrize("state", ["in_review", "approved", "unknown", "verified", "rejected"])
async def test_a_brief_that_somebody_works_on_or_decided_about_stays(database, state):
    await kept(database)
    async with database.transaction() as connection:
        await connection.execute(update(BRIEF).values(state=state))
    await forget(database, now=LATER, keep=KEEP)
    assert await count(database, BRIEF) == 1


async def test_used_tokens_go_as_soon_as_they_have_expired(database):
    now = NOW.timestamp()
    rows = [{"key": bytes([n]), "first": now - 400, "expires": now + n - 1} for n in range(3)]
    await put(database, REPLAY, *rows)
    await forget(database, now=NOW, keep=KEEP)
    assert await count(database, REPLAY) == 2


async def test_many_rows_go_in_steps_of_a_bounded_size(database, monkeypatch):
    monkeypatch.setattr(retention, "_PAUSE_S", 0)
    await put(database, CARD, *(card(n) for n in range(retention.BATCH * 2 + 1)))
    gone = await forget(database, now=LATER, keep=KEEP)
    assert gone["card"] == retention.BATCH * 2 + 1
    assert await count(database, CARD) == 0


async def test_what_a_model_was_asked_goes_with_its_brief_at_the_latest(database):
    await kept(database)
    row = {"site": "general", "record": b"sealed", "brief": "1", "created": LATER}
    await put(database, RUN, row)
    await forget(database, now=LATER, keep=KEEP)
    assert [await count(database, table) for table in (BRIEF, RUN)] == [0, 0]


@pytest.mark.parametrize(
    ("state", "left"), [("requested", 1), ("preparing", 1), ("ready", 0), ("cancelled", 0)]
)
async def test_what_was_gathered_is_kept_only_while_a_brief_is_to_be_made_of_it(
    database, state, left
):
    await kept(database)
    async with database.transaction() as connection:
        await connection.execute(update(BRIEF).values(state=state))
    await put(
        database, PART, *({"brief": b, "key": "k", "body": b"sealed"} for b in ("1", "gone"))
    )
    await forget(database, now=NOW, keep=KEEP)
    assert await count(database, PART) == left
