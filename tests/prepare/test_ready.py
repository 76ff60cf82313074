"""What was prepared is served to the call that it is for, says its age, and is never another's."""

import asyncio
import json

import pytest
from sqlalchemy import text, update

from cds_service.brief import FORM
from cds_service.simulator.prefetch import Offer
from cds_service.storage.tables import BRIEF
from tests.http.conftest import FewPatients
from tests.prepare.conftest import working

pytestmark = pytest.mark.anyio
CHART = "beatrice-okonkwo"
OTHER = "harold-lindqvist"
RESTRICTED = "daniel-whitlock"
SLOW = text(
    "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 4000000) "
    "SELECT max(i) FROM n"
)
"""Some seconds, or half of one."""


async def opened(works, patient=CHART, site="general", **how):
    [answer] = await works.ground.client(site).open_chart(patient, **how)
    assert answer.status == 200
    return answer.cards()[-1]["detail"]


async def forget(works):
    """Let the next call read the database, as another process would."""
    works.background.notices.drop("", "")


async def change(works, row, **columns):
    async with works.ground.service.database.transaction() as connection:
        await connection.execute(update(BRIEF).where(BRIEF.c.id == row.id).values(**columns))
    await forget(works)


def a_result(patient=CHART, **changes):
    return {
        "resourceType": "Observation",
        "id": "fresh-potassium",
        "status": "final",
        "category": [{"coding": [{
            "system": "http://terminology.hl7.org/CodeSystem/observation-category",
            "code": "laboratory",
        }]}],
        "code": {"coding": [{"system": "http://loinc.org", "code": "2823-3"}], "text": "Potassium"},
        "subject": {"reference": f"Patient/{patient}"},
        "effectiveDateTime": "2026-11-23T14:00:00Z",
        "valueQuantity": {"value": 6.9, "unit": "mmol/L"},
        "interpretation": [{"coding": [{
            "system": "http://terminology.hl7.org/CodeSystem/v3-ObservationInterpretation",
            "code": "HH",
        }]}],
    } | changes  # fmt: skip


async def test_a_new_critical_result_is_shown_counted_and_asked_for_once(works):
    await works.prepared()
    works.ground.client().ehr.store.put(a_result())
    [answer] = await works.ground.client().open_chart(CHART)
    cards = answer.cards()
    assert [c["indicator"] for c in cards] == ["warning", "info"]
    assert "6.9" in cards[0]["summary"]
    assert "1 new result" in cards[-1]["detail"]
    for _ in range(3):
        await opened(works)
    asked = await works.rows("requested")
    assert len(asked) == 1
    works.ground.clock.move(minutes=2)
    await works.run(asked[0].id)
    assert "Since then" not in await opened(works)


async def test_nothing_new_is_said_to_be_nothing_new(works):
    await works.prepared()
    assert "nothing that was sent with this call is newer" in await opened(works)
    assert await works.rows("requested") == []


async def test_another_patients_brief_is_never_served(works):
    mine = await works.prepared(CHART)
    blind = works.ground.service.database.blind(f"Patient/{OTHER}", site="general")
    await change(works, mine, patient=blind)
    assert "Prepared" not in await opened(works, OTHER)


async def test_another_sites_brief_is_never_served(works):
    await works.prepared(CHART, "general")
    assert "Prepared" not in await opened(works, CHART, "riverside")


async def test_a_brief_moved_to_another_site_in_the_database_opens_nowhere(works):
    mine = await works.prepared(CHART, "general")
    blind = works.ground.service.database.blind(f"Patient/{CHART}", site="riverside")
    await change(works, mine, site="riverside", patient=blind)
    [answer] = await works.ground.client("riverside").open_chart(CHART)
    assert not any("Prepared" in card["detail"] for card in answer.cards())


async def test_a_brief_that_was_made_under_another_policy_is_not_shown(works):
    mine = await works.prepared()
    await change(works, mine, versions={**mine.versions, "policy": "of-yesterday"})
    assert "Prepared" not in await opened(works)


def without_titles(told):
    for section in told["sections"]:
        section["heading"] = section.pop("title")
    return json.dumps(told).encode()


