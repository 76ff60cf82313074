"""What is true of the data keys on every database: `test_data_keys.py` and `tests/real/test_postgres.py` run it."""

from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import text

from cds_service.domain.errors import Misconfigured
from cds_service.storage import KeyRing, Writer, open_database, start
from cds_service.storage.seal import SEAL, kid_of
from cds_service.storage.start import load_keys
from cds_service.storage.tables import AUDIT, DATA_KEY
from tests.storage.databases import NOW, RING

pytestmark = pytest.mark.anyio

SITES = ("general", "riverside")


async def keys(database, purpose=SEAL):
    async with database.reading() as connection:
        rows = (await connection.execute(DATA_KEY.select())).mappings()
        return {
            (row["site"], row["quarter"]): dict(row) for row in rows if row["purpose"] == purpose
        }


async def kept(database, brief_id="1", site="general", body=b"Penicillin: anaphylaxis"):
    """Store one answer's brief."""
    writer = Writer(database)
    queue(writer, brief_id, site, body)
    await writer.flush()


def queue(writer, brief_id, site, body):
    writer.brief(
        site=site,
        brief_id=brief_id,
        patient="Patient/p1",
        created=NOW,
        versions={"rules": "1"},
        body=body,
    )


class KeyCases:
    """Needs fixtures `database`, started at NOW, and `again`, which opens the same database anew."""

    async def test_each_site_has_a_key_for_the_quarter(self, database):
        await load_keys(database, now=NOW, sites=SITES)
        assert {("general", "2026Q4"), ("riverside", "2026Q4")} <= set(await keys(database))

    async def test_no_key_is_made_twice(self, database, again):
        await load_keys(database, now=NOW, sites=SITES)
        before = await keys(database)
        other = again()
        await start(other, now=NOW, sites=SITES)
        assert await keys(database) == before

    async def test_the_next_quarters_key_is_made_a_week_ahead_and_used_when_it_begins(
        self, database
    ):
        await load_keys(database, now=NOW, sites=SITES)
        december = datetime(2026, 12, 28, tzinfo=UTC)
        await load_keys(database, now=december, sites=SITES)
        assert ("general", "2027Q1") in await keys(database)
        assert database.seals.current("general").quarter == "2026Q4"
        await load_keys(database, now=datetime(2027, 1, 1, tzinfo=UTC), sites=SITES)
        assert database.seals.current("general").quarter == "2027Q1"

    async def test_a_service_that_slept_over_the_turn_gets_its_key_at_once(self, database):
        await load_keys(database, now=NOW + timedelta(days=400), sites=SITES)
        assert database.seals.current("general").quarter == "2027Q4"

    async def test_each_new_key_is_told_to_the_audit(self, database):
        await load_keys(database, now=NOW, sites=SITES)
        async with database.reading() as connection:
            entries = (await connection.execute(AUDIT.select())).mappings().all()
        told = {entry["facts"]["kid"] for entry in entries if entry["action"] == "key"}
        assert told == set(database.seals.keys)

    async def test_a_key_made_for_a_sites_first_content_is_stored_with_it(self, database, again):
        await kept(database)
        other = again()
        await start(other, now=NOW)
        assert await other.brief("general", "1") == b"Penicillin: anaphylaxis"

    async def test_what_another_process_sealed_with_a_key_it_just_made_opens(
        self, database, again
    ):
        other = again()
        await start(other, now=NOW)
        await kept(database)
        assert await other.brief("general", "1") == b"Penicillin: anaphylaxis"

    async def test_all_processes_find_the_same_patient(self, database, again):
        other = again()
        await start(other, now=NOW)
        index = database.blind("Patient/p1", site="general")
        assert other.blind("Patient/p1", site="general") == index

    @pytest.mark.parametrize(
        ("ring", "told"),
        [
            (KeyRing({"k0000009": b"9" * 32}, "k0000009"), "lacks the key k0000001"),
            (KeyRing({"k0000001": b"9" * 32}, "k0000001"), "is not the one"),
        ],
    )
    async def test_with_another_ring_it_does_not_start_and_changes_nothing(
        self, database, again, ring, told
    ):
        await kept(database)
        before = await keys(database)
        with pytest.raises(Misconfigured, match=told):
            await start(again(ring), now=NOW, sites=(*SITES, "third"))
        assert await keys(database) == before
        assert await database.brief("general", "1") == b"Penicillin: anaphylaxis"

    async def test_a_wrapped_key_moved_to_another_site_stops_the_start(self, database, again):
        await load_keys(database, now=NOW, sites=SITES)
        move = text("UPDATE data_key SET site = 'riverside' WHERE site = 'general'")
        async with database.engine.begin() as connection:
            await connection.execute(move)
        with pytest.raises(Misconfigured, match="is not the one"):
            await start(again(), now=NOW)

    async def test_the_keys_lie_in_the_database_wrapped_only(self, database):
        stored = await keys(database)
        for row in stored.values():
            assert database.seals.keys[row["kid"]].secret not in row["wrapped"]

    async def test_content_says_which_key_opens_it(self, database):
        await load_keys(database, now=NOW, sites=SITES)
        sealed = database.seal(b"x", place="a|b|c|general")
        assert kid_of(sealed) == database.seals.current("general").kid


@asynccontextmanager
async def reopening(url, folder):
    """Give a function that opens the same database as another process would."""
    opened = []

    def again(ring=RING):
        opened.append(open_database(url, data_dir=folder, ring=ring))
        return opened[-1]

    yield again
    for database in opened:
        await database.close()
