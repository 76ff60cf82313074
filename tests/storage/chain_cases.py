"""What is true of the audit's chains on every database: `test_chain.py` and `tests/real/test_postgres.py` run it."""

import asyncio
from datetime import timedelta

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from cds_service.storage import Writer
from cds_service.storage.chain import append, entry, heads, verify, walk
from cds_service.storage.retention import Periods, forget
from cds_service.storage.tables import CARD
from tests.storage.databases import NOW, run, tamper

pytestmark = pytest.mark.anyio
ZERO = timedelta()


def told(name, site="general", **known):
    return entry(site=site, action=name, outcome="ok", at=NOW, facts={"n": name}, **known)


async def filled(database, *names, site="general"):
    async with database.transaction() as connection:
        await append(database.seals, connection, [told(name, site) for name in names])


async def judged(database, site="general", known=()):
    async with database.reading() as connection:
        return await verify(database.seals, connection, site, known)


async def actions(database, site="general"):
    async with database.reading() as connection:
        return [row["action"] async for row in walk(connection, site)]


FORBIDDEN = {
    "an edit": "UPDATE audit SET outcome = 'other' WHERE seq = 2 AND site = 'general'",
    "an edit of all": "UPDATE audit SET outcome = 'other'",
    "a deletion": "DELETE FROM audit WHERE seq = 3 AND site = 'general'",
    "a deletion of all": "DELETE FROM audit",
}
"""What the triggers stop, whoever connects."""

_COPY = """INSERT INTO audit SELECT site, {seq}, id, at, action, outcome, actor, patient, purpose, trace,
  brief, facts, mac FROM audit WHERE site = 'general' AND seq = {of}"""
_SWAP = "UPDATE audit SET seq = {to} WHERE site = 'general' AND seq = {seq}"
TAMPERED = {
    # what was done: (statements, the first entry that is wrong, a word of the problem)
    "an outcome was edited": (["UPDATE audit SET outcome = 'x' WHERE seq = 4"], 4, "changed"),
    "an actor was edited": (["UPDATE audit SET actor = 'x' WHERE seq = 1"], 1, "changed"),
    "a fact was edited": (["UPDATE audit SET facts = '{\"n\": 9}' WHERE seq = 6"], 6, "changed"),
    "a time was edited": (
        ["UPDATE audit SET at = '2026-11-23 15:00:01.000000' WHERE seq = 5"],
        5,
        "changed",
    ),
    "a brief was edited": (["UPDATE audit SET brief = 'b' WHERE seq = 3"], 3, "changed"),
    "an id was edited": (["UPDATE audit SET id = 'b' WHERE seq = 3"], 3, "changed"),
    "the first was deleted": (["DELETE FROM audit WHERE seq = 1"], 1, "missing"),
    "one in the middle was deleted": (["DELETE FROM audit WHERE seq = 4"], 4, "missing"),
    "several were deleted": (["DELETE FROM audit WHERE seq IN (2, 3, 5)"], 2, "missing"),
    "the last was deleted": (["DELETE FROM audit WHERE seq = 7"], 7, "cut off"),
    "the end was cut off": (["DELETE FROM audit WHERE seq > 3"], 4, "cut off"),
    "one was deleted and the rest moved up": (
        ["DELETE FROM audit WHERE seq = 4", *(_SWAP.format(seq=n, to=n - 1) for n in (5, 6, 7))],
        4,
        "changed, inserted or moved",
    ),
    "two changed places": (
        [_SWAP.format(seq=2, to=99), _SWAP.format(seq=5, to=2), _SWAP.format(seq=99, to=5)],
        2,
        "changed, inserted or moved",
    ),
    "one was added at the end": ([_COPY.format(seq=8, of=7)], 8, "changed, inserted or moved"),
    "a cut with a head that was made up": (
        [
            "DELETE FROM audit WHERE seq > 3",
            """UPDATE audit_head SET seq = 3, mac = (SELECT mac FROM audit WHERE seq = 3)
               WHERE site = 'general'""",
        ],
        3,
        "did not sign",
    ),
    "all of it was deleted": (["DELETE FROM audit"], 1, "missing"),
    "all of it and its head": (["DELETE FROM audit", "DELETE FROM audit_head"], 1, "missing"),
}


