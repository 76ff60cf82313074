"""What is true of look-ups on every database: `test_look_ups.py` and `tests/real/test_postgres.py` run it."""

from datetime import timedelta
from itertools import count

import pytest

from cds_service.storage import briefs, visits
from cds_service.storage.chain import append, entry
from cds_service.storage.notices import Notices
from cds_service.storage.reviews import Reviews
from cds_service.storage.tables import APPROVAL, BRIEF, WRITE_INTENT
from tests.storage.databases import NOW

pytestmark = pytest.mark.anyio

SITE, PATIENT, VISIT = "general", "a patient", "a visit"
_IDS = count()


def brief(n=0, **known):
    """A row as the answer of a chart-open leaves it, the n-th since NOW."""
    at = NOW + timedelta(seconds=n)
    return {
        "id": f"b{next(_IDS)}",
        "site": SITE,
        "state": "ready",
        "source": "hook",
        "patient": PATIENT,
        "revision": 1,
        "created": at,
        "changed": at,
        "ready_at": at,
        "rules_version": "6",
        "versions": {},
        "body": b"sealed",
    } | known


def prepared(n=0, **known):
    return brief(n, source="prepare", seen=b"sealed", **known)


def note(of, n=1):
    """An approval of a brief, and where its note is."""
    row = {"id": f"{of}.{n}", "site": SITE, "brief": of}
    approval = row | {"note": n, "digest": "", "by": "", "session": "", "at": NOW, "versions": {}}
    intent = row | {"state": "verified", "attempts": 1, "told_stored": 1, "searchable": 1}
    intent |= {"location": f"DocumentReference/{of}", "reason": "", "changed": NOW}
    return approval | {"packed": b"sealed"}, intent


async def add(database, *rows):
    await database.insert([(BRIEF, rows)])


async def add_notes(database, *notes):
    approvals, intents = zip(*notes, strict=True)
    await database.insert([(APPROVAL, approvals), (WRITE_INTENT, intents)])


async def worked(database, number, at):
    """Let the audit say of a site that so many briefs were prepared at a moment."""
    known = {"site": SITE, "action": "prepare", "outcome": "ready", "facts": {}}
    async with database.transaction() as connection:
        await append(database.seals, connection, [entry(at=at, **known) for _ in range(number)])


class HistoryCases:
    """Needs a fixture `database`, started at NOW, and `visited`, which counts what a look-up has to look at.

    `many` is how much history a case adds: to look at each of it once would be that much more.
    """

    many = 300

    async def test_a_chart_open_finds_its_brief_however_many_the_patient_has(
        self, database, visited
    ):
        approved = brief(-5, state="verified")
        await add(database, prepared(id="this one"), approved)

        async def look():
            found = await briefs.of_patient(database, SITE, PATIENT, NOW)
            assert (found.prepared.id, found.approved.changed) == ("this one", approved["changed"])

        before = await visited(look)
        rows, unmade = [], {"state": "failed", "body": None}
        for n in range(self.many):
            rows += [brief(n), prepared(n, state="expired"), prepared(n, **unmade)]
        await add(database, *rows)
        assert await visited(look) < before + self.many

    async def test_a_poll_finds_the_visits_to_come_however_many_have_been(self, database, visited):
        later = {"expires_at": NOW + timedelta(days=1)}
        await add(database, prepared(id="this one", visit=VISIT, **later))

        async def look():
            async with database.reading() as connection:
                (known,) = await visits.known(connection, SITE, NOW)
                (open_one,) = await briefs.of_visit(connection, SITE, VISIT, NOW)
            assert known.id == open_one.id == "this one"

        before = await visited(look)
        over = {"state": "expired", "expires_at": NOW - timedelta(days=1)}
        rows = (prepared(-n, visit=f"{VISIT} {n}", **over) for n in range(self.many))
        await add(database, *rows, *(brief() for _ in range(self.many)))
        assert await visited(look) < before + self.many

    async def test_whether_work_moves_is_seen_however_long_the_audit_is(self, database, visited):
        await worked(database, 1, NOW)

        since = NOW - timedelta(minutes=15)

        async def look():
            async with database.reading() as connection:
                assert await briefs.moving(connection, since, action="prepare") == {SITE}

        before = await visited(look)
        await worked(database, self.many, NOW - timedelta(days=1))
        assert await visited(look) < before + self.many

    async def test_a_brief_is_taken_back_however_many_notes_a_site_has(self, database, visited):
        reviews = Reviews(database, Notices(database=database))
        await add(database, prepared(id="this one", state="verified") | {"body": None})
        async with database.reading() as connection:
            this = await reviews.brief(connection, SITE, "this one")
        await add_notes(database, note("this one", 1), note("this one", 2))

        async def look():
            async with database.transaction() as connection:
                await reviews.all_taken_back(connection, this, now=NOW)

        before = await visited(look)
        await add_notes(database, *(note(f"another {n}") for n in range(self.many)))
        assert await visited(look) < before + self.many
        async with database.reading() as connection:
            rows = (await connection.execute(WRITE_INTENT.select())).mappings()
            assert {row["id"] for row in rows if row["state"] == "withdrawn"} == {
                "this one.1",
                "this one.2",
            }