UNREADABLE = {
    "of a key that is lost": lambda _, __: b"\x02k0000001" + b"x" * 90,
    "of another shape": lambda told, seal: seal(without_titles(told)),
    "no JSON": lambda _, seal: seal(b"{"),
    "no brief": lambda _, seal: seal(b"[]"),
}


@pytest.mark.parametrize("how", UNREADABLE)
async def test_a_brief_that_cannot_be_read_is_answered_by_rules_and_told(works, how, caplog):
    row, database = await works.prepared(), works.ground.service.database
    place = f"brief|body|{row.id}|{row.site}"
    told = json.loads(await database.brief(row.site, row.id))
    broken = UNREADABLE[how](told, lambda plain: database.seal(plain, place=place))
    await change(works, row, body=broken)
    assert "Prepared" not in await opened(works)
    [entry] = [e for e in await works.ground.audited() if e["action"] == "answer"]
    assert (entry["outcome"], entry["facts"]["not_ready"]) == ("ok", "prepared_unreadable")
    assert works.background.ready.kept.unreadable == 1
    [line] = [each.getMessage() for each in caplog.records if "cannot be read" in each.message]
    assert row.id in line
    assert CHART not in line
    [asked] = await works.rows("requested")
    works.ground.clock.move(minutes=2)
    await works.run(asked.id)
    assert "Prepared" in await opened(works), "and a new one is made"


async def test_a_brief_of_another_releases_form_is_not_shown(works):
    mine = await works.prepared()
    assert mine.versions["form"] == FORM
    await change(works, mine, versions={**mine.versions, "form": FORM + 1})
    assert "Prepared" not in await opened(works)
    assert works.background.ready.kept.unreadable == 0


async def test_a_brief_of_a_release_that_told_no_form_is_shown(works):
    mine = await works.prepared()
    await change(works, mine, versions={k: v for k, v in mine.versions.items() if k != "form"})
    assert "Prepared" in await opened(works)


@pytest.mark.parametrize("state", ["expired", "cancelled", "failed", "rejected", "withdrawn"])
async def test_a_brief_that_has_ended_is_not_shown(works, state):
    await change(works, await works.prepared(), state=state)
    assert "Prepared" not in await opened(works)


async def test_a_brief_is_not_shown_after_its_time_even_before_it_is_swept(works):
    await works.prepared()
    await opened(works)
    works.ground.clock.move(hours=40)
    assert "Prepared" not in await opened(works)


async def test_a_call_that_the_database_does_not_answer_in_time_is_answered_by_rules(works):
    await works.prepared()
    await forget(works)
    kept = works.background.ready.kept
    before_it = asyncio.create_task(works.ground.service.database.glance(SLOW, {}))
    await asyncio.sleep(0)
    assert "Prepared" not in await opened(works)
    assert kept.missed == 1, "and an operator can see it"
    await before_it
    assert "Prepared" in await opened(works)


async def test_what_is_ready_is_served_to_a_call_that_brings_neither_prefetch_nor_access(works):
    bare = Offer(prefetch="none", fhir_server=False, authorization=False)
    [answer] = await works.ground.client().open_chart(CHART, offer=bare)
    assert answer.status == 412, "there is nothing to say yet"
    await works.prepared()
    await forget(works)
    assert "Prepared" in await opened(works, offer=bare)


async def test_restricted_entries_are_shown_only_to_a_call_that_brought_them_itself(tmp_path):
    async with working(tmp_path, patients=FewPatients(ids=(RESTRICTED,))) as works:
        await works.prepared(RESTRICTED)
        [brought] = await works.ground.client().open_chart(RESTRICTED)
        few = Offer(only=frozenset({"patient"}), fhir_server=False, authorization=False)
        [bare] = await works.ground.client().open_chart(RESTRICTED, offer=few)
        for answer in (brought, bare):
            assert "Prepared" in answer.cards()[-1]["detail"]
        assert "Opioid dependence" in brought.cards()[-1]["detail"]
        assert "Opioid dependence" not in str(bare.cards())
