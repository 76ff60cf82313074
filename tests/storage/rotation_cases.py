"""What is true of rotations on every database: `test_rotation.py` and `tests/real/test_postgres.py` run it."""

from datetime import timedelta
from types import SimpleNamespace

import pytest
from sqlalchemy import text

from cds_service.domain.errors import Misconfigured
from cds_service.storage import KeyRing, Writer, sessions, start
from cds_service.storage.notices import Notices
from cds_service.storage.reviews import KeptDecision, KeptEdit, Reviews
from cds_service.storage.rotate import (
    begin,
    delete_data_keys,
    reseal,
    rewrap,
    sites_with_keys,
    unused,
    wrapping_keys,
)
from cds_service.storage.seal import kid_of
from cds_service.storage.start import load_keys
from cds_service.storage.tables import BRIEF, DECISION
from tests.storage.chain_cases import judged
from tests.storage.databases import NOW, RING, run
from tests.storage.key_cases import SITES, kept, queue

pytestmark = pytest.mark.anyio

BOTH = KeyRing({**RING.keys, "k0000002": b"2" * 32}, "k0000002")
NEW_ALONE = KeyRing({"k0000002": b"2" * 32}, "k0000002")
LATER = NOW + timedelta(minutes=1)


async def all_of(steps):
    return [step async for step in steps]


async def many(database, count):
    writer = Writer(database)
    for n in range(count):
        queue(writer, f"b{n}", "general", f"body {n}".encode())
    await writer.flush()


async def kids(database):
    """Return the ids of the keys that the stored briefs are under."""
    async with database.reading() as connection:
        rows = await connection.execute(BRIEF.select())
        return {kid_of(row.body) for row in rows}


async def new_keys(database):
    await begin(database, await sites_with_keys(database), begins=LATER, now=NOW)
    database.seals.turn(LATER)


async def people(database, reviews):
    """Let somebody sign in, edit (more than a batch), decide and approve a brief."""
    at = NOW
    row = sessions.SessionRow(
        id="s1", site="general", brief="b1", started=at, seen=at, ends=at, body=b"who"
    )
    async with database.transaction() as connection:
        await sessions.add(connection, database, row, tokens=b"token")
        brief = await reviews.brief(connection, "general", "b1")
        for n in range(120):
            edit = KeptEdit(seq=n, kind="add", line="visit", text=f"edit {n}", by="p", at=at)
            await reviews.add_edit(connection, brief, "made", edit)
        kept = KeptDecision(id="d1", kind="reject", by="p", at=at, reason="because")
        await reviews.add_decision(connection, brief, kept)
        approved = SimpleNamespace(
            id="a1", revision=1, digest="x", approver="p", session="s1", at=at
        )
        await reviews.add_approval(connection, brief, approved, b"packed")