class ChainCases:
    """Needs a fixture `database`, started at NOW."""

    @pytest.fixture
    async def seven(self, database):
        """Return a database whose site `general` has seven entries, and `riverside` two."""
        await filled(database, *(str(n) for n in range(1, 8)))
        await filled(database, "a", "b", site="riverside")
        return database

    async def test_a_chain_that_nobody_touched_is_whole(self, seven):
        verdict = await judged(seven)
        assert (verdict.entries, verdict.problem) == (7, "")
        assert (await judged(seven, "riverside")).entries == 2

    async def test_each_site_counts_for_itself(self, seven):
        assert await actions(seven) == ["1", "2", "3", "4", "5", "6", "7"]
        assert await actions(seven, "riverside") == ["a", "b"]

    async def test_what_rolls_back_leaves_no_entry_and_no_gap(self, seven):
        async def broken():
            async with seven.transaction() as connection:
                await append(seven.seals, connection, [told("never")])
                raise ZeroDivisionError

        with pytest.raises(ZeroDivisionError):
            await broken()
        await filled(seven, "8")
        assert (await judged(seven)).entries == 8

    async def test_many_writers_at_once_make_one_chain(self, seven):
        await asyncio.gather(*(filled(seven, f"w{n}", f"v{n}") for n in range(20)))
        assert (await judged(seven)).entries == 47

    @pytest.mark.parametrize("what", FORBIDDEN)
    async def test_the_database_itself_refuses(self, seven, what):
        with pytest.raises(DBAPIError, match="audit entries are only added"):
            await run(seven, FORBIDDEN[what])
        assert (await judged(seven)).entries == 7

    @pytest.mark.parametrize("what", TAMPERED)
    async def test_it_is_seen_and_named_that(self, seven, what):
        statements, first, problem = TAMPERED[what]
        statements = [s.replace("WHERE seq", "WHERE site = 'general' AND seq") for s in statements]
        await tamper(seven, *statements)
        verdict = await judged(seven)
        assert (verdict.broken_at, verdict.entries) == (first, first - (problem != "did not sign"))
        assert problem in verdict.problem
        others = await judged(seven, "riverside")
        assert others.problem == "" or what.startswith("all of it")

    async def test_a_sealed_patient_moved_to_another_entry_is_seen(self, database):
        rows = []
        for n in range(2):
            sealed = database.seal(f"Patient/{n}".encode(), place=f"audit|patient|{n}|general")
            rows.append(told(str(n), id=str(n), patient=sealed))
        async with database.transaction() as connection:
            await append(database.seals, connection, rows)
        swap = (
            "UPDATE audit SET patient = (SELECT patient FROM audit WHERE id = '1') WHERE id = '0'"
        )
        await tamper(database, swap)
        assert (await judged(database)).broken_at

    async def test_another_sites_entry_does_not_fit(self, seven):
        moved = "UPDATE audit SET site = 'riverside', seq = 3 WHERE site = 'general' AND seq = 3"
        await tamper(seven, moved)
        assert (await judged(seven, "riverside")).broken_at == 3
        assert (await judged(seven)).broken_at == 3

    async def test_an_older_copy_put_back_is_seen_by_a_head_kept_elsewhere(self, seven):
        async with seven.reading() as connection:
            before = await heads(connection)
        await filled(seven, "8", "9")
        async with seven.reading() as connection:
            exported = await heads(connection)
        assert (await judged(seven, known=before)).problem == ""
        assert (await judged(seven, known=exported)).problem == ""
        (old,) = [head for head in before if head.site == "general"]
        await tamper(seven, "DELETE FROM audit WHERE site = 'general' AND seq > 7")
        put_back = text(
            "UPDATE audit_head SET seq = :seq, mac = :mac, seal = :seal WHERE site = 'general'"
        )
        async with seven.engine.begin() as connection:
            await connection.execute(put_back, {"seq": old.seq, "mac": old.mac, "seal": old.seal})
        assert (await judged(seven)).problem == "", "the database alone cannot tell"
        verdict = await judged(seven, known=exported)
        assert (verdict.broken_at, verdict.problem) == (8, "is missing: the end was cut off")

    async def test_without_the_head_nothing_more_is_appended(self, seven):
        """Who can delete the head cannot make the service begin a new chain in its place."""
        await run(seven, "DELETE FROM audit_head WHERE site = 'general'")
        with pytest.raises(DBAPIError):
            await filled(seven, "8")

    async def test_a_change_whose_entry_cannot_be_written_does_not_happen(self, seven):
        await tamper(seven, "ALTER TABLE audit RENAME TO away")
        card = {"uuid": "u", "site": "general", "service": "s", "topic": "", "brief": "b"}

        async def change():
            async with seven.transaction() as connection:
                await connection.execute(CARD.insert(), [card | {"created": NOW}])
                await append(seven.seals, connection, [told("8")])

        with pytest.raises(DBAPIError):
            await change()
        async with seven.reading() as connection:
            assert (await connection.execute(CARD.select())).first() is None

    async def test_what_callers_send_is_stored_whatever_characters_it_has(self, database):
        wild = "Practitioner/\x00\ud800\u202e" + "x" * 500
        writer = Writer(database)
        writer.audit(entry(site="general", action="a", outcome="ok", at=NOW, facts={}, actor=wild))
        await writer.flush()
        assert (await judged(database)).entries == 1

    async def test_deleting_what_is_old_leaves_the_audit(self, seven):
        await forget(
            seven, now=NOW.replace(year=2036), keep=Periods(answers=ZERO, decided=ZERO, runs=ZERO)
        )
        assert (await judged(seven)).entries == 7
