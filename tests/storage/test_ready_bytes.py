"""What is at hand of ready briefs is bounded in bytes, whoever's charts are opened: those asked for longest ago go."""

import time
from datetime import timedelta

import pytest

from cds_service.storage import briefs
from cds_service.storage.ready import ReadyBriefs
from tests.storage.databases import NOW, count_statements, opened

pytestmark = pytest.mark.anyio
BODY = 10_000
PATIENTS = [f"p{number}" for number in range(8)]


@pytest.fixture
async def database(tmp_path):
    database = await opened("", tmp_path)
    rows = [
        {
            "id": f"00000000-0000-0000-0000-00000000000{number}",
            "site": "general",
            "state": "ready",
            "source": "prepare",
            "patient": patient,
            "revision": 1,
            "created": NOW,
            "changed": NOW,
            "ready_at": NOW,
            "expires_at": NOW + timedelta(days=1),
            "rules_version": "1",
            "versions": {},
            "body": database.seal(b"b" * BODY, place=f"brief|body|{number}|general"),
            "seen": database.seal(b"s" * 100, place=f"brief|seen|{number}|general"),
        }
        for number, patient in enumerate(PATIENTS)
    ]
    async with database.transaction() as connection:
        await briefs.add(connection, database, rows)
    yield database
    await database.close()


async def test_as_many_are_kept_as_fit_and_the_longest_unused_goes(database):
    kept = ReadyBriefs(
        database=database, clock=time.monotonic, now=lambda: NOW, max_bytes=4 * (BODY + 1000)
    )
    for patient in PATIENTS[:4]:
        assert (await kept.find("general", patient)).prepared is not None
    await kept.find("general", PATIENTS[0])  # used again
    sent = count_statements(database)
    for patient in PATIENTS[4:6]:
        await kept.find("general", patient)
        assert kept.size <= kept.max_bytes
    sent.clear()
    for patient in (PATIENTS[0], PATIENTS[3], *PATIENTS[4:6]):
        await kept.find("general", patient)
    assert sent == [], "these are at hand"
    for patient in PATIENTS[1:3]:
        await kept.find("general", patient)
    assert len(sent) == 2, "these had gone"


async def test_one_that_is_larger_than_all_that_may_be_kept_is_served_and_not_kept(database):
    kept = ReadyBriefs(database=database, clock=time.monotonic, now=lambda: NOW, max_bytes=BODY)
    for _ in range(2):
        assert (await kept.find("general", PATIENTS[0])).prepared is not None
        assert kept.size == 0


async def test_patients_who_have_no_brief_take_room_as_well(database):
    kept = ReadyBriefs(database=database, clock=time.monotonic, now=lambda: NOW, max_bytes=5000)
    for number in range(200):
        await kept.find("general", f"unknown-{number}")
        assert kept.size <= 5000
    assert 0 < len(kept._kept) < 200


async def test_what_is_dropped_gives_its_room_back(database):
    kept = ReadyBriefs(database=database, clock=time.monotonic, now=lambda: NOW)
    for patient in PATIENTS:
        await kept.find("general", patient)
        await kept.find("general", patient)
    full = kept.size
    assert full > len(PATIENTS) * BODY
    for patient in PATIENTS:
        kept.drop("general", patient)
        kept.drop("general", patient)
    assert kept.size == 0
    for patient in PATIENTS:
        await kept.find("general", patient)
    assert kept.size == full
    kept.drop("", "")
    assert kept.size == 0