class RotationCases:
    """Needs fixtures `database`, started at NOW, and `again`, which opens the same database anew."""

    @pytest.fixture
    async def filled(self, database):
        """Return a database with 250 briefs of one site, more than two batches, and one of another."""
        await load_keys(database, now=NOW, sites=SITES)
        await many(database, 250)
        await kept(database, brief_id="other", site="riverside")
        return database

    async def test_a_rotated_ring_opens_without_its_old_key(self, filled, again):
        filled.seals.ring = BOTH
        await all_of(rewrap(filled, now=NOW))
        assert await wrapping_keys(filled) == {"k0000002"}
        other = again(NEW_ALONE)
        await start(other, now=NOW)
        assert await other.brief("general", "b7") == b"body 7"
        with pytest.raises(Misconfigured, match="lacks the key k0000002"):
            await start(again(RING), now=NOW)

    async def test_an_interrupted_rewrapping_goes_on(self, filled, again, monkeypatch):
        monkeypatch.setattr("cds_service.storage.rotate.BATCH", 2)
        filled.seals.ring = BOTH
        async for _ in rewrap(filled, now=NOW):
            break
        assert await wrapping_keys(filled) == {"k0000001", "k0000002"}
        other = again(BOTH)
        await start(other, now=NOW)
        assert await other.brief("general", "b7") == b"body 7"
        await all_of(rewrap(other, now=NOW))
        assert await wrapping_keys(other) == {"k0000002"}

    async def test_everything_is_sealed_again_and_still_opens(self, filled):
        before = await kids(filled)
        await new_keys(filled)
        assert (await all_of(reseal(filled, now=NOW)))[-1] == 251
        after = await kids(filled)
        assert len(after) == 2
        assert not after & before
        for n in range(250):
            assert await filled.brief("general", f"b{n}") == f"body {n}".encode()
        assert (await judged(filled)).problem == ""

    async def test_whatever_people_did_is_sealed_again_too_and_its_old_key_can_go(self, filled):
        """Sessions with their tokens, edits, decisions and approvals, read back by their own readers."""
        reviews = Reviews(filled, Notices(database=filled, listeners=[]))
        await people(filled, reviews)
        await new_keys(filled)
        await all_of(reseal(filled, now=NOW))
        data, _ = await unused(filled, made_before=LATER)
        await delete_data_keys(filled, data, now=NOW)
        for kid in data:
            del filled.seals.keys[kid]
        async with filled.reading() as connection:
            edits = await reviews.edits(connection, "general", "b1", "made")
            assert [edit.text for edit in edits] == [f"edit {n}" for n in range(120)]
            approval = await reviews.approval(connection, "general", "b1")
            assert approval.packed == b"packed"
            row = await sessions.find(connection, filled, key="s1", site="general")
            assert row.body == b"who"
            assert await sessions.tokens(connection, filled, key="s1", site="general") == b"token"
            reason = (await connection.execute(DECISION.select())).one()
            place = f"decision|reason|{reason.id}|general"
            assert await filled.open(reason.reason, place=place) == b"because"

    async def test_what_is_done_is_passed_over(self, filled):
        await new_keys(filled)
        async for done in reseal(filled, now=NOW):
            if done:
                break
        assert len(await kids(filled)) == 3
        assert (await all_of(reseal(filled, now=NOW)))[-1] == 251 - done
        assert (await all_of(reseal(filled, now=NOW)))[-1] == 0

    async def test_a_process_that_runs_meanwhile_reads_and_writes(self, filled, again):
        other = again()
        await start(other, now=NOW, sites=SITES)
        await begin(filled, await sites_with_keys(filled), begins=LATER, now=NOW)
        await load_keys(other, now=NOW, sites=SITES)
        filled.seals.turn(LATER)
        async for _ in reseal(filled, now=NOW):
            assert await other.brief("general", "b7") == b"body 7"
            await kept(other, brief_id="meanwhile", body=b"new")
        await load_keys(other, now=LATER, sites=SITES)
        await kept(other, brief_id="afterwards", body=b"newer")
        assert await filled.brief("general", "meanwhile") == b"new"
        assert await filled.brief("general", "afterwards") == b"newer"

    async def test_a_value_that_does_not_open_stops_it_and_stays(self, filled):
        swap = "UPDATE brief SET body = (SELECT body FROM brief WHERE id = 'b1') WHERE id = 'b2'"
        await run(filled, swap)
        await new_keys(filled)
        with pytest.raises(Misconfigured, match="changed, or moved"):
            await all_of(reseal(filled, now=NOW))
        with pytest.raises(Misconfigured, match="changed, or moved"):
            await filled.brief("general", "b2")

    async def test_only_keys_that_nothing_is_under_are_unused(self, filled):
        filled.seals.ring = BOTH
        assert await unused(filled, made_before=LATER) == (frozenset(), frozenset())
        await new_keys(filled)
        assert (await unused(filled, made_before=LATER))[0] == frozenset()
        old = await kids(filled)
        await all_of(reseal(filled, now=NOW))
        await all_of(rewrap(filled, now=NOW))
        data, ring = await unused(filled, made_before=LATER)
        assert data == old
        assert ring == {"k0000001"}
        await delete_data_keys(filled, data, now=NOW)
        assert await filled.brief("general", "b7") == b"body 7"
        assert (await unused(filled, made_before=LATER))[0] == frozenset()

    async def test_a_key_that_somebody_else_just_made_is_not_retired(self, filled, again):
        other = again()
        await start(other, now=NOW, sites=SITES)
        made = await begin(other, ["general"], begins=LATER, now=NOW)
        data, _ = await unused(filled, made_before=LATER)
        assert made[0].kid not in data
        assert data == frozenset()

    async def test_a_key_that_not_every_process_has_loaded_is_not_retired(self, filled):
        old = await kids(filled)
        await new_keys(filled)
        await all_of(reseal(filled, now=NOW))
        assert (await unused(filled, made_before=NOW))[0] == frozenset()
        assert (await unused(filled, made_before=LATER))[0] == old

    async def test_a_key_that_came_into_use_after_the_look_is_not_retired(self, filled, again):
        other = again()
        await start(other, now=NOW, sites=SITES)
        await new_keys(filled)
        await all_of(reseal(filled, now=NOW))
        data, _ = await unused(filled, made_before=LATER)
        await kept(other, brief_id="late", body=b"under the key that goes")
        gone = await delete_data_keys(filled, data, now=NOW)
        assert gone == data - {other.seals.current("general").kid}
        assert len(gone) == 1
        fresh = again()
        await start(fresh, now=NOW)
        assert await fresh.brief("general", "late") == b"under the key that goes"

    async def test_a_key_that_the_audit_sealed_a_patient_with_is_used(self, database):
        await load_keys(database, now=NOW, sites=SITES)
        sealed = database.seal(b"Patient/p1", place="audit|patient|1|general")
        await new_keys(database)
        add = text("""INSERT INTO audit (site, seq, id, at, action, outcome, actor, patient, purpose, trace,
          brief, facts, mac) VALUES ('general', 99, '1', '2026-11-23 15:00:00', '', '', '', :patient, '',
          '', '', '{}', :patient)""")
        async with database.engine.begin() as connection:
            await connection.execute(add, {"patient": sealed})
        data, _ = await unused(database, made_before=LATER)
        assert kid_of(sealed) not in data
        assert len(data) == 1
