"""Who steals the database file learns nothing of any chart."""

import pytest

from cds_service.domain.errors import Misconfigured
from cds_service.storage import open_database
from cds_service.storage.tables import BRIEF, CARD, FEEDBACK
from tests.flow.canary import CANARIES, body
from tests.ground import CDS
from tests.storage.databases import RING

pytestmark = pytest.mark.anyio


async def rows(ground, table):
    await ground.service.writer.flush()
    async with ground.service.database.engine.connect() as connection:
        return [dict(row) for row in (await connection.execute(table.select())).mappings()]


async def answered(ground, **how):
    answer = await ground.call(body(), **how)
    assert answer.status_code == 200
    return answer.json()["cards"]


def raw(ground):
    """Return every byte that lies in the data folder, whatever file it is in."""
    return {file: file.read_bytes() for file in ground.data_dir.rglob("*") if file.is_file()}


async def test_no_name_no_drug_and_no_comment_of_a_chart_lies_readable_on_disk(ground):
    cards = await answered(ground)
    url = f"{CDS}/general/cds-services/patient-view-brief"
    client = ground.client()
    item = client.overridden(cards[0]["uuid"], comment=f"not for {CANARIES[0]}")
    assert (await client.feedback(url, item)).status_code == 200
    assert await rows(ground, BRIEF)
    assert await rows(ground, FEEDBACK)
    files = raw(ground)
    assert {"app.db", "app.db-wal"} <= {file.name for file in files}
    for file, content in files.items():
        for canary in CANARIES:
            assert canary.encode() not in content, file.name
            assert canary.lower().encode() not in content.lower(), file.name


async def test_the_brief_itself_is_there_for_who_has_the_key(ground):
    await answered(ground)
    (row,) = await rows(ground, BRIEF)
    kept = await ground.service.database.brief("general", row["id"])
    assert any(canary.encode() in kept for canary in CANARIES)


async def test_a_card_is_remembered_with_its_brief_and_without_its_words(ground):
    cards = await answered(ground)
    (brief,) = await rows(ground, BRIEF)
    kept = await rows(ground, CARD)
    assert {row["uuid"] for row in kept} == {card["uuid"] for card in cards}
    assert {row["brief"] for row in kept} == {brief["id"]}


async def test_a_brief_is_found_at_its_own_site_only(ground):
    await answered(ground)
    (row,) = await rows(ground, BRIEF)
    assert await ground.service.database.brief("riverside", row["id"]) is None
    assert await ground.service.database.brief("general", "another") is None


@pytest.mark.parametrize("moved", ["site", "id"])
async def test_a_sealed_row_cannot_be_moved_to_another_site_or_row(ground, moved):
    """Whoever can write to the database still cannot show one patient's brief as another's."""
    await answered(ground)
    (row,) = await rows(ground, BRIEF)
    there = {"site": row["site"], "id": row["id"]} | {moved: "riverside"}
    async with ground.service.database.engine.begin() as connection:
        await connection.execute(BRIEF.update().values({moved: "riverside"}))
    with pytest.raises(Misconfigured, match="moved"):
        await ground.service.database.brief(there["site"], there["id"])


async def test_two_sealed_rows_cannot_change_places(ground):
    await answered(ground)
    await answered(ground)
    one, other = await rows(ground, BRIEF)
    async with ground.service.database.engine.begin() as connection:
        swap = BRIEF.update().where(BRIEF.c.id == one["id"]).values(body=other["body"])
        await connection.execute(swap)
    with pytest.raises(Misconfigured, match="moved"):
        await ground.service.database.brief("general", one["id"])


async def test_a_data_folder_is_made_for_its_owner_alone(tmp_path):
    folder = tmp_path / "data"
    database = open_database("", data_dir=folder, ring=RING)
    await database.close()
    assert folder.stat().st_mode & 0o777 == 0o700
