"""Data keys that a KMS wraps: no wrapping key is ever here, and what it does not unwrap does not open."""

import asyncio
import json

import pytest

from cds_service.domain.errors import Misconfigured
from cds_service.storage import RingPlace, open_database, start
from cds_service.storage.keyring import Kms
from cds_service.storage.rotate import rewrap, wrapping_keys
from cds_service.storage.start import load_keys
from cds_service.storage.tables import DATA_KEY
from tests.storage import kms
from tests.storage.databases import NOW, run
from tests.storage.key_cases import SITES, kept
from tests.tables import lay_tables

pytestmark = pytest.mark.anyio


@pytest.fixture
def service():
    with kms.serving() as running:
        yield running


@pytest.fixture
async def opened(tmp_path, service):
    """Open the same database again and again, as processes one after the other do."""
    open_now = []

    async def again(*, started=True):
        ring = await asyncio.to_thread(RingPlace(service.setting).load)
        await lay_tables(tmp_path)
        database = open_database("", data_dir=tmp_path, ring=ring)
        open_now.append(database)
        if started:
            await start(database, now=NOW, sites=SITES)
        return database

    yield again
    for database in open_now:
        await database.close()


async def test_what_one_process_sealed_another_opens(opened, service):
    first = await opened()
    await kept(first, brief_id="b1", body=b"Penicillin: anaphylaxis")
    assert await wrapping_keys(first) == {"kms00000"}
    assert first.seals.ring.keys == {}
    service.asked.clear()
    second = await opened()
    assert await second.brief("general", "b1") == b"Penicillin: anaphylaxis"
    assert set(service.asked) == {"newest", "unwrap"}


async def test_sealing_and_opening_ask_nobody(opened, service):
    database = await opened()
    service.asked.clear()
    for n in range(20):
        await kept(database, brief_id=f"b{n}")
        assert await database.brief("general", f"b{n}")
    assert service.asked == []


@pytest.mark.slow
async def test_a_new_key_of_the_kms_wraps_from_then_on_and_the_old_ones_can_go(opened, service):
    await kept(await opened(), brief_id="b1", body=b"body")
    service.rotate()
    database = await opened()
    assert [done async for done in rewrap(database, now=NOW)]
    assert await wrapping_keys(database) == {"kms00001"}
    del service.keys["kms00000"]
    assert await (await opened()).brief("general", "b1") == b"body"


async def test_a_service_that_runs_on_wraps_with_the_key_whose_name_it_stores(opened, service):
    """The KMS has turned to another key meanwhile, and unwraps by the name that it is told."""
    database = await opened()
    service.rotate()
    await kept(database, brief_id="b1", site="third", body=b"body")
    assert await wrapping_keys(database) == {"kms00000"}
    assert await (await opened()).brief("third", "b1") == b"body"


@pytest.mark.parametrize("kid", ["kms00001", None, 0])
def test_a_wrapping_by_another_key_than_was_asked_for_is_refused(service, tmp_path, kid):
    told = tmp_path / "told"
    told.write_text(json.dumps({"wrapped": "AAAA", "kid": kid}))
    with pytest.raises(Misconfigured, match="its key kms00000"):
        Kms(f"cat {told}", "kms00000").wrap(b"k" * 32, place="here")


@pytest.mark.slow
async def test_while_a_kms_hangs_everybody_else_writes(opened, service):
    database = await opened()
    service.was_to_wrap.clear()
    service.wraps.clear()
    making = asyncio.create_task(load_keys(database, now=NOW, sites=[*SITES, "third"]))
    try:
        assert await asyncio.to_thread(service.was_to_wrap.wait, 10)
        async with asyncio.timeout(10):
            await kept(database, brief_id="meanwhile")
        assert not making.done()
    finally:
        service.wraps.set()
        await making
    assert database.seals.current("third")


@pytest.mark.slow
async def test_a_start_asks_for_several_keys_at_once_but_not_for_all(opened, service):
    await load_keys(await opened(), now=NOW, sites=[f"s{n}" for n in range(10)])
    service.together = 8
    await opened()
    assert service.most == 8


async def test_a_wrapped_key_that_was_moved_does_not_unwrap(opened):
    await run(await opened(), "UPDATE data_key SET site = 'other' WHERE site = 'general'")
    with pytest.raises(Misconfigured, match="gave no answer"):
        await opened()


async def test_a_key_that_the_kms_no_longer_has_stops_the_start_and_changes_nothing(
    opened, service
):
    database = await opened()
    service.rotate()
    del service.keys["kms00000"]
    with pytest.raises(Misconfigured, match="gave no answer"):
        await opened()
    async with database.reading() as connection:
        rows = (await connection.execute(DATA_KEY.select())).all()
    assert {row.kek for row in rows} == {"kms00000"}


@pytest.mark.parametrize("printed", ["", "[]", "{}", '{"kid": "short"}', '{"kid": 12345678}'])
def test_a_program_that_answers_something_else_stops_the_start(tmp_path, printed):
    file = tmp_path / "answer"
    file.write_text(printed)
    with pytest.raises(Misconfigured, match="CDS_KEYRING"):
        RingPlace(f"kms:cat {file}").load()


def test_an_error_names_no_key(service):
    ring = RingPlace(service.setting).load()
    wrapped = ring.wrap(b"k" * 32, place="here")
    with pytest.raises(Misconfigured) as refused:
        ring.unwrap(wrapped, kid="kms00000", place="elsewhere")
    assert "kkkk" not in str(refused.value)
    assert refused.value.__cause__ is None
    assert service.setting not in repr(ring)
